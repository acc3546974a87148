//! UNIX datagrams: names, files, and whatever they share with UDP.

pub(super) mod names;
pub(super) mod room;

use std::io;
use std::sync::Arc;

use anynet_core::{
    AttributesExt, BoxRuntime, Closer, Executor, PeerCredentials, ReceiveError, Received, SendError,
    UnixAddress,
};
use anynet_sockets::{ConnectedUnixDatagram, UnixDatagram};

use crate::Context;
use crate::case::cases;
use crate::steps::assert_is;

cases![
    a_datagram_to_oneself_comes_back_with_ones_own_address,
    an_echo_comes_from_the_servers_address,
    a_connected_and_an_unconnected_socket_talk,
    an_echo_over_a_connected_socket_brings_every_datagram_back,
    the_ends_of_a_pair_talk,
    a_sender_without_a_name_is_unnamed,
    a_datagram_of_no_bytes_is_a_datagram_and_a_longer_one_is_truncated,
    two_tasks_receive_and_each_datagram_goes_to_one_of_them,
    two_tasks_receive_on_a_connected_socket_too,
    a_closer_wakes_every_blocked_receive,
    operations_on_a_closed_socket_are_closed,
    a_peer_that_is_gone_refuses_and_a_receive_waits_on,
    a_peer_that_drops_what_it_was_sent_is_told_once,
];

type Unix = UnixDatagram<BoxRuntime>;
type Connected = ConnectedUnixDatagram<BoxRuntime>;

impl Context {
    /// A UNIX datagram socket with a name of its own.
    async fn unix_datagram(&self) -> Unix {
        let bind = UnixDatagram::bind_on(self.runtime(), self.unix_address());
        self.within(bind.into_future())
            .await
            .expect("the address is free")
    }

    /// One with a name of its own that is connected to `peer`.
    async fn connected_unix_datagram(&self, peer: &UnixAddress) -> Connected {
        let connect = ConnectedUnixDatagram::connect_on(self.runtime(), peer.clone());
        let connect = connect.local_address(self.unix_address());
        self.within(connect.into_future())
            .await
            .expect("somebody is there")
    }
}

async fn a_datagram_to_oneself_comes_back_with_ones_own_address(context: Context) {
    let socket = context.unix_datagram().await;
    let own = socket.local_address();
    let mut buf = [0; 16];
    for data in [&b"blah"[..], b"and again"] {
        context.within(socket.send_to(data, &own)).await.unwrap();
        let (received, sender) = context.within(socket.receive_from(&mut buf)).await.unwrap();
        assert_eq!((&buf[..received.length], &sender), (data, &own));
    }
}

async fn an_echo_comes_from_the_servers_address(context: Context) {
    let (server, client) = (context.unix_datagram().await, context.unix_datagram().await);
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
        context.within(client.send_to(there, &at)).await.unwrap();
        let (received, sender) = context.within(client.receive_from(&mut buf)).await.unwrap();
        assert_eq!((&buf[..received.length], &sender), (&back[..], &at));
    }
    context.within(echo).await;
}

async fn a_connected_and_an_unconnected_socket_talk(context: Context) {
    let server = context.unix_datagram().await;
    let client = context.connected_unix_datagram(&server.local_address()).await;
    let mut buf = [0; 16];
    context.within(client.send(b"there")).await.unwrap();
    let (received, sender) = context.within(server.receive_from(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"there");
    assert_eq!(sender, client.local_address());
    context.within(server.send_to(b"back", &sender)).await.unwrap();
    let received = context.within(client.receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"back");
    // Nobody else reaches the one that is connected.
    let stranger = context.unix_datagram().await;
    match context.within(stranger.send_to(b"x", &sender)).await {
        Err(SendError::NotSent(cause)) => assert_eq!(cause.kind(), io::ErrorKind::PermissionDenied),
        sent => panic!("{sent:?}"),
    }
}

async fn an_echo_over_a_connected_socket_brings_every_datagram_back(context: Context) {
    let server = context.unix_datagram().await;
    let client = context.connected_unix_datagram(&server.local_address()).await;
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
        context.within(server.send_to(data, &to)).await.unwrap();
        let (received, sender) = context.within(server.receive_from(&mut buf)).await.unwrap();
        assert_eq!((&buf[..received.length], &sender), (&data[..], &to));
    }
    context.within(echo).await;
}

async fn the_ends_of_a_pair_talk(context: Context) {
    let (one, other) = ConnectedUnixDatagram::pair_on(context.runtime()).unwrap();
    assert_eq!(one.local_address(), UnixAddress::Unnamed);
    assert_eq!(one.peer_address(), UnixAddress::Unnamed);
    let mut buf = [0; 8];
    for (from, to) in [(&one, &other), (&other, &one)] {
        context.within(from.send(b"hello")).await.unwrap();
        let received = context.within(to.receive(&mut buf)).await.unwrap();
        assert_eq!(&buf[..received.length], b"hello");
    }
    if let Ok(peer) = one.peer_credentials() {
        assert_eq!(peer.pid, Some(std::process::id()));
        assert_eq!(one.attribute::<PeerCredentials>(), Some(peer));
    }
}

async fn a_sender_without_a_name_is_unnamed(context: Context) {
    let server = context.unix_datagram().await;
    let unbound = UnixDatagram::unbound_on(context.runtime()).unwrap();
    assert_eq!(unbound.local_address(), UnixAddress::Unnamed);
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), server.local_address());
    let connected = context.within(connect.into_future()).await.unwrap();
    assert_eq!(connected.local_address(), UnixAddress::Unnamed);
    context
        .within(unbound.send_to(b"one", server.local_address()))
        .await
        .unwrap();
    context.within(connected.send(b"two")).await.unwrap();
    for _ in 0..2 {
        let (_, sender) = context.within(server.receive_from(&mut [0; 8])).await.unwrap();
        assert_eq!(sender, UnixAddress::Unnamed);
        assert_is!(
            context.within(server.send_to(b"who?", sender)).await,
            Err(SendError::NotSent(_))
        );
    }
}

