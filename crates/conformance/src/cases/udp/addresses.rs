//! UDP: local addresses and peers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anynet_core::{AttributesExt, BindError, BoxRuntime, LocalAddress, Network, PeerAddress};
use anynet_sockets::options::{ReuseAddress, ReusePort};
use anynet_sockets::{ConnectedUdpSocket, UdpSocket};
use rustix::fs::OFlags;
use rustix::io::FdFlags;
use socket2::SockRef;

use crate::Context;
use crate::case::cases;
use crate::resolvers::{NAME, knowing};

cases![
    it_reports_its_own_address_and_no_peer,
    a_connected_socket_reports_both_its_addresses,
    a_port_can_be_bound_again_at_once_after_a_close,
    a_port_in_use_is_an_error_unless_both_ask_for_reuse,
    sockets_to_different_peers_share_a_local_port_by_reuse,
    the_unspecified_address_of_a_family_and_port_0_are_enough,
    a_local_port_without_a_local_host_is_used,
    the_family_of_a_name_is_that_of_the_local_address,
];

async fn it_reports_its_own_address_and_no_peer(context: Context) {
    let by_name = UdpSocket::bind_on(context.runtime(), (NAME, 0)).resolver(knowing(context.loopback));
    let mut socket = context.within(by_name.into_future()).await.unwrap();
    let raw = SockRef::from(&socket).local_addr().unwrap().as_socket().unwrap();
    assert_eq!(raw.ip(), context.loopback.ip());
    assert_ne!(raw.port(), 0, "the port that the system chose");
    assert!(
        rustix::fs::fcntl_getfl(&socket)
            .unwrap()
            .contains(OFlags::NONBLOCK)
    );
    assert!(
        rustix::io::fcntl_getfd(&socket)
            .unwrap()
            .contains(FdFlags::CLOEXEC)
    );
    for closed in [false, true] {
        assert_eq!(socket.local_address(), raw, "closed: {closed}");
        let attribute = socket.attribute::<LocalAddress>();
        assert_eq!(attribute, Some(LocalAddress(raw.into())), "closed: {closed}");
        assert_eq!(socket.attribute::<PeerAddress>(), None, "closed: {closed}");
        socket.close();
    }
}

async fn a_connected_socket_reports_both_its_addresses(context: Context) {
    let server = context.udp().await;
    let mut client = context.connected_udp(server.local_address()).await;
    let raw = SockRef::from(&client).local_addr().unwrap().as_socket().unwrap();
    for closed in [false, true] {
        assert_eq!(client.local_address(), raw, "closed: {closed}");
        assert_eq!(client.peer_address(), server.local_address(), "closed: {closed}");
        let (local, peer) = (client.attribute(), client.attribute());
        assert_eq!(local, Some(LocalAddress(raw.into())), "closed: {closed}");
        let at = server.local_address();
        assert_eq!(peer, Some(PeerAddress(at.into())), "closed: {closed}");
        client.close();
    }
}

async fn a_port_can_be_bound_again_at_once_after_a_close(context: Context) {
    let mut socket = context.udp().await;
    let address = socket.local_address();
    for _ in 0..2 {
        socket.close();
        socket = context.within(context.network().bind(address)).await.unwrap();
    }
    socket.close();
    let peer = context.udp().await;
    for _ in 0..2 {
        let connect = ConnectedUdpSocket::connect_on(context.runtime(), peer.local_address());
        let connect = connect.local_address(address).into_future();
        let mut connected = context.within(connect).await.unwrap();
        assert_eq!(connected.local_address(), address);
        connected.close();
    }
}

async fn a_port_in_use_is_an_error_unless_both_ask_for_reuse(context: Context) {
    let first = context.udp().await;
    let error = context.network().bind(first.local_address()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(
        matches!(error, BindError::Failed { attempts, .. } if attempts[0].address == first.local_address())
    );

    let bind = |on| {
        let bind = UdpSocket::bind_on(context.runtime(), on);
        context.within(bind.option(ReusePort(true)).into_future())
    };
    let first = bind(context.loopback).await.unwrap();
    let second = bind(first.local_address()).await.unwrap();
    assert_ne!(first.local_address().port(), 0);
    assert_eq!(second.local_address(), first.local_address());
}

async fn sockets_to_different_peers_share_a_local_port_by_reuse(context: Context) {
    let peers = [context.udp().await, context.udp().await];
    let connect = |peer: &UdpSocket<BoxRuntime>, local| {
        let connect = ConnectedUdpSocket::connect_on(context.runtime(), peer.local_address());
        let connect = connect.local_address(local).option(ReuseAddress(true));
        context.within(connect.option(ReusePort(true)).into_future())
    };
    let one = connect(&peers[0], context.loopback).await.unwrap();
    let other = connect(&peers[1], one.local_address()).await.unwrap();
    assert_eq!(other.local_address(), one.local_address());
    let mut buf = [0; 8];
    for (peer, socket, data) in [(&peers[1], &other, b"two"), (&peers[0], &one, b"one")] {
        let to = socket.local_address();
        context.within(peer.send_to(data, to)).await.unwrap();
        let received = context.within(socket.receive(&mut buf)).await.unwrap();
        assert_eq!(&buf[..received.length], data);
    }
}

async fn the_unspecified_address_of_a_family_and_port_0_are_enough(context: Context) {
    let bind = UdpSocket::bind_on(context.runtime(), (any_host(&context), 0));
    let socket = context.within(bind.into_future()).await.unwrap();
    let local = socket.local_address();
    assert_eq!(local.ip(), any_host(&context));
    assert_ne!(local.port(), 0);
    let to = SocketAddr::new(context.loopback.ip(), local.port());
    context.within(socket.send_to(b"hello", to)).await.unwrap();
    let (_, sender) = context.within(socket.receive_from(&mut [0; 8])).await.unwrap();
    assert_eq!(sender, to);
}

async fn a_local_port_without_a_local_host_is_used(context: Context) {
    let peer = context.udp().await;
    let port = context.udp().await.local_address().port(); // free again
    let connect = ConnectedUdpSocket::connect_on(context.runtime(), peer.local_address());
    let connect = connect.local_port(port).into_future();
    let socket = context.within(connect).await.unwrap();
    assert_eq!(
        socket.local_address(),
        SocketAddr::new(context.loopback.ip(), port)
    );
    context.within(socket.send(b"hello")).await.unwrap();
    let (_, sender) = context.within(peer.receive_from(&mut [0; 8])).await.unwrap();
    assert_eq!(sender.port(), port);
}

async fn the_family_of_a_name_is_that_of_the_local_address(context: Context) {
    let peer = context.udp().await;
    let to = (NAME, peer.local_address().port());
    let connect = ConnectedUdpSocket::connect_on(context.runtime(), to).resolver(knowing(context.loopback));
    let same = connect
        .clone()
        .local_address(SocketAddr::new(any_host(&context), 0));
    let socket = context.within(same.into_future()).await.unwrap();
    assert_eq!(socket.peer_address().ip(), context.loopback.ip());
    let other: IpAddr = match context.loopback {
        SocketAddr::V4(_) => Ipv6Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv4Addr::UNSPECIFIED.into(),
    };
    let other = connect.local_address(SocketAddr::new(other, 0)).into_future();
    context.within(other).await.unwrap_err();
}

/// The unspecified address of the case's family.
fn any_host(context: &Context) -> IpAddr {
    match context.loopback {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}
