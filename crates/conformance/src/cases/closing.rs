//! Closing: in order, lingering, by reset, by dropping, and from another task.

use std::io::ErrorKind;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::mpsc::{Sender, TryRecvError, channel};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use anynet_core::{BoxRuntime, Closer, Executor, ReceiveError, SendError};
use anynet_sockets::TcpStream;
use rustix::io::fcntl_dupfd_cloexec;

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::{Descriptor, Woken, poll_once, poll_with};

cases![
    close_sends_everything_and_does_not_wait_for_the_peer,
    a_lingering_close_saves_the_last_bytes_that_close_would_lose,
    a_lingering_close_past_its_deadline_has_still_closed,
    a_close_returns_after_the_descriptor_is_released,
    a_close_beside_a_closer_succeeds,
    dropping_a_stream_closes_it_at_once,
    abort_resets_the_peer_and_drops_what_was_not_sent,
    abort_again_or_after_a_close_changes_nothing,
    a_closer_can_abort,
    a_closer_wakes_both_halves_at_once,
    a_closer_leaves_a_duplicate_working,
    a_closer_does_not_keep_the_stream_open,
    a_close_between_the_wake_up_and_the_read_is_closed,
    a_new_stream_with_a_reused_descriptor_number_is_left_alone,
];

/// Longer than any case may take.
const LONG: Duration = Duration::from_secs(60);

