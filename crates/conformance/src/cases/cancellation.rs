//! Operations that are given up: nothing is lost, nothing is left behind.

use std::fs;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anynet_core::{BoxFuture, BoxRuntime, Executor, Network, ReceiveError, SendError, TimedOut};
use anynet_sockets::TcpStream;
use anynet_util::timeout;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::ioctl_fionread;
use socket2::{Domain, Socket, Type};

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::{Descriptor, Woken, narrow, poll_once, poll_with};

cases![
    a_deadline_ends_a_receive_from_a_silent_peer,
    a_dropped_send_tells_how_many_bytes_were_taken,
    nothing_is_taken_before_or_after_a_receive_asks,
    an_operation_dropped_at_any_poll_leaves_a_usable_stream,
    a_dropped_connect_leaks_no_descriptor,
    a_dropped_accept_leaks_no_descriptor_and_loses_no_client,
    a_cancelled_task_releases_its_stream,
];

async fn a_deadline_ends_a_receive_from_a_silent_peer(context: Context) {
    const LIMIT: Duration = Duration::from_millis(20);
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let start = context.runtime().now();
    let received = context
        .within(timeout(context.runtime(), LIMIT, ours.receive(&mut [0; 1])))
        .await;
    assert!(matches!(received, Err(TimedOut { .. })), "nobody sent anything");
    assert!(context.runtime().now() - start >= LIMIT, "not before its time");
    context.assert_talks(&mut ours, &mut theirs).await;
}

async fn a_dropped_send_tells_how_many_bytes_were_taken(context: Context) {
    let data: Vec<u8> = (0..2 << 20_u32).map(|i| (i % 251) as u8).collect();
    for vectored in [false, true] {
        for goes_on in [false, true] {
            let (mut ours, mut theirs) = context.tcp_pair().await;
            narrow(&ours, &theirs);
            let taken = if vectored {
                let mut bufs: Vec<_> = data.chunks(100_000).map(IoSlice::new).collect();
                let mut sending = ours.send_vectored(&mut bufs);
                context.assert_waits(&mut sending).await;
                sending.sent()
            } else {
                let mut sending = ours.send(&data);
                context.assert_waits(&mut sending).await;
                sending.sent()
            };
            assert!(0 < taken && taken < data.len(), "{taken} bytes were taken");
            let draining = context.runtime().spawn({
                let context = context.clone();
                async move { context.drain(&mut theirs).await }
            });
            let expected = if goes_on {
                context.within(ours.send(&data[taken..])).await.unwrap();
                &data[..]
            } else {
                &data[..taken]
            };
            context.within(ours.close()).await.unwrap();
            let (received, end) = context.within(draining).await;
            assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
            assert!(received == expected, "exactly what was taken arrives");
        }
    }
}

async fn nothing_is_taken_before_or_after_a_receive_asks(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    narrow(&ours, &theirs);
    context.within(theirs.send(b"0123456789")).await.unwrap();
    context.settle().await;
    assert_eq!(unread(&ours), 10, "nobody has received");
    assert_eq!(context.within(ours.receive(&mut [0; 1])).await.unwrap(), 1);
    context.settle().await;
    assert_eq!(unread(&ours), 9, "one byte was received");
    assert_eq!(context.within(ours.receive(&mut [0; 16])).await.unwrap(), 9);

    context.assert_waits(&mut ours.receive(&mut [0; 16])).await;
    context.within(theirs.send(b"01234")).await.unwrap();
    context.settle().await;
    assert_eq!(unread(&ours), 5, "the receive was given up");
    context.within(context.clog(&mut theirs)).await;
}

async fn an_operation_dropped_at_any_poll_leaves_a_usable_stream(context: Context) {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    for polls in 0..3 {
        let mut buf = [0; 4];
        give_up(&mut ours.receive(&mut buf), polls);
        context.assert_talks(&mut ours, &mut theirs).await;
        give_up(&mut ours.receive_exactly(&mut buf), polls);
        context.assert_talks(&mut ours, &mut theirs).await;
        give_up(&mut Box::pin(ours.peek(&mut buf)), polls);
        context.assert_talks(&mut ours, &mut theirs).await;
    }

    narrow(&ours, &theirs);
    for polls in 0..3 {
        let mut sent = context.clog(&mut ours).await;
        // On a busy machine the system finds room late, and one of these is done: that counts too.
        sent += give_up_or(&mut ours.send_some(b"x"), polls, |taken| taken);
        sent += give_up_or(&mut ours.send(b"x"), polls, |()| 1);
        let mut slices = [IoSlice::new(b"x")];
        sent += give_up_or(&mut ours.send_vectored(&mut slices), polls, |()| 1);
        give_up_or(&mut ours.send_ready(), polls, |()| 0);
        let mut everything = vec![0; sent];
        context
            .within(theirs.receive_exactly(&mut everything))
            .await
            .unwrap();
        context.assert_talks(&mut ours, &mut theirs).await;
    }

    // What never waits is done by its first poll, and not begun before.
    drop(ours.flush());
    drop(ours.send_eof());
    drop(ours.close());
    context.assert_talks(&mut ours, &mut theirs).await;
    assert!(poll_once(&mut ours.send_eof()).is_ready());
    assert!(matches!(ours.send(b"").await, Err(SendError::Closed)));
}

