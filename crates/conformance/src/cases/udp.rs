//! UDP: datagrams keep their bounds, tell their sender, and arrive once.

pub(super) mod addresses;

use std::net::{Shutdown, UdpSocket as StdSocket};
use std::sync::Arc;

use anynet_core::{
    AttributesExt, BoxNetwork, Datagram, Executor, LocalAddress, Network, ReceiveError, Received,
};
use socket2::SockRef;

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::poll_once;
use crate::steps::assert_is;

cases![
    a_datagram_to_oneself_comes_back_with_ones_own_address,
    an_echo_comes_from_the_servers_address,
    a_connected_and_an_unconnected_socket_talk,
    a_connected_socket_hears_its_peer_only,
    an_echo_over_a_connected_socket_brings_every_datagram_back,
    a_datagram_of_no_bytes_is_a_datagram,
    a_longer_datagram_is_truncated_and_says_so,
    a_peek_leaves_the_datagram_for_the_next_receive,
    two_tasks_receive_and_each_datagram_goes_to_one_of_them,
    two_tasks_receive_on_a_connected_socket_too,
    many_tasks_send_on_one_socket_and_nothing_is_lost,
    a_dropped_receive_takes_no_datagram,
    try_receive_and_try_send_never_wait,
    datagrams_come_one_by_one_until_the_socket_is_closed,
    the_boxed_network_binds_and_talks,
    a_socket_that_somebody_shut_down_holds_nobody_up,
];

async fn a_datagram_to_oneself_comes_back_with_ones_own_address(context: Context) {
    let socket = context.udp().await;
    let own = socket.local_address();
    let mut buf = [0; 16];
    for data in [&b"blah"[..], b"and again"] {
        context.within(socket.send_to(data, own)).await.unwrap();
        let (received, sender) = context.within(socket.receive_from(&mut buf)).await.unwrap();
        assert_eq!((&buf[..received.length], sender), (data, own));
        assert!(!received.truncated);
    }
}

async fn an_echo_comes_from_the_servers_address(context: Context) {
    let (server, client) = (context.udp().await, context.udp().await);
    let at = server.local_address();
    let echo = context.runtime().spawn(async move {
        let mut datagrams = server.datagrams(64);
        for _ in 0..2 {
            let (data, sender) = datagrams.next().await.unwrap().unwrap();
            let back: Vec<u8> = data.iter().rev().copied().collect();
            server.send_to(&back, sender).await.unwrap();
        }
    });
    let mut buf = [0; 64];
    for (there, back) in [(b"FOOBAR", b"RABOOF"), (b"123456", b"654321")] {
        context.within(client.send_to(there, at)).await.unwrap();
        let (received, sender) = context.within(client.receive_from(&mut buf)).await.unwrap();
        assert_eq!((&buf[..received.length], sender), (&back[..], at));
    }
    context.within(echo).await;
}

