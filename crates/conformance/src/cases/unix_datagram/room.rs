//! UNIX datagrams: a send waits for room in the receiver's queue, without asking again and again.

use std::future::poll_fn;
use std::os::unix::net::{SocketAddr as StdAddress, UnixDatagram as StdDatagram};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anynet_core::{Closer, Executor, ReceiveError, SendError, UnixAddress};
use anynet_sockets::options::SendBufferSize;
use anynet_sockets::{ConnectedUnixDatagram, UnixDatagram};

use super::{Connected, Unix};
use crate::Context;
use crate::case::{Outcome, cases};
use crate::steps::assert_is;

cases![
    a_send_waits_for_room_in_the_receivers_queue,
    a_connected_send_waits_for_room_in_the_peers_queue,
    a_send_waits_for_room_of_its_own_in_a_pair,
    a_send_waits_while_others_fill_the_queue,
    a_receiver_that_takes_nothing_keeps_no_other_waiting,
    room_that_the_system_does_not_tell_of_is_found,
    a_closer_wakes_every_blocked_send,
    a_send_that_waits_is_told_that_the_receiver_is_gone,
    a_dropped_send_has_sent_nothing,
    a_send_after_an_undelivered_datagram_waits_for_room,
    try_send_says_that_there_is_no_room,
    whoever_waits_is_told_that_the_runtime_was_shut_down,
];

/// How often a future that waits may be polled meanwhile. One that asks again and again is polled thousands of times.
const MOST_POLLS: usize = 20;

/// A connected socket whose peer was connected to it, and is no more: what was on the way is lost, and that is told. And
/// the peer, to which it can still send.
pub(super) async fn left_by_its_peer(context: &Context) -> (Connected, StdDatagram) {
    let [own, peer] = [(); 2].map(|()| context.unix_address());
    let system = |address: &UnixAddress| StdAddress::try_from(address).expect("it is short");
    let theirs = StdDatagram::bind_addr(&system(&peer)).unwrap();
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), peer.clone());
    let connect = connect.local_address(own.clone()).into_future();
    let ours = context.within(connect).await.unwrap();
    theirs.connect_addr(&system(&own)).unwrap();
    assert!(ours.try_send(b"lost").unwrap());
    rustix::net::connect_unspec(&theirs).unwrap();
    if let Some(path) = peer.path() {
        let _ = std::fs::remove_file(path);
    }
    (ours, theirs)
}

/// Sends until there is no room, and says how many datagrams that took.
async fn fill(context: &Context, mut send: impl FnMut(&[u8]) -> Result<bool, SendError>) -> u8 {
    for number in 0.. {
        if !send(&[number]).unwrap() {
            return number;
        }
        context.runtime().sleep(std::time::Duration::ZERO).await;
    }
    unreachable!("no queue is that long")
}

/// Asserts that `future` waits, and is not polled again and again meanwhile.
async fn assert_rests<F: Future + Unpin>(context: &Context, future: &mut F) {
    let polls = AtomicUsize::new(0);
    let mut counted = pin!(poll_fn(|cx| {
        polls.fetch_add(1, Ordering::Relaxed);
        std::pin::Pin::new(&mut *future).poll(cx)
    }));
    context.assert_waits(&mut counted).await;
    let polls = polls.load(Ordering::Relaxed);
    assert!(polls < MOST_POLLS, "polled {polls} times");
}

/// Receives the numbers up to `end`, which are in their order.
async fn assert_numbers(context: &Context, socket: &Unix, end: u8) {
    for number in 0..end {
        let mut buf = [0; 8];
        let received = context.within(socket.receive(&mut buf)).await.unwrap();
        assert_eq!(&buf[..received.length], [number]);
    }
}

async fn a_send_waits_for_room_in_the_receivers_queue(context: Context) {
    let server = context.unix_datagram().await;
    let client = UnixDatagram::unbound_on(context.runtime()).unwrap();
    let to = server.local_address();
    let sent = fill(&context, |data| client.try_send_to(data, &to)).await;
    let last = [sent];
    let mut send = Box::pin(client.send_to(&last, &to));
    assert_rests(&context, &mut send).await;
    context.within(server.receive(&mut [0; 8])).await.unwrap();
    context.within(send).await.unwrap();
    for number in 1..=sent {
        let mut buf = [0; 8];
        let received = context.within(server.receive(&mut buf)).await.unwrap();
        assert_eq!(&buf[..received.length], [number], "each arrives, in order");
    }
    assert!(server.try_receive(&mut [0; 8]).unwrap().is_none(), "and once");
}