async fn a_datagram_of_no_bytes_is_a_datagram_and_a_longer_one_is_truncated(context: Context) {
    let (one, other) = ConnectedUnixDatagram::pair_on(context.runtime()).unwrap();
    let mut buf = [0; 4];
    for (data, expected) in [
        (&b""[..], Received::new(0, false)),
        (b"long", Received::new(4, false)),
        (b"longer", Received::new(4, true)),
        (b"", Received::new(0, false)),
        (b"abc", Received::new(3, false)),
    ] {
        context.within(one.send(data)).await.unwrap();
        assert_eq!(context.within(other.receive(&mut buf)).await.unwrap(), expected);
        assert_eq!(buf[..expected.length], data[..expected.length]);
    }
    assert_is!(
        context.within(other.receive(&mut [])).await,
        Err(ReceiveError::EmptyBuffer)
    );
    let too_long = vec![0; 8 << 20];
    assert_is!(
        context.within(one.send(&too_long)).await,
        Err(SendError::TooLong(_))
    );
    context.within(one.send(b"fine")).await.unwrap();
    context.within(other.receive(&mut buf)).await.unwrap();
}

async fn two_tasks_receive_and_each_datagram_goes_to_one_of_them(context: Context) {
    const EACH: u8 = 50;
    let server = Arc::new(context.unix_datagram().await);
    let client = context.connected_unix_datagram(&server.local_address()).await;
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
    for number in 0..2 * EACH {
        context.within(client.send(&[number])).await.unwrap();
    }
    let mut all = Vec::new();
    for task in receiving {
        all.extend(context.within(task).await);
    }
    all.sort_unstable();
    assert_eq!(all, (0..2 * EACH).collect::<Vec<_>>());
}

async fn two_tasks_receive_on_a_connected_socket_too(context: Context) {
    let (one, other) = ConnectedUnixDatagram::pair_on(context.runtime()).unwrap();
    let one: Arc<Connected> = Arc::new(one);
    let receiving = [(); 2].map(|()| {
        let one = one.clone();
        context
            .runtime()
            .spawn(async move { one.receive(&mut [0; 1]).await })
    });
    context.settle().await;
    for _ in 0..2 {
        context.within(other.send(b"x")).await.unwrap();
    }
    for task in receiving {
        assert_eq!(context.within(task).await.unwrap(), Received::new(1, false));
    }
}

async fn a_closer_wakes_every_blocked_receive(context: Context) {
    for close in [Closer::close as fn(&Closer), Closer::abort] {
        let server = Arc::new(context.unix_datagram().await);
        let client = Arc::new(context.connected_unix_datagram(&server.local_address()).await);
        let mut waiting = Vec::new();
        for _ in 0..2 {
            let (server, client) = (server.clone(), client.clone());
            waiting.push(
                context
                    .runtime()
                    .spawn(async move { server.receive(&mut [0; 8]).await }),
            );
            waiting.push(
                context
                    .runtime()
                    .spawn(async move { client.receive(&mut [0; 8]).await }),
            );
        }
        context.settle().await;
        close(&server.closer());
        close(&client.attribute::<Closer>().unwrap());
        for task in waiting {
            assert_is!(context.within(task).await, Err(ReceiveError::Closed));
        }
    }
}

async fn operations_on_a_closed_socket_are_closed(context: Context) {
    let mut server = context.unix_datagram().await;
    let mut client = context.connected_unix_datagram(&server.local_address()).await;
    let to = server.local_address();
    context.within(client.send(b"waits")).await.unwrap();
    server.closer().close();
    client.closer().close();
    for _ in 0..2 {
        assert_is!(
            context.within(server.receive(&mut [0; 8])).await,
            Err(ReceiveError::Closed)
        );
        assert_is!(
            context.within(client.receive(&mut [0; 8])).await,
            Err(ReceiveError::Closed)
        );
        assert_is!(
            context.within(server.send_to(b"", &to)).await,
            Err(SendError::Closed)
        );
        assert_is!(context.within(client.send(b"")).await, Err(SendError::Closed));
        server.close();
        client.close();
    }
}

async fn a_peer_that_is_gone_refuses_and_a_receive_waits_on(context: Context) {
    let mut server = context.unix_datagram().await;
    let client = context.connected_unix_datagram(&server.local_address()).await;
    server.close();
    // The system lets go of a peer that it has found gone.
    for kind in [io::ErrorKind::ConnectionRefused, io::ErrorKind::NotConnected] {
        match context.within(client.send(b"x")).await {
            Err(SendError::NotSent(cause)) => assert_eq!(cause.kind(), kind),
            sent => panic!("{sent:?}"),
        }
    }
    context
        .assert_waits(&mut Box::pin(client.receive(&mut [0; 8])))
        .await;
}

async fn a_peer_that_drops_what_it_was_sent_is_told_once(context: Context) {
    let (ours, theirs) = room::left_by_its_peer(&context).await;
    assert_is!(
        context.within(ours.receive(&mut [0; 8])).await,
        Err(ReceiveError::Undelivered(_))
    );
    context
        .assert_waits(&mut Box::pin(ours.receive(&mut [0; 8])))
        .await;
    context.within(ours.send(b"still there")).await.unwrap();
    let mut buf = [0; 16];
    let n = theirs.recv(&mut buf).unwrap();
    assert_eq!(&buf[..n], b"still there");
}