async fn close_sends_everything_and_does_not_wait_for_the_peer(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    send_unread(&context, &mut theirs, &mut ours).await;
    let sent = context.clog(&mut ours).await;
    context.within(ours.close()).await.unwrap();
    context.settle().await;
    let (received, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    assert_eq!(received.len(), sent, "everything arrives");
}

async fn a_lingering_close_saves_the_last_bytes_that_close_would_lose(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let sent = context.clog(&mut ours).await;
    context.within(ours.close()).await.unwrap();
    context.within(theirs.send(b"late")).await.unwrap();
    context.settle().await;
    let (received, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::Broken(_)), "ended with {end:?}");
    assert!(received.len() < sent, "the reset destroys what was on its way");

    let (mut ours, mut theirs) = context.tcp_pair().await;
    let sent = context.clog(&mut ours).await;
    let closing = context
        .runtime()
        .spawn(async move { ours.close_lingering(LONG).await });
    for _ in 0..2 {
        context.settle().await;
        context.within(theirs.send(b"late")).await.unwrap();
    }
    context.settle().await;
    let (received, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    assert_eq!(received.len(), sent, "everything arrives");
    drop(theirs);
    context.within(closing).await.unwrap();
}

async fn a_lingering_close_past_its_deadline_has_still_closed(context: Context) -> Outcome {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let descriptor = Descriptor::of(&ours)?;
    let lingered = context
        .within(ours.close_lingering(Duration::from_millis(5)))
        .await;
    let Err(SendError::Broken(cause)) = lingered else {
        panic!("the peer has not ended: {lingered:?}");
    };
    assert_eq!(cause.kind(), ErrorKind::TimedOut);
    assert!(!descriptor.is_open(), "an error does not keep it open");
    assert!(matches!(ours.send(b"").await, Err(SendError::Closed)));
    context.within(ours.close()).await.unwrap();
    let (_, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    Ok(())
}

async fn a_close_returns_after_the_descriptor_is_released(context: Context) -> Outcome {
    for how in 0..4 {
        let (mut ours, theirs) = context.tcp_pair().await;
        let descriptor = Descriptor::of(&ours)?;
        wait_in_both_directions(&mut ours);
        match how {
            0 => context.within(ours.close()).await.unwrap(),
            1 => {
                drop(theirs); // its reset ends the lingering
                let _ = context.within(ours.close_lingering(LONG)).await;
            }
            2 => ours.abort(),
            _ => {
                ours.closer().close();
                let refused = context.within(ours.receive(&mut [0; 1])).await;
                assert!(matches!(refused, Err(ReceiveError::Closed)), "got {refused:?}");
            }
        }
        assert!(
            !descriptor.is_open(),
            "it returned before the release (way {how})"
        );
    }

    let mut listener = context.listener().await;
    let descriptor = Descriptor::of(&listener)?;
    context.assert_waits(&mut Box::pin(listener.accept())).await;
    listener.close();
    assert!(!descriptor.is_open(), "a listener too");
    Ok(())
}

async fn a_close_beside_a_closer_succeeds(context: Context) -> Outcome {
    let closers = closing_again_and_again();
    for _round in 0..50 {
        let (mut ours, mut theirs) = context.tcp_pair().await;
        let descriptor = Descriptor::of(&ours)?;
        closers.send(ours.closer()).unwrap();
        context.within(ours.close()).await.unwrap();
        assert!(!descriptor.is_open(), "a closer at work delays the release");
        context.within(ours.close()).await.unwrap();
        let (_, end) = context.drain(&mut theirs).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    }
    Ok(())
}

async fn dropping_a_stream_closes_it_at_once(context: Context) -> Outcome {
    for has_waited in [false, true] {
        let (mut ours, mut theirs) = context.tcp_pair().await;
        let descriptor = Descriptor::of(&ours)?;
        let sent = if has_waited {
            wait_in_both_directions(&mut ours)
        } else {
            0
        };
        drop(ours);
        assert!(!descriptor.is_open(), "a drop is a close");
        let (received, end) = context.drain(&mut theirs).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
        assert_eq!(received.len(), sent, "what was sent still goes out");
    }
    Ok(())
}

async fn abort_resets_the_peer_and_drops_what_was_not_sent(context: Context) -> Outcome {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let descriptor = Descriptor::of(&ours)?;
    let sent = context.clog(&mut ours).await;
    ours.abort();
    assert!(!descriptor.is_open(), "an abort closes");
    assert!(matches!(ours.send(b"").await, Err(SendError::Closed)));
    assert_reset(&context, &mut theirs, sent).await;
    Ok(())
}

async fn abort_again_or_after_a_close_changes_nothing(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    ours.abort();
    ours.abort();
    assert!(matches!(
        ours.receive(&mut [0; 1]).await,
        Err(ReceiveError::Closed)
    ));
    assert_reset(&context, &mut theirs, 1).await;

    for through_closer in [false, true] {
        let (mut ours, mut theirs) = context.tcp_pair().await;
        context.within(ours.send(b"x")).await.unwrap();
        let closer = ours.closer();
        if through_closer {
            closer.close();
        } else {
            context.within(ours.close()).await.unwrap();
        }
        closer.abort();
        ours.abort();
        let (received, end) = context.drain(&mut theirs).await;
        assert_eq!(received, b"x");
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    }
}

async fn a_closer_can_abort(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let closer = ours.closer();
    let sent = context.clog(&mut ours).await;
    let (mut receive, idle) = ours.into_split();
    let receiving = context
        .runtime()
        .spawn(async move { receive.receive(&mut [0; 1]).await });
    context.settle().await;
    closer.abort();
    let received = context.within(receiving).await;
    assert!(matches!(received, Err(ReceiveError::Closed)), "got {received:?}");
    if cfg!(target_os = "linux") {
        assert_reset(&context, &mut theirs, sent).await;
        drop(idle);
    } else {
        drop(idle); // elsewhere the last handle resets
        assert_reset(&context, &mut theirs, sent).await;
    }
}

async fn a_closer_wakes_both_halves_at_once(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let closer = ours.closer();
    let sent = context.clog(&mut ours).await;
    let (mut receive, mut send) = ours.into_split();
    let receiving = context
        .runtime()
        .spawn(async move { receive.receive(&mut [0; 1]).await });
    let sending = context.runtime().spawn(async move { send.send(b"more").await });
    context.settle().await;
    closer.close();
    let received = context.within(receiving).await;
    assert!(matches!(received, Err(ReceiveError::Closed)), "got {received:?}");
    let ended = context.within(sending).await;
    assert!(matches!(ended, Err(SendError::Closed)), "got {ended:?}");
    let (received, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    assert_eq!(received.len(), sent, "what was sent before still arrives");
}

async fn a_closer_leaves_a_duplicate_working(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let closer = ours.closer();
    let duplicate = ours.as_fd().try_clone_to_owned().unwrap();
    let receiving = context
        .runtime()
        .spawn(async move { ours.receive(&mut [0; 1]).await });
    context.settle().await;
    closer.close();
    let received = context.within(receiving).await;
    assert!(matches!(received, Err(ReceiveError::Closed)), "got {received:?}");

    let mut duplicate = TcpStream::from_fd(context.runtime().clone(), duplicate).unwrap();
    context.assert_talks(&mut duplicate, &mut theirs).await;
}

async fn a_closer_does_not_keep_the_stream_open(context: Context) -> Outcome {
    let (ours, mut theirs) = context.tcp_pair().await;
    let descriptor = Descriptor::of(&ours)?;
    let closer = ours.closer();
    drop(ours);
    assert!(!descriptor.is_open(), "only handles keep it open");
    closer.abort();
    closer.close();
    let (_, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    Ok(())
}

async fn a_close_between_the_wake_up_and_the_read_is_closed(context: Context) {
    for close in [Closer::close as fn(&Closer), Closer::abort] {
        let (mut ours, mut theirs) = context.tcp_pair().await;
        let closer = ours.closer();
        let woken = Arc::new(Woken::default());
        let mut buf = [0; 1];
        let mut receive = ours.receive(&mut buf);
        assert!(poll_with(&mut receive, &woken).is_pending(), "nothing came yet");
        context.within(theirs.send(b"x")).await.unwrap();
        context.until(|| woken.was_called()).await;
        close(&closer);
        let received = poll_once(&mut receive);
        assert!(
            matches!(received, Poll::Ready(Err(ReceiveError::Closed))),
            "got {received:?}"
        );

        let (mut ours, mut theirs) = context.tcp_pair().await;
        let closer = ours.closer();
        let sent = context.clog(&mut ours).await;
        let woken = Arc::new(Woken::default());
        let mut send = ours.send(b"x");
        assert!(poll_with(&mut send, &woken).is_pending(), "there is no room");
        let mut room = vec![0; sent];
        context.within(theirs.receive_exactly(&mut room)).await.unwrap();
        context.until(|| woken.was_called()).await;
        close(&closer);
        let sent = poll_once(&mut send);
        assert!(
            matches!(sent, Poll::Ready(Err(SendError::Closed))),
            "got {sent:?}"
        );
    }
}

async fn a_new_stream_with_a_reused_descriptor_number_is_left_alone(context: Context) -> Outcome {
    // So high that nobody else is given it; then only this same case on another runtime is in the way.
    const HIGH: i32 = 600;
    for _attempt in 0..100 {
        let (old, _peer) = context.tcp_pair().await;
        let (new, mut theirs) = context.tcp_pair().await;
        let new = new.into_fd().unwrap();
        let old = fcntl_dupfd_cloexec(old.into_fd().unwrap(), HIGH)
            .map_err(|_| NotApplicable("the process may not have so many descriptors"))?;
        let number = old.as_raw_fd();
        let mut old = TcpStream::from_fd(context.runtime().clone(), old).unwrap();
        let closer = old.closer();
        wait_in_both_directions(&mut old);
        context.within(old.close()).await.unwrap();
        let new = fcntl_dupfd_cloexec(new, number).unwrap();
        if new.as_raw_fd() != number {
            continue;
        }

        let mut new = TcpStream::from_fd(context.runtime().clone(), new).unwrap();
        let mut buf = [0; 1];
        let mut receive = new.receive(&mut buf);
        let woken = Arc::new(Woken::default());
        assert!(poll_with(&mut receive, &woken).is_pending(), "nothing came yet");
        context.within(old.close()).await.unwrap();
        old.abort();
        closer.close();
        closer.abort();
        assert!(
            rustix::net::getsockname(&old).is_err(),
            "it has no descriptor any more"
        );
        drop(old);
        context.settle().await;
        assert!(!woken.was_called(), "the wait is another socket's");
        assert!(poll_with(&mut receive, &woken).is_pending(), "nothing came yet");
        assert!(new.nodelay().unwrap());
        context.assert_talks(&mut new, &mut theirs).await;
        return Ok(());
    }
    panic!("the number was never given again");
}

/// Sends something to `to` that has arrived there, and is not received.
async fn send_unread(context: &Context, from: &mut TcpStream<BoxRuntime>, to: &mut TcpStream<BoxRuntime>) {
    context.within(from.send(b"never received")).await.unwrap();
    context.within(to.peek(&mut [0; 1])).await.unwrap();
}

/// Leaves a stream as one whose receive and whose send waited and were dropped. Says how much it sent.
fn wait_in_both_directions(stream: &mut TcpStream<BoxRuntime>) -> usize {
    assert!(poll_once(&mut stream.receive(&mut [0; 1])).is_pending());
    let data = [0; 64 << 10];
    let mut sent = 0;
    while let Poll::Ready(more) = poll_once(&mut stream.send_some(&data)) {
        sent += more.unwrap();
    }
    sent
}

/// Asserts that the peer learns of a reset, before it got everything.
async fn assert_reset(context: &Context, stream: &mut TcpStream<BoxRuntime>, sent: usize) {
    let (received, end) = context.drain(stream).await;
    let ReceiveError::Broken(cause) = end else {
        panic!("expected a reset, got {end:?}");
    };
    assert_eq!(cause.kind(), ErrorKind::ConnectionReset);
    assert!(received.len() < sent, "what was not sent is dropped");
}

/// A thread that closes with the closer it was given last, all the time.
fn closing_again_and_again() -> Sender<Closer> {
    let (given, taken) = channel::<Closer>();
    thread::spawn(move || {
        let mut latest = None;
        loop {
            match taken.try_recv() {
                Ok(closer) => latest = Some(closer),
                Err(TryRecvError::Empty) => latest.iter().for_each(Closer::close),
                Err(TryRecvError::Disconnected) => return,
            }
        }
    });
    given
}