async fn a_connected_send_waits_for_room_in_the_peers_queue(context: Context) {
    let server = context.unix_datagram().await;
    let client = context.connected_unix_datagram(&server.local_address()).await;
    let sent = fill(&context, |data| client.try_send(data)).await;
    let last = [sent];
    let mut send = Box::pin(client.send(&last));
    assert_rests(&context, &mut send).await;
    let mut ready = Box::pin(client.send_ready());
    assert_rests(&context, &mut ready).await;
    context.within(server.receive(&mut [0; 8])).await.unwrap();
    context.within(ready).await.unwrap();
    context.within(send).await.unwrap();
    for _ in 1..=sent {
        context.within(server.receive(&mut [0; 8])).await.unwrap();
    }
}

async fn a_send_waits_for_room_of_its_own_in_a_pair(context: Context) {
    let (one, other) = ConnectedUnixDatagram::pair_on(context.runtime()).unwrap();
    let data = [7; 8192];
    let mut sent = 0;
    while one.try_send(&data).unwrap() {
        sent += 1;
    }
    let mut send = Box::pin(one.send(&data));
    assert_rests(&context, &mut send).await;
    let mut buf = [0; 8192];
    for _ in 0..sent {
        context.within(other.receive(&mut buf)).await.unwrap();
    }
    context.within(send).await.unwrap();
    let received = context.within(other.receive(&mut buf)).await.unwrap();
    assert_eq!(received.length, data.len());
    assert!(other.try_receive(&mut buf).unwrap().is_none());
}

async fn a_send_waits_while_others_fill_the_queue(context: Context) {
    let server = context.unix_datagram().await;
    let to = server.local_address();
    let (other, client) = (context.unix_datagram().await, context.unix_datagram().await);
    let sent = fill(&context, |data| other.try_send_to(data, &to)).await;
    // Nothing of our own is on the way: no receive frees anything of ours.
    let mut send = Box::pin(client.send_to(b"ours", &to));
    assert_rests(&context, &mut send).await;
    assert_numbers(&context, &server, sent).await;
    context.within(send).await.unwrap();
    let (received, sender) = context.within(server.receive_from(&mut [0; 8])).await.unwrap();
    assert_eq!((received.length, sender), (4, client.local_address()));
}

async fn a_receiver_that_takes_nothing_keeps_no_other_waiting(context: Context) {
    let (idle, server) = (context.unix_datagram().await, context.unix_datagram().await);
    let (other, client) = (context.unix_datagram().await, context.unix_datagram().await);
    // More than a quarter of its buffer, less than all: it can send, and the system does not call it writable.
    let SendBufferSize(size) = client.option().unwrap();
    for _ in 0..3 {
        let sent = client.try_send_to(&vec![0; size / 8], idle.local_address());
        assert!(sent.unwrap(), "there is room for less than half");
    }
    let to = server.local_address();
    let sent = fill(&context, |data| other.try_send_to(data, &to)).await;
    let mut send = Box::pin(client.send_to(b"ours", &to));
    assert_rests(&context, &mut send).await;
    assert_numbers(&context, &server, sent).await;
    context.within(send).await.unwrap();
    let received = context.within(server.receive(&mut [0; 8])).await.unwrap();
    assert_eq!(received.length, 4);
}

async fn room_that_the_system_does_not_tell_of_is_found(context: Context) {
    let [idle, busy, server] = [
        context.unix_datagram().await,
        context.unix_datagram().await,
        context.unix_datagram().await,
    ];
    let client = context.unix_datagram().await;
    let SendBufferSize(size) = client.option().unwrap();
    let data = vec![0; size / 8];
    for _ in 0..3 {
        assert!(client.try_send_to(&data, idle.local_address()).unwrap());
    }
    // Now all of its buffer is taken, and then more than a quarter: so long it is not called writable.
    let mut sent = 0;
    while client.try_send_to(&data, busy.local_address()).unwrap() {
        sent += 1;
    }
    let mut send = Box::pin(client.send_to(b"ours", server.local_address()));
    assert_rests(&context, &mut send).await;
    for _ in 0..sent {
        context.within(busy.receive(&mut [0; 8])).await.unwrap();
    }
    context.within(send).await.unwrap();
    let received = context.within(server.receive(&mut [0; 8])).await.unwrap();
    assert_eq!(received.length, 4);
}

