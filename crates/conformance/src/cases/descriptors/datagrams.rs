//! Descriptors that travel with UNIX datagrams.

use std::os::fd::OwnedFd;

use anynet_core::{BoxRuntime, ReceiveError, SendError, UnixAddress};
use anynet_sockets::{ConnectedUnixDatagram, UnixDatagram};
use rustix::io::{FdFlags, fcntl_getfd};

use super::{Probe, assert_same};
use crate::Context;
use crate::case::cases;
use crate::context::poll_once;
use crate::steps::assert_is;

cases![
    a_datagram_brings_its_descriptors_and_tells_its_sender,
    each_datagram_brings_its_own_and_may_have_no_bytes,
    descriptors_on_a_plain_receive_of_a_datagram_are_closed,
    more_than_a_datagram_was_to_bring_are_closed_and_it_is_told,
    a_datagram_that_was_cut_off_keeps_its_descriptors,
    what_no_datagram_can_carry_is_refused_and_the_socket_is_well,
    a_datagram_with_descriptors_waits_for_room,
    a_receive_of_a_datagram_that_was_dropped_has_taken_nothing,
];

fn pair(
    context: &Context,
) -> (
    ConnectedUnixDatagram<BoxRuntime>,
    ConnectedUnixDatagram<BoxRuntime>,
) {
    ConnectedUnixDatagram::pair_on(context.runtime()).expect("a pair")
}

async fn bound(context: &Context) -> (UnixDatagram<BoxRuntime>, UnixAddress) {
    let bind = UnixDatagram::bind_on(context.runtime(), context.unix_address());
    let socket = context.within(bind.into_future()).await.expect("a free name");
    let address = socket.local_address();
    (socket, address)
}

async fn a_datagram_brings_its_descriptors_and_tells_its_sender(context: Context) {
    let ((ours, our_address), (theirs, their_address)) = (bound(&context).await, bound(&context).await);
    let (sent, _copies) = Probe::many(3);
    context
        .within(theirs.send_fds_to(b"three", &sent, &our_address))
        .await
        .unwrap();
    let mut buf = [0; 16];
    let (received, sender) = context.within(ours.receive_fds_from(&mut buf, 9)).await.unwrap();
    assert_eq!((&buf[..received.length], sender), (&b"three"[..], their_address));
    assert!(!received.truncated && !received.fds_truncated);
    assert_same(&received.fds, &sent);
    for fd in &received.fds {
        assert!(fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC));
    }
    let unbound = UnixDatagram::unbound_on(context.runtime()).unwrap();
    context
        .within(unbound.send_fds_to(b"one", &sent[..1], &our_address))
        .await
        .unwrap();
    let (received, sender) = context.within(ours.receive_fds_from(&mut buf, 9)).await.unwrap();
    assert_eq!((received.fds.len(), sender), (1, UnixAddress::Unnamed));
}

async fn each_datagram_brings_its_own_and_may_have_no_bytes(context: Context) {
    let (ours, theirs) = pair(&context);
    let (sent, _copies) = Probe::many(3);
    context.within(theirs.send_fds(b"", &sent[..1])).await.unwrap();
    context.within(theirs.send(b"plain")).await.unwrap();
    context.within(theirs.send_fds(b"two", &sent[1..])).await.unwrap();
    let mut buf = [0; 16];
    for (data, fds) in [(&b""[..], &sent[..1]), (b"plain", &[]), (b"two", &sent[1..])] {
        let received = context.within(ours.receive_fds(&mut buf, 9)).await.unwrap();
        assert_eq!(&buf[..received.length], data);
        assert_same(&received.fds, fds);
    }
}

async fn descriptors_on_a_plain_receive_of_a_datagram_are_closed(context: Context) {
    let (ours, theirs) = pair(&context);
    let (sent, mut copies) = Probe::many(10);
    context.within(theirs.send_fds(b"ten", &sent)).await.unwrap();
    drop(sent);
    let mut buf = [0; 16];
    let peeked = context.within(ours.peek(&mut buf)).await.unwrap();
    assert_eq!(&buf[..peeked.length], b"ten");
    assert!(!copies[0].are_closed(), "they are still with the datagram");
    let received = context.within(ours.receive(&mut buf)).await.unwrap();
    assert_eq!(
        (&buf[..received.length], received.truncated),
        (&b"ten"[..], false)
    );
    for copies in &mut copies {
        context.until(|| copies.are_closed()).await;
    }
}

