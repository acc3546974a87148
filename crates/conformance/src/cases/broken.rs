//! A transport that failed: what had arrived first, then `Broken`, in every direction and for ever.

use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use anynet_core::{BoxRuntime, Cause, Executor, ReceiveError, SendError};
use anynet_sockets::TcpStream;
use anynet_util::{MemoryStream, Stapled};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::connect_unspec;
use socket2::SockRef;

use crate::Context;
use crate::case::cases;
use crate::context::poll_once;

cases![
    a_reset_breaks_a_receive_with_its_cause,
    a_reset_in_the_middle_of_a_transfer_breaks_the_send_with_its_cause,
    bytes_that_came_before_a_reset_are_received_first,
    a_receive_stays_broken_and_never_becomes_the_end,
    a_reset_seen_by_a_send_is_no_clean_end_for_a_receive,
    a_reset_seen_by_one_half_breaks_the_other,
    both_halves_break_when_a_reset_meets_them_at_once,
    an_end_already_reported_stays_the_end,
    send_eof_on_a_broken_stream_is_broken,
    a_send_reports_the_loss_though_nobody_receives,
    an_unexpected_error_of_the_system_is_broken,
    a_broken_stream_closes_without_an_error,
    what_the_system_has_is_received_before_a_stapled_stream_is_broken,
];

async fn a_reset_breaks_a_receive_with_its_cause(context: Context) {
    for while_it_waits in [false, true] {
        let (mut ours, theirs) = context.tcp_pair().await;
        let mut buf = [0; 1];
        let mut receive = ours.receive(&mut buf);
        if while_it_waits {
            context.assert_waits(&mut receive).await;
        }
        reset(theirs);
        let cause = broken(context.within(receive).await);
        assert_is_a_reset(&cause);
        let error = io::Error::from(broken(context.within(ours.receive(&mut buf)).await));
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "it is an io::Error too");
    }
}

async fn a_reset_in_the_middle_of_a_transfer_breaks_the_send_with_its_cause(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let sending = context.runtime().spawn(async move {
        let data = [0; 64 << 10];
        loop {
            if let Err(error) = ours.send(&data).await {
                break (error, ours);
            }
        }
    });
    let mut some = vec![0; 256 << 10];
    context.within(theirs.receive_exactly(&mut some)).await.unwrap();
    context.settle().await;
    reset(theirs);
    let (error, mut ours) = context.within(sending).await;
    assert_is_a_reset(&broken_send(Err::<(), _>(error)));
    assert_is_a_reset(&broken_send(context.within(ours.send(b"x")).await));
}

async fn bytes_that_came_before_a_reset_are_received_first(context: Context) {
    for a_send_sees_it_first in [false, true] {
        let (mut ours, mut theirs) = context.tcp_pair().await;
        let data: Vec<u8> = (0..10_000_u32).map(|i| (i % 251) as u8).collect();
        context.within(theirs.send(&data)).await.unwrap();
        context.within(ours.peek(&mut [0; 1])).await.unwrap();
        reset(theirs);
        hung_up(&context, &ours).await;
        if a_send_sees_it_first {
            broken_send(context.within(ours.send(b"x")).await);
        }
        let (received, end) = context.drain(&mut ours).await;
        assert_eq!(received, data);
        assert!(matches!(end, ReceiveError::Broken(_)), "ended with {end:?}");
    }
}

async fn a_receive_stays_broken_and_never_becomes_the_end(context: Context) {
    let (mut ours, theirs) = context.tcp_pair().await;
    reset(theirs);
    let mut buf = [0; 8];
    for _ in 0..3 {
        assert_is_a_reset(&broken(context.within(ours.receive(&mut buf)).await));
        assert_is_a_reset(&broken(context.within(ours.peek(&mut buf)).await));
        assert_is_a_reset(&broken(ours.try_receive(&mut buf)));
        let exactly = context.within(ours.receive_exactly(&mut buf)).await;
        assert_is_a_reset(&broken(exactly.map_err(|error| error.reason().clone())));
        assert_is_a_reset(&broken_send(context.within(ours.send(b"x")).await));
    }
}

