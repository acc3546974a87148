//! UDP: what is refused, undelivered, too long, or closed. Nothing but a close is the end.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use anynet_core::{
    Address, AttributesExt, BoxRuntime, Closer, Datagram, Executor, ReceiveError, Received, SendError,
    UnixAddress,
};
use anynet_sockets::{ConnectedUdpSocket, UdpSocket};
use rustix::io::Errno;
use socket2::SockRef;

use crate::Context;
use crate::case::{Outcome, cases};
use crate::context::{Descriptor, LOOPBACK_4, LOOPBACK_6};

cases![
    a_port_that_nobody_has_is_told_to_a_receive_once,
    a_receive_that_waits_is_told_of_a_port_that_nobody_has,
    a_port_that_nobody_has_is_told_to_a_send_once,
    an_undelivered_datagram_in_a_burst_costs_no_other,
    a_datagram_to_a_port_that_nobody_has_does_not_spoil_an_unconnected_socket,
    a_datagram_that_is_too_long_is_an_error_of_its_own,
    an_address_of_another_family_is_refused,
    a_connected_socket_sends_to_its_peer_only,
    an_unconnected_socket_has_nobody_to_send_to_without_an_address,
    an_empty_receive_buffer_is_refused_and_takes_nothing,
    broadcasting_is_off_until_it_is_turned_on,
    a_closer_wakes_every_blocked_receive,
    a_closer_leaves_a_duplicate_working,
    operations_on_a_closed_socket_are_closed,
    a_close_frees_the_descriptor_and_twice_is_once,
];

/// An address that nobody has: of a socket that is gone.
async fn nobody(context: &Context) -> SocketAddr {
    context.udp().await.local_address()
}

async fn a_port_that_nobody_has_is_told_to_a_receive_once(context: Context) {
    let to = nobody(&context).await;
    let client = context.connected_udp(to).await;
    let mut buf = [0; 8];
    for _ in 0..2 {
        context.within(client.send(b"anybody?")).await.unwrap();
        is_undelivered(context.within(client.receive(&mut buf)).await);
        context
            .assert_waits(&mut Box::pin(client.receive(&mut buf)))
            .await;
    }
    let server = UdpSocket::bind_on(context.runtime(), to).into_future();
    let server = context.within(server).await.unwrap();
    assert_talk(&context, &client, &server).await;
}

async fn a_receive_that_waits_is_told_of_a_port_that_nobody_has(context: Context) {
    let client = Arc::new(context.connected_udp(nobody(&context).await).await);
    let receiving = context.runtime().spawn({
        let client = client.clone();
        async move { client.receive(&mut [0; 8]).await }
    });
    context.settle().await;
    context.within(client.send(b"anybody?")).await.unwrap();
    is_undelivered(context.within(receiving).await);
}

async fn a_port_that_nobody_has_is_told_to_a_send_once(context: Context) {
    let to = nobody(&context).await;
    let client = context.connected_udp(to).await;
    context.within(client.send(b"one")).await.unwrap();
    context.settle().await;
    match context.within(client.send(b"two")).await {
        Err(SendError::NotSent(cause)) => assert_eq!(cause.kind(), ErrorKind::ConnectionRefused),
        other => panic!("{other:?}"),
    }
    let server = UdpSocket::bind_on(context.runtime(), to).into_future();
    let server = context.within(server).await.unwrap();
    assert_talk(&context, &client, &server).await;
}