async fn a_closer_wakes_every_blocked_send(context: Context) {
    let server = context.unix_datagram().await;
    let to = server.local_address();
    let client: Arc<Unix> = Arc::new(context.unix_datagram().await);
    let connected = Arc::new(context.connected_unix_datagram(&to).await);
    fill(&context, |data| client.try_send_to(data, &to)).await;
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let (client, to) = (client.clone(), to.clone());
        let send = async move { client.send_to(b"x", &to).await };
        waiting.push(context.runtime().spawn(send));
        let connected = connected.clone();
        let send = async move { connected.send(b"x").await };
        waiting.push(context.runtime().spawn(send));
    }
    context.settle().await;
    let close: fn(&Closer) = Closer::close;
    close(&client.closer());
    close(&connected.closer());
    for task in waiting {
        assert_is!(context.within(task).await, Err(SendError::Closed));
    }
}

async fn a_send_that_waits_is_told_that_the_receiver_is_gone(context: Context) {
    let server = context.unix_datagram().await;
    let to = server.local_address();
    let client = context.unix_datagram().await;
    let connected = context.connected_unix_datagram(&to).await;
    fill(&context, |data| client.try_send_to(data, &to)).await;
    let mut one = Box::pin(client.send_to(b"x", &to));
    let mut other = Box::pin(connected.send(b"x"));
    context.assert_waits(&mut one).await;
    context.assert_waits(&mut other).await;
    drop(server);
    assert_is!(context.within(one).await, Err(SendError::NotSent(_)));
    assert_is!(context.within(other).await, Err(SendError::NotSent(_)));
}

async fn a_dropped_send_has_sent_nothing(context: Context) {
    let server = context.unix_datagram().await;
    let to = server.local_address();
    let client = context.unix_datagram().await;
    let sent = fill(&context, |data| client.try_send_to(data, &to)).await;
    let mut send = Box::pin(client.send_to(b"dropped", &to));
    context.assert_waits(&mut send).await;
    drop(send);
    assert_numbers(&context, &server, sent).await;
    context.settle().await;
    assert!(server.try_receive(&mut [0; 8]).unwrap().is_none());
}

async fn a_send_after_an_undelivered_datagram_waits_for_room(context: Context) {
    let (ours, theirs) = left_by_its_peer(&context).await;
    assert_is!(
        context.within(ours.receive(&mut [0; 8])).await,
        Err(ReceiveError::Undelivered(_))
    );
    fill(&context, |data| ours.try_send(data)).await;
    let mut send = Box::pin(ours.send(b"last"));
    assert_rests(&context, &mut send).await;
    theirs.recv(&mut [0; 8]).unwrap();
    context.within(send).await.unwrap();
}

async fn try_send_says_that_there_is_no_room(context: Context) {
    let server = context.unix_datagram().await;
    let client = context.connected_unix_datagram(&server.local_address()).await;
    let sent = fill(&context, |data| client.try_send(data)).await;
    assert!(!client.try_send(b"x").unwrap());
    assert_numbers(&context, &server, sent).await;
    assert!(client.try_send(b"x").unwrap());
}

async fn whoever_waits_is_told_that_the_runtime_was_shut_down(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let server = there.unix_datagram().await;
    let to = server.local_address();
    let client = there.unix_datagram().await;
    let connected = there.connected_unix_datagram(&to).await;
    fill(&context, |data| client.try_send_to(data, &to)).await;
    let mut buf = [0; 8];
    let mut receive = Box::pin(connected.receive(&mut buf));
    let mut send = Box::pin(connected.send(b"x"));
    let mut send_to = Box::pin(client.send_to(b"x", &to));
    context.assert_waits(&mut receive).await;
    context.assert_waits(&mut send).await;
    context.assert_waits(&mut send_to).await;
    shut_down();
    assert_is!(context.within(receive).await, Err(ReceiveError::Broken(_)));
    assert_is!(context.within(send).await, Err(SendError::Broken(_)));
    assert_is!(context.within(send_to).await, Err(SendError::Broken(_)));
    for _ in 0..2 {
        let received = context.within(server.receive(&mut [0; 8])).await;
        assert_is!(received, Err(ReceiveError::Broken(_)));
        assert_is!(
            context.within(server.send_to(b"x", &to)).await,
            Err(SendError::Broken(_))
        );
    }
    Ok(())
}