async fn a_reset_seen_by_a_send_is_no_clean_end_for_a_receive(context: Context) {
    for how in 0..4 {
        let (mut ours, theirs) = context.tcp_pair().await;
        reset(theirs);
        hung_up(&context, &ours).await;
        let seen = match how {
            0 => broken_send(context.within(ours.send(b"x")).await),
            1 => broken_send(ours.try_send(b"x")),
            2 => broken_send(context.within(ours.send_eof()).await),
            _ => {
                let mut bufs = [io::IoSlice::new(b"x"), io::IoSlice::new(b"y")];
                broken_send(context.within(ours.send_vectored(&mut bufs)).await)
            }
        };
        assert_is_a_reset(&seen);
        for _ in 0..3 {
            assert_is_a_reset(&broken(context.within(ours.receive(&mut [0; 1])).await));
        }
    }
}

async fn a_reset_seen_by_one_half_breaks_the_other(context: Context) {
    let (ours, theirs) = context.tcp_pair().await;
    reset(theirs);
    hung_up(&context, &ours).await;
    let (mut receive, mut send) = ours.into_split();
    assert_is_a_reset(&broken_send(context.within(send.send(b"x")).await));
    for _ in 0..3 {
        assert_is_a_reset(&broken(context.within(receive.receive(&mut [0; 1])).await));
    }

    let (ours, theirs) = context.tcp_pair().await;
    reset(theirs);
    let (mut receive, mut send) = ours.into_split();
    assert_is_a_reset(&broken(context.within(receive.receive(&mut [0; 1])).await));
    assert_is_a_reset(&broken_send(context.within(send.send(b"")).await));
    assert_is_a_reset(&broken_send(context.within(send.send(b"x")).await));
    assert_is_a_reset(&broken_send(context.within(send.send_eof()).await));

    let stream = receive.reunite(send).unwrap();
    let (mut receive, _send) = stream.into_split();
    assert_is_a_reset(&broken(context.within(receive.receive(&mut [0; 1])).await));
}

async fn both_halves_break_when_a_reset_meets_them_at_once(context: Context) {
    for _round in 0..50 {
        let (ours, theirs) = context.tcp_pair().await;
        let (mut receive, mut send) = ours.into_split();
        // Each looks all the time, on a thread of its own, so that they see the reset within the same moment.
        let receiving =
            thread::spawn(move || poll_until_ready(|| poll_once(&mut receive.receive(&mut [0; 1]))));
        let sending = thread::spawn(move || {
            let data = [0; 16 << 10];
            poll_until_ready(|| match poll_once(&mut send.send_some(&data)) {
                Poll::Ready(Ok(_)) => Poll::Pending,
                ended => ended,
            })
        });
        reset(theirs);
        context
            .until(|| receiving.is_finished() && sending.is_finished())
            .await;
        let received = receiving.join().unwrap();
        assert!(
            matches!(received, Err(ReceiveError::Broken(_))),
            "got {received:?}"
        );
        broken_send(sending.join().unwrap());
    }
}

async fn an_end_already_reported_stays_the_end(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    context.within(theirs.send_eof()).await.unwrap();
    let end = context.within(ours.receive(&mut [0; 1])).await;
    assert!(matches!(end, Err(ReceiveError::EndOfStream)), "got {end:?}");
    reset(theirs);
    hung_up(&context, &ours).await;
    for _ in 0..3 {
        broken_send(context.within(ours.send(b"x")).await);
        let end = context.within(ours.receive(&mut [0; 1])).await;
        assert!(matches!(end, Err(ReceiveError::EndOfStream)), "got {end:?}");
    }
}

async fn send_eof_on_a_broken_stream_is_broken(context: Context) {
    for a_receive_sees_it_first in [false, true] {
        let (mut ours, theirs) = context.tcp_pair().await;
        reset(theirs);
        hung_up(&context, &ours).await;
        if a_receive_sees_it_first {
            broken(context.within(ours.receive(&mut [0; 1])).await);
        }
        for _ in 0..3 {
            assert_is_a_reset(&broken_send(context.within(ours.send_eof()).await));
        }
        assert_is_a_reset(&broken_send(context.within(ours.send(b"")).await));
        assert_is_a_reset(&broken_send(context.within(ours.send_ready()).await));
    }
}