async fn a_connected_and_an_unconnected_socket_talk(context: Context) {
    let server = context.udp().await;
    let client = context.connected_udp(server.local_address()).await;
    let mut buf = [0; 16];
    context.within(client.send(b"there")).await.unwrap();
    let (received, sender) = context.within(server.receive_from(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"there");
    assert_eq!(sender, client.local_address());
    context.within(server.send_to(b"back", &sender)).await.unwrap();
    let received = context.within(client.receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"back");
}

async fn a_connected_socket_hears_its_peer_only(context: Context) {
    let (server, stranger) = (context.udp().await, context.udp().await);
    let client = context.connected_udp(server.local_address()).await;
    let to = client.local_address();
    context.within(stranger.send_to(b"stranger", to)).await.unwrap();
    context.within(server.send_to(b"peer", to)).await.unwrap();
    let mut buf = [0; 16];
    let received = context.within(client.receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"peer");
    assert!(client.try_receive(&mut buf).unwrap().is_none());
}

async fn an_echo_over_a_connected_socket_brings_every_datagram_back(context: Context) {
    let server = context.udp().await;
    let client = context.connected_udp(server.local_address()).await;
    let to = client.local_address();
    let echo = context.runtime().spawn(async move {
        let mut datagrams = client.datagrams(64);
        for _ in 0..2 {
            let data = datagrams.next().await.unwrap().unwrap().0.to_vec();
            client.send(&data).await.unwrap();
        }
    });
    let mut buf = [0; 64];
    for data in [b"one", b"two"] {
        context.within(server.send_to(data, to)).await.unwrap();
        let (received, sender) = context.within(server.receive_from(&mut buf)).await.unwrap();
        assert_eq!((&buf[..received.length], sender), (&data[..], to));
    }
    context.within(echo).await;
}

async fn a_datagram_of_no_bytes_is_a_datagram(context: Context) {
    let server = context.udp().await;
    let client = context.connected_udp(server.local_address()).await;
    let mut buf = [0; 8];
    for data in [&b""[..], b"data", b""] {
        context.within(client.send(data)).await.unwrap();
        let (received, sender) = context.within(server.receive_from(&mut buf)).await.unwrap();
        assert_eq!(received, Received::new(data.len(), false));
        assert_eq!(sender, client.local_address());
        context.within(server.send_to(data, sender)).await.unwrap();
        let received = context.within(client.receive(&mut buf)).await.unwrap();
        assert_eq!(received, Received::new(data.len(), false));
    }
}

async fn a_longer_datagram_is_truncated_and_says_so(context: Context) {
    let socket = context.udp().await;
    let own = socket.local_address();
    let mut buf = [0; 4];
    for (data, truncated) in [
        (&b"long"[..], false),
        (b"longer", true),
        (b"short"[..3].as_ref(), false),
    ] {
        context.within(socket.send_to(data, own)).await.unwrap();
        let received = context.within(socket.receive(&mut buf)).await.unwrap();
        let length = data.len().min(buf.len());
        assert_eq!(received, Received::new(length, truncated));
        assert_eq!(buf[..length], data[..length]);
    }
    context.within(socket.send_to(b"longer", own)).await.unwrap();
    context.within(socket.send_to(b"next", own)).await.unwrap();
    let mut datagrams = socket.datagrams(4);
    for (data, truncated) in [(b"long", true), (b"next", false)] {
        assert_eq!(context.within(datagrams.next()).await.unwrap().unwrap().0, data);
        assert_eq!(datagrams.truncated(), truncated);
    }
}

async fn a_peek_leaves_the_datagram_for_the_next_receive(context: Context) {
    let socket = context.udp().await;
    let own = socket.local_address();
    context.within(socket.send_to(b"hello", own)).await.unwrap();
    let mut buf = [0; 4];
    for _ in 0..2 {
        let peeked = context.within(socket.peek(&mut buf)).await.unwrap();
        assert_eq!((peeked, &buf), (Received::new(4, true), b"hell"));
        let (peeked, sender) = context.within(socket.peek_from(&mut buf)).await.unwrap();
        assert_eq!((peeked.length, sender), (4, own));
    }
    let mut buf = [0; 8];
    let received = context.within(socket.receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"hello");
    assert!(socket.try_receive(&mut buf).unwrap().is_none());
}

async fn two_tasks_receive_and_each_datagram_goes_to_one_of_them(context: Context) {
    const EACH: usize = 50;
    let server = Arc::new(context.udp().await);
    let client = context.connected_udp(server.local_address()).await;
    let receiving = [(); 2].map(|()| {
        let server = server.clone();
        context.runtime().spawn(async move {
            let mut got = Vec::new();
            for _ in 0..EACH {
                let mut buf = [0; 1];
                server.receive(&mut buf).await.unwrap();
                got.push(buf[0]);
            }
            got
        })
    });
    context.settle().await;
    for number in 0..2 * EACH {
        context.within(client.send(&[number as u8])).await.unwrap();
    }
    let mut all = Vec::new();
    for task in receiving {
        all.extend(context.within(task).await);
    }
    all.sort_unstable();
    assert_eq!(all, (0..2 * EACH).map(|number| number as u8).collect::<Vec<_>>());
}

async fn two_tasks_receive_on_a_connected_socket_too(context: Context) {
    let server = context.udp().await;
    let client = Arc::new(context.connected_udp(server.local_address()).await);
    let to = client.local_address();
    let receiving = [(); 2].map(|()| {
        let client = client.clone();
        context
            .runtime()
            .spawn(async move { client.receive(&mut [0; 1]).await })
    });
    context.settle().await;
    for _ in 0..2 {
        context.within(server.send_to(b"x", to)).await.unwrap();
    }
    for task in receiving {
        assert_eq!(context.within(task).await.unwrap(), Received::new(1, false));
    }
}

async fn many_tasks_send_on_one_socket_and_nothing_is_lost(context: Context) {
    let server = context.udp().await;
    let client = Arc::new(context.connected_udp(server.local_address()).await);
    let sending = [0, 1, 2, 3].map(|task: u8| {
        let client = client.clone();
        context.runtime().spawn(async move {
            for number in 0..20 {
                client.send(&[task, number]).await.unwrap();
            }
        })
    });
    let mut counts = [0; 4];
    for _ in 0..80 {
        let mut buf = [0; 4];
        let received = context.within(server.receive(&mut buf)).await.unwrap();
        assert_eq!(received, Received::new(2, false));
        let count = &mut counts[usize::from(buf[0])];
        assert_eq!(*count, buf[1], "each task's in its order");
        *count += 1;
    }
    for task in sending {
        context.within(task).await;
    }
}

async fn a_dropped_receive_takes_no_datagram(context: Context) {
    let socket = context.udp().await;
    let own = socket.local_address();
    for _ in 0..20 {
        let mut buf = [0; 8];
        let mut receive = Box::pin(socket.receive(&mut buf));
        assert!(poll_once(&mut receive).is_pending());
        context.within(socket.send_to(b"kept", own)).await.unwrap();
        drop(receive);
        let received = context.within(socket.receive(&mut buf)).await.unwrap();
        assert_eq!(&buf[..received.length], b"kept");
    }
}

async fn try_receive_and_try_send_never_wait(context: Context) {
    let server = context.udp().await;
    let client = context.connected_udp(server.local_address()).await;
    let mut buf = [0; 8];
    assert!(server.try_receive_from(&mut buf).unwrap().is_none());
    assert!(client.try_send(b"there").unwrap());
    let (received, sender) = server
        .try_receive_from(&mut buf)
        .unwrap()
        .expect("loopback is at once");
    assert_eq!(&buf[..received.length], b"there");
    assert!(server.try_send_to(b"back", sender).unwrap());
    let received = client
        .try_receive(&mut buf)
        .unwrap()
        .expect("loopback is at once");
    assert_eq!(&buf[..received.length], b"back");
    context.within(client.send_ready()).await.unwrap();
}

async fn datagrams_come_one_by_one_until_the_socket_is_closed(context: Context) {
    let socket = context.udp().await;
    let (own, closer) = (socket.local_address(), socket.closer());
    for data in [b"one", b"two"] {
        context.within(socket.send_to(data, own)).await.unwrap();
    }
    let mut datagrams = socket.datagrams(8);
    for data in [b"one", b"two"] {
        let next = context.within(datagrams.next()).await;
        assert_eq!(next.unwrap().unwrap(), (&data[..], own));
    }
    context.assert_waits(&mut Box::pin(datagrams.next())).await;
    closer.close();
    assert!(context.within(datagrams.next()).await.is_none());
    assert!(context.within(datagrams.next()).await.is_none());
}

async fn the_boxed_network_binds_and_talks(context: Context) {
    let network = BoxNetwork::new(context.network());
    let socket = context.within(network.bind(context.loopback)).await.unwrap();
    let LocalAddress(own) = socket.attribute().unwrap();
    let other = StdSocket::bind(context.loopback).unwrap();
    let to = other.local_addr().unwrap();
    context
        .within(socket.send_to(b"there", &to.into()))
        .await
        .unwrap();
    let mut buf = [0; 8];
    let (n, sender) = other.recv_from(&mut buf).unwrap();
    assert_eq!((&buf[..n], own.clone()), (&b"there"[..], sender.into()));
    other.send_to(b"back", sender).unwrap();
    let (received, sender) = context.within(socket.receive_from(&mut buf)).await.unwrap();
    assert_eq!((&buf[..received.length], sender), (&b"back"[..], to.into()));
}

async fn a_socket_that_somebody_shut_down_holds_nobody_up(context: Context) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable(
            "only Linux finds it readable, with nothing to receive, for ever",
        ));
    }
    let socket = Arc::new(context.udp().await);
    let receiving = context.spawn_waiting({
        let socket = socket.clone();
        async move { socket.receive(&mut [0; 1]).await }
    });
    let receiving = receiving.await;
    // As whoever has a duplicate can. It has no peer, says Linux, and shuts it down all the same.
    let _ = SockRef::from(&*socket).shutdown(Shutdown::Both);
    context.settle().await;
    context.settle().await;
    socket.closer().close();
    assert_is!(context.within(receiving).await, Err(ReceiveError::Closed));
    Ok(())
}