async fn more_than_a_datagram_was_to_bring_are_closed_and_it_is_told(context: Context) {
    let (ours, theirs) = pair(&context);
    for max_fds in [1, 2, 3, 4] {
        let (mut sent, mut copies) = Probe::many(4);
        context.within(theirs.send_fds(b"four", &sent)).await.unwrap();
        let mut buf = [0; 16];
        let received = context.within(ours.receive_fds(&mut buf, max_fds)).await.unwrap();
        assert_eq!(&buf[..received.length], b"four");
        assert_eq!((received.fds_truncated, received.truncated), (max_fds < 4, false));
        let surplus: Vec<OwnedFd> = sent.drain(max_fds..).collect();
        assert_same(&received.fds, &sent);
        drop(surplus);
        for copies in copies.iter_mut().skip(max_fds) {
            context.until(|| copies.are_closed()).await;
        }
    }
}

async fn a_datagram_that_was_cut_off_keeps_its_descriptors(context: Context) {
    let (ours, theirs) = pair(&context);
    let (sent, _copies) = Probe::many(2);
    context.within(theirs.send_fds(b"too long", &sent)).await.unwrap();
    let mut buf = [0; 3];
    let received = context.within(ours.receive_fds(&mut buf, 2)).await.unwrap();
    assert_eq!((received.length, &buf), (3, b"too"));
    assert!(received.truncated && !received.fds_truncated);
    assert_same(&received.fds, &sent);
}

async fn what_no_datagram_can_carry_is_refused_and_the_socket_is_well(context: Context) {
    let (ours, theirs) = pair(&context);
    let (mut closed, _peer) = pair(&context);
    closed.close();
    let (sent, _copies) = Probe::many(1);
    let refused = context.within(theirs.send_fds::<OwnedFd>(b"x", &[])).await;
    assert_is!(refused, Err(SendError::NoDescriptors));
    let refused = context.within(theirs.send_fds(b"x", &[&sent[0]; 254])).await;
    assert_is!(refused, Err(SendError::TooManyDescriptors));
    let refused = context.within(theirs.send_fds(b"x", &[&closed])).await;
    assert_is!(refused, Err(SendError::NotSent(_)));
    assert_is!(closed.send_fds(b"x", &sent).await, Err(SendError::Closed));
    assert_is!(closed.receive_fds(&mut [], 0).await, Err(ReceiveError::Closed));
    context.within(theirs.send_fds(b"one", &sent)).await.unwrap();
    let refused = context.within(ours.receive_fds(&mut [0; 8], 0)).await;
    assert_is!(refused, Err(ReceiveError::NoDescriptors));
    assert_is!(
        context.within(ours.receive_fds(&mut [], 1)).await,
        Err(ReceiveError::EmptyBuffer)
    );
    let received = context.within(ours.receive_fds(&mut [0; 8], 1)).await.unwrap();
    assert_same(&received.fds, &sent);
}

async fn a_datagram_with_descriptors_waits_for_room(context: Context) {
    let (ours, address) = bound(&context).await;
    let theirs = UnixDatagram::unbound_on(context.runtime()).unwrap();
    let (sent, _copies) = Probe::many(1);
    let mut queued = 0;
    while theirs.try_send_to(b"", &address).unwrap() {
        queued += 1;
    }
    {
        let mut sending = Box::pin(theirs.send_fds_to(b"last", &sent, &address));
        context.assert_waits(&mut sending).await;
        assert_eq!(context.within(ours.receive(&mut [0; 8])).await.unwrap().length, 0);
        context.within(sending).await.unwrap();
    }
    for _ in 1..queued {
        assert_eq!(context.within(ours.receive(&mut [0; 8])).await.unwrap().length, 0);
    }
    let received = context.within(ours.receive_fds(&mut [0; 8], 9)).await.unwrap();
    assert_eq!(received.length, 4);
    assert_same(&received.fds, &sent);
}

async fn a_receive_of_a_datagram_that_was_dropped_has_taken_nothing(context: Context) {
    let (ours, theirs) = pair(&context);
    let (sent, _copies) = Probe::many(1);
    assert!(poll_once(&mut Box::pin(ours.receive_fds(&mut [0; 8], 1))).is_pending());
    context.within(theirs.send_fds(b"kept", &sent)).await.unwrap();
    drop(ours.receive_fds(&mut [0; 8], 1));
    let received = context.within(ours.receive_fds(&mut [0; 8], 1)).await.unwrap();
    assert_same(&received.fds, &sent);
}