async fn a_dropped_connect_leaks_no_descriptor(context: Context) -> Outcome {
    // A queue for one connection, and it is taken: the system does not answer the next one.
    let listener = Socket::new(Domain::for_address(context.loopback), Type::STREAM, None).unwrap();
    listener.bind(&context.loopback.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let _queued = context.connect(address).await;
    // It has connected before the listener has it.
    context.until(|| is_readable(&listener)).await;

    let network = context.network();
    let attempts: [BoxFuture<'_, _>; 2] = [
        Box::pin(network.connect(address)),
        TcpStream::connect_on(context.runtime(), address).into_future(),
    ];
    for mut connecting in attempts {
        context.assert_waits(&mut connecting).await;
        connecting_to(address)?;
        let is_under_way = || connecting_to(address).is_ok_and(|sockets| sockets == 1);
        context.until(is_under_way).await;
        drop(connecting);
        assert_eq!(connecting_to(address)?, 0, "its socket went with it");
    }
    Ok(())
}

async fn a_dropped_accept_leaks_no_descriptor_and_loses_no_client(context: Context) {
    let listener = context.listener().await;
    let address = listener.local_address();
    context.assert_waits(&mut Box::pin(listener.accept())).await;
    let mut client = context.connect(address).await;
    let mut accepted = context.within(listener.accept()).await.unwrap();
    context.assert_talks(&mut client, &mut accepted).await;
    drop(accepted);
    let (_, end) = context.drain(&mut client).await;
    assert!(
        matches!(end, ReceiveError::EndOfStream),
        "no second descriptor keeps it open: {end:?}"
    );

    // The one that is woken for a client is dropped: the other one takes it.
    let (first, second) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    let mut one = Box::pin(listener.accept());
    let mut other = Box::pin(listener.accept());
    assert!(poll_with(&mut one, &first).is_pending());
    assert!(poll_with(&mut other, &second).is_pending());
    let mut client = context.connect(address).await;
    context.until(|| first.was_called() || second.was_called()).await;
    let survivor = if first.was_called() {
        drop(one);
        context.until(|| second.was_called()).await;
        other
    } else {
        drop(other);
        context.until(|| first.was_called()).await;
        one
    };
    let mut accepted = context.within(survivor).await.unwrap();
    context.assert_talks(&mut client, &mut accepted).await;
}

async fn a_cancelled_task_releases_its_stream(context: Context) -> Outcome {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let descriptor = Descriptor::of(&ours)?;
    let closer = ours.closer();
    let task = context
        .runtime()
        .spawn(async move { ours.receive(&mut [0; 1]).await.map(drop) });
    context.settle().await;
    drop(task);
    context.until(|| !descriptor.is_open()).await;
    closer.close();
    let (_, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    Ok(())
}

/// Polls `future` so often, which waits.
fn give_up<F: Future + Unpin>(future: &mut F, polls: usize) {
    for _ in 0..polls {
        assert!(poll_once(future).is_pending(), "there is nothing to be done");
    }
}

/// How many bytes the system keeps for the next receive.
fn unread(stream: &TcpStream<BoxRuntime>) -> u64 {
    ioctl_fionread(stream).unwrap()
}

fn is_readable(fd: impl AsFd) -> bool {
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    poll(&mut fds, Some(&Timespec::default())).unwrap() == 1
}

/// How many sockets of this system wait for an answer from `to`.
fn connecting_to(to: SocketAddr) -> Result<usize, NotApplicable> {
    let connections = match to {
        SocketAddr::V4(_) => "/proc/net/tcp",
        SocketAddr::V6(_) => "/proc/net/tcp6",
    };
    let connections = fs::read_to_string(connections)
        .map_err(|_| NotApplicable("the system does not list its connections"))?;
    // The remote port, and the state SYN_SENT.
    let wanted = format!(":{:04X} 02 ", to.port());
    Ok(connections.matches(&wanted).count())
}

/// Polls `future` so often, unless it is done before: then it counts for as much.
fn give_up_or<T, E: std::fmt::Debug>(
    future: &mut (impl Future<Output = Result<T, E>> + Unpin),
    polls: usize,
    count: impl Fn(T) -> usize,
) -> usize {
    for _ in 0..polls {
        if let Poll::Ready(done) = poll_once(future) {
            return count(done.expect("the peer is there"));
        }
    }
    0
}