async fn an_undelivered_datagram_in_a_burst_costs_no_other(context: Context) {
    let to = nobody(&context).await;
    let client = context.connected_udp(to).await;
    context.within(client.send(b"nobody is there yet")).await.unwrap();
    context.settle().await;
    let server = UdpSocket::bind_on(context.runtime(), to).into_future();
    let server = context.within(server).await.unwrap();
    let mut failed = 0;
    let mut expected = Vec::new();
    for number in 0..20 {
        match context.within(client.send(&[number])).await {
            Ok(()) => expected.push(number),
            Err(SendError::NotSent(_)) => failed += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(failed, 1, "of each failure one operation is told");
    let mut buf = [0; 8];
    for number in expected {
        let received = context.within(server.receive(&mut buf)).await.unwrap();
        assert_eq!(&buf[..received.length], [number], "what was sent arrives");
    }
    assert!(server.try_receive(&mut buf).unwrap().is_none());
}

async fn a_datagram_to_a_port_that_nobody_has_does_not_spoil_an_unconnected_socket(context: Context) {
    let (socket, nobody) = (context.udp().await, nobody(&context).await);
    let own = socket.local_address();
    for _ in 0..3 {
        context.within(socket.send_to(b"anybody?", nobody)).await.unwrap();
        context.within(socket.send_to(b"me", own)).await.unwrap();
        let (received, sender) = context.within(socket.receive_from(&mut [0; 8])).await.unwrap();
        assert_eq!((received, sender), (Received::new(2, false), own));
    }
}

async fn a_datagram_that_is_too_long_is_an_error_of_its_own(context: Context) {
    let server = context.udp().await;
    let client = context.connected_udp(server.local_address()).await;
    let too_long = vec![0; 70_000];
    for _ in 0..2 {
        for sent in [
            context.within(client.send(&too_long)).await,
            context
                .within(server.send_to(&too_long, client.local_address()))
                .await,
            client.try_send(&too_long).map(drop),
        ] {
            match sent {
                Err(SendError::TooLong(cause)) => {
                    assert_eq!(cause.raw_os_error(), Some(Errno::MSGSIZE.raw_os_error()));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_talk(&context, &client, &server).await;
    // The longest that there is, in one piece.
    let longest = vec![7; 65_507];
    context.within(client.send(&longest)).await.unwrap();
    let mut buf = vec![0; 70_000];
    let received = context.within(server.receive(&mut buf)).await.unwrap();
    assert_eq!(received, Received::new(longest.len(), false));
    assert_eq!(buf[..longest.len()], longest);
}

async fn an_address_of_another_family_is_refused(context: Context) {
    let socket = context.udp().await;
    let other = match context.loopback {
        SocketAddr::V4(_) => SocketAddr::new(LOOPBACK_6.ip(), 9),
        SocketAddr::V6(_) => SocketAddr::new([192, 0, 2, 1].into(), 9),
    };
    is_not_sent(context.within(socket.send_to(b"x", other)).await);
    let unix = Address::from(UnixAddress::from("/nobody"));
    is_not_sent(context.within(Datagram::send_to(&socket, b"x", &unix)).await);
    let own = socket.local_address();
    context.within(socket.send_to(b"fine", own)).await.unwrap();
    context.within(socket.receive(&mut [0; 8])).await.unwrap();
}

async fn a_connected_socket_sends_to_its_peer_only(context: Context) {
    let (server, stranger) = (context.udp().await, context.udp().await);
    let client = context.connected_udp(server.local_address()).await;
    let (peer, other) = (server.local_address().into(), stranger.local_address().into());
    context
        .within(Datagram::send_to(&client, b"peer", &peer))
        .await
        .unwrap();
    match context.within(Datagram::send_to(&client, b"other", &other)).await {
        Err(SendError::NotSent(cause)) => {
            assert_eq!(cause.raw_os_error(), Some(Errno::ISCONN.raw_os_error()));
        }
        sent => panic!("{sent:?}"),
    }
    context.within(server.receive(&mut [0; 8])).await.unwrap();
    assert!(stranger.try_receive(&mut [0; 8]).unwrap().is_none());
    let mut buf = [0; 8];
    context
        .within(server.send_to(b"back", client.local_address()))
        .await
        .unwrap();
    let (_, sender) = context
        .within(Datagram::receive_from(&client, &mut buf))
        .await
        .unwrap();
    assert_eq!(sender, peer);
}

async fn an_unconnected_socket_has_nobody_to_send_to_without_an_address(context: Context) {
    let socket = context.udp().await;
    is_not_sent(context.within(Datagram::send(&socket, b"to whom?")).await);
}

async fn an_empty_receive_buffer_is_refused_and_takes_nothing(context: Context) {
    let socket = context.udp().await;
    let own = socket.local_address();
    context.within(socket.send_to(b"kept", own)).await.unwrap();
    for received in [
        context.within(socket.receive(&mut [])).await.map(drop),
        context.within(socket.receive_from(&mut [])).await.map(drop),
        context.within(socket.peek(&mut [])).await.map(drop),
        socket.try_receive(&mut []).map(drop),
    ] {
        assert!(
            matches!(received, Err(ReceiveError::EmptyBuffer)),
            "got {received:?}"
        );
    }
    let mut buf = [0; 8];
    let received = context.within(socket.receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"kept");
}

async fn broadcasting_is_off_until_it_is_turned_on(context: Context) -> Outcome {
    use crate::case::NotApplicable;
    use anynet_sockets::options::Broadcast;

    if context.loopback.is_ipv6() {
        return Err(NotApplicable("IPv6 has no broadcasts"));
    }
    let bind = UdpSocket::bind_on(context.runtime(), "0.0.0.0:0").into_future();
    let socket = context.within(bind).await.unwrap();
    // Loopback's own broadcast address: it leaves this machine nowhere.
    let all = SocketAddr::from(([127, 255, 255, 255], socket.local_address().port()));
    assert_eq!(socket.option::<Broadcast>().unwrap(), Broadcast(false));
    match context.within(socket.send_to(b"all", all)).await {
        Err(SendError::NotSent(cause)) => assert_eq!(cause.kind(), ErrorKind::PermissionDenied),
        sent => panic!("{sent:?}"),
    }
    socket.set_option(&Broadcast(true)).unwrap();
    context.within(socket.send_to(b"all", all)).await.unwrap();
    let mut buf = [0; 8];
    let received = context.within(socket.receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"all");
    socket.set_option(&Broadcast(false)).unwrap();
    is_not_sent(context.within(socket.send_to(b"all", all)).await);
    Ok(())
}

async fn a_closer_wakes_every_blocked_receive(context: Context) {
    for close in [Closer::close as fn(&Closer), Closer::abort] {
        let server = Arc::new(context.udp().await);
        let client = Arc::new(context.connected_udp(server.local_address()).await);
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
            let received = context.within(task).await;
            assert!(matches!(received, Err(ReceiveError::Closed)), "got {received:?}");
        }
        assert_closed(&context, &server, &client).await;
    }
}

async fn a_closer_leaves_a_duplicate_working(context: Context) {
    let server = context.udp().await;
    let mut client = context.connected_udp(server.local_address()).await;
    let to = client.local_address();
    let duplicate: std::net::UdpSocket = SockRef::from(&client).try_clone().unwrap().into();
    context.within(server.send_to(b"before", to)).await.unwrap();
    client.closer().abort();
    client.close();
    context.within(server.send_to(b"after", to)).await.unwrap();
    duplicate.set_nonblocking(false).unwrap();
    duplicate
        .set_read_timeout(Some(std::time::Duration::from_secs(5)))
        .unwrap();
    let mut buf = [0; 8];
    for data in [&b"before"[..], b"after"] {
        let n = duplicate.recv(&mut buf).unwrap();
        assert_eq!(&buf[..n], data);
    }
    duplicate.send(b"still connected").unwrap();
    context.within(server.receive(&mut [0; 16])).await.unwrap();
}

async fn operations_on_a_closed_socket_are_closed(context: Context) {
    let mut server = context.udp().await;
    let mut client = context.connected_udp(server.local_address()).await;
    context.within(client.send(b"waits")).await.unwrap();
    server.closer().close();
    client.closer().close();
    assert_closed(&context, &server, &client).await;
    server.close();
    client.close();
    assert_closed(&context, &server, &client).await;
}

async fn a_close_frees_the_descriptor_and_twice_is_once(context: Context) -> Outcome {
    let mut socket = context.udp().await;
    let descriptor = Descriptor::of(&socket)?;
    socket.close();
    assert!(!descriptor.is_open());
    socket.close();
    socket.closer().close();
    socket.closer().abort();
    let socket = context.udp().await;
    let descriptor = Descriptor::of(&socket)?;
    drop(socket);
    assert!(!descriptor.is_open());
    Ok(())
}

type Udp = UdpSocket<BoxRuntime>;
type Connected = ConnectedUdpSocket<BoxRuntime>;

async fn assert_closed(context: &Context, server: &Udp, client: &Connected) {
    let to = LOOPBACK_4;
    for received in [
        context.within(server.receive(&mut [0; 8])).await.map(drop),
        context.within(server.receive(&mut [])).await.map(drop),
        context.within(server.receive_from(&mut [0; 8])).await.map(drop),
        context.within(server.peek(&mut [0; 8])).await.map(drop),
        server.try_receive_from(&mut [0; 8]).map(drop),
        context.within(client.receive(&mut [0; 8])).await.map(drop),
        client.try_receive(&mut [0; 8]).map(drop),
    ] {
        assert!(matches!(received, Err(ReceiveError::Closed)), "got {received:?}");
    }
    for sent in [
        context.within(server.send_to(b"", to)).await,
        context.within(server.send_to(b"data", to)).await,
        server.try_send_to(b"data", to).map(drop),
        context.within(server.send_ready()).await,
        context.within(client.send(b"")).await,
        context.within(client.send(b"data")).await,
        client.try_send(b"data").map(drop),
        context
            .within(Datagram::send_to(client, b"data", &to.into()))
            .await,
    ] {
        assert!(matches!(sent, Err(SendError::Closed)), "got {sent:?}");
    }
    assert!(context.within(server.datagrams(8).next()).await.is_none());
}

async fn assert_talk(context: &Context, client: &Connected, server: &Udp) {
    let mut buf = [0; 8];
    context.within(client.send(b"ping")).await.unwrap();
    let (received, sender) = context.within(server.receive_from(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"ping");
    context.within(server.send_to(b"pong", sender)).await.unwrap();
    let received = context.within(client.receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"pong");
}

#[track_caller]
fn is_undelivered(received: Result<Received, ReceiveError>) {
    match received {
        Err(ReceiveError::Undelivered(cause)) => assert_eq!(cause.kind(), ErrorKind::ConnectionRefused),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn is_not_sent(sent: Result<(), SendError>) {
    assert!(matches!(sent, Err(SendError::NotSent(_))), "got {sent:?}");
}