async fn a_send_reports_the_loss_though_nobody_receives(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    context.within(theirs.send(b"never received")).await.unwrap();
    context.within(ours.peek(&mut [0; 1])).await.unwrap();
    context.within(theirs.close()).await.unwrap();
    let broke = async {
        loop {
            if let Err(error) = ours.send(b"x").await {
                break error;
            }
            context.runtime().sleep(Duration::from_millis(1)).await;
        }
    };
    broken_send(Err::<(), _>(context.within(broke).await));
    broken_send(context.within(ours.send(b"x")).await);
}

async fn an_unexpected_error_of_the_system_is_broken(context: Context) {
    let (mut ours, _theirs) = context.tcp_pair().await;
    // Another owner of the connection dissolves it, and takes the error that tells of it.
    let duplicate = ours.as_fd().try_clone_to_owned().unwrap();
    connect_unspec(&duplicate).unwrap();
    let _ = SockRef::from(&duplicate).take_error();
    for _ in 0..3 {
        let cause = broken(context.within(ours.receive(&mut [0; 1])).await);
        assert_eq!(cause.kind(), ErrorKind::NotConnected);
        let cause = broken_send(context.within(ours.send(b"x")).await);
        assert_eq!(cause.kind(), ErrorKind::NotConnected, "the first cause stays");
    }
}

async fn a_broken_stream_closes_without_an_error(context: Context) {
    for was_seen in [false, true] {
        let (mut ours, theirs) = context.tcp_pair().await;
        reset(theirs);
        hung_up(&context, &ours).await;
        if was_seen {
            broken(context.within(ours.receive(&mut [0; 1])).await);
        }
        context.within(ours.close()).await.unwrap();
        let refused = context.within(ours.receive(&mut [0; 1])).await;
        assert!(matches!(refused, Err(ReceiveError::Closed)), "got {refused:?}");
    }
}

async fn what_the_system_has_is_received_before_a_stapled_stream_is_broken(context: Context) {
    let (ours, mut theirs) = context.tcp_pair().await;
    let (mut receive, _send) = ours.into_split();
    // No stream that was just accepted, of which a backend may ask the system first.
    context.within(theirs.send(b"early")).await.unwrap();
    context
        .within(receive.receive_exactly(&mut [0; 5]))
        .await
        .unwrap();
    context.assert_waits(&mut receive.receive(&mut [0; 1])).await;
    let (send, gone) = MemoryStream::pair(8);
    drop(gone);
    let mut stapled = Stapled::new(receive, send);
    // Behind the back of the runtime, which has not had its turn since.
    assert_eq!(SockRef::from(&theirs).send(b"arrived").unwrap(), 7);
    thread::sleep(Duration::from_millis(30));
    stapled.send(b"x").await.unwrap_err();
    let mut buf = [0; 8];
    assert_eq!(context.within(stapled.receive(&mut buf)).await.unwrap(), 7);
    broken(context.within(stapled.receive(&mut buf)).await);
}

/// Closes a stream so that its peer gets a reset, without our own means for it.
fn reset(stream: TcpStream<BoxRuntime>) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

fn poll_until_ready<T>(mut poll: impl FnMut() -> Poll<T>) -> T {
    loop {
        match poll() {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::yield_now(),
        }
    }
}

/// Waits until the reset has arrived, and leaves the finding of it to the next operation.
async fn hung_up(context: &Context, stream: &TcpStream<BoxRuntime>) {
    let is_hung_up = || {
        let mut fds = [PollFd::new(stream, PollFlags::empty())];
        poll(&mut fds, Some(&Timespec::default())).unwrap();
        fds[0].revents().contains(PollFlags::HUP)
    };
    context.until(is_hung_up).await;
}

#[track_caller]
fn broken<T: std::fmt::Debug>(received: Result<T, ReceiveError>) -> Cause {
    match received {
        Err(ReceiveError::Broken(cause)) => cause,
        other => panic!("expected a broken stream, got {other:?}"),
    }
}

#[track_caller]
fn broken_send<T: std::fmt::Debug>(sent: Result<T, SendError>) -> Cause {
    match sent {
        Err(SendError::Broken(cause)) => cause,
        other => panic!("expected a broken stream, got {other:?}"),
    }
}

#[track_caller]
fn assert_is_a_reset(cause: &Cause) {
    assert_eq!(cause.kind(), ErrorKind::ConnectionReset);
    assert!(
        cause.raw_os_error().is_some(),
        "the error of the system is the cause"
    );
}
