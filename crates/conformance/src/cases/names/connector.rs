//! A resolver of one's own, given to one connector or to a network.

use std::future::IntoFuture;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anynet_core::{
    Attributes, AttributesExt, BindError, BoxNetwork, ConnectError, LocalAddress, Lookup, NameFlags,
    NameInfo, Network, ResolveError, Service, SocketType,
};
use anynet_sockets::{ConnectedUdpSocket, TcpListener, TcpStream, UdpSocket};
use anynet_util::{TableResolver, connect, listen};

use crate::Context;
use crate::case::cases;
use crate::resolvers::{Asked, NAME, knowing};

cases![
    a_resolver_is_asked_by_its_connector_and_by_no_other,
    a_literal_address_reaches_no_resolver,
    a_name_reaches_a_resolver_encoded_by_idna_2008,
    a_name_that_cannot_be_encoded_fails_a_connect_before_anybody_is_asked,
    a_network_has_a_resolver_of_its_own,
    a_service_of_a_resolver_stands_for_its_port_in_a_connect,
    udp_takes_the_first_address_whose_family_fits,
];

async fn a_resolver_is_asked_by_its_connector_and_by_no_other(context: Context) {
    let (asked, nothing) = (Asked::new(knowing(context.loopback)), TableResolver::new());
    let listen = TcpListener::bind_on(context.runtime(), (NAME, 0));
    let listener = context
        .within(listen.clone().resolver(asked.clone()).into_future())
        .await
        .unwrap();
    assert_eq!(listener.local_address().ip(), context.loopback.ip());
    expect(&asked, 0, SocketType::Stream);
    let other = context
        .within(listen.resolver(nothing.clone()).into_future())
        .await;
    assert!(matches!(other, Err(BindError::Resolve(ResolveError::NoAddress { host })) if host == NAME));

    let port = listener.local_address().port();
    let connect = TcpStream::connect_on(context.runtime(), (NAME, port));
    let connected = context
        .within(connect.clone().resolver(asked.clone()).into_future())
        .await
        .unwrap();
    assert_eq!(connected.peer_address(), listener.local_address());
    expect(&asked, port, SocketType::Stream);
    let other = context
        .within(connect.resolver(nothing.clone()).into_future())
        .await;
    assert!(matches!(other, Err(ConnectError::Resolve(ResolveError::NoAddress { host })) if host == NAME));

    let bind = UdpSocket::bind_on(context.runtime(), (NAME, 0));
    let socket = context
        .within(bind.clone().resolver(asked.clone()).into_future())
        .await
        .unwrap();
    assert_eq!(socket.local_address().ip(), context.loopback.ip());
    expect(&asked, 0, SocketType::Datagram);
    let other = context.within(bind.resolver(nothing.clone()).into_future()).await;
    assert!(matches!(
        other,
        Err(BindError::Resolve(ResolveError::NoAddress { .. }))
    ));

    let port = socket.local_address().port();
    let connect = ConnectedUdpSocket::connect_on(context.runtime(), (NAME, port));
    let connected = context
        .within(connect.clone().resolver(asked.clone()).into_future())
        .await
        .unwrap();
    assert_eq!(connected.peer_address(), socket.local_address());
    expect(&asked, port, SocketType::Datagram);
    let other = context.within(connect.resolver(nothing).into_future()).await;
    assert!(matches!(
        other,
        Err(ConnectError::Resolve(ResolveError::NoAddress { .. }))
    ));
    assert!(asked.asked().is_empty());
}

/// That it was asked this once since the last time.
fn expect(asked: &Asked, port: u16, kind: SocketType) {
    assert_eq!(asked.asked(), [Lookup::new(NAME, port).kind(kind)]);
}

async fn a_literal_address_reaches_no_resolver(context: Context) {
    let asked = Asked::new(TableResolver::new());
    let listener = context.listener().await;
    let address = listener.local_address();
    let connect = TcpStream::connect_on(context.runtime(), address.to_string()).resolver(asked.clone());
    context.within(connect.into_future()).await.unwrap();
    let network = context.network().with_resolver(asked.clone());
    for host in [address.ip().to_string(), "::1%1".into()] {
        let lookup = Lookup::new(host, 80).kind(SocketType::Stream);
        let found = context.within(Box::pin(network.look_up(lookup))).await.unwrap();
        assert_eq!(found.len(), 1);
    }
    assert!(asked.asked().is_empty());
    // Its service does, where that is a name.
    let lookup = Lookup::new(address.ip().to_string(), "a-service");
    context
        .within(Box::pin(network.look_up(lookup.clone())))
        .await
        .unwrap_err();
    assert_eq!(asked.asked(), [lookup]);
}

async fn a_name_reaches_a_resolver_encoded_by_idna_2008(context: Context) {
    let asked = Asked::new(TableResolver::new());
    for (host, name) in [
        ("faß.test", "xn--fa-hia.test"),
        ("fass.test", "fass.test"),
        ("FASS.test", "FASS.test"),
        ("xn--fa-hia.test", "xn--fa-hia.test"),
        ("MÜNCHEN.test", "xn--mnchen-3ya.test"),
        ("mu\u{308}nchen.test", "xn--mnchen-3ya.test"),
        ("under_score.test", "under_score.test"),
    ] {
        let connect = TcpStream::connect_on(context.runtime(), (host, 80)).resolver(asked.clone());
        context.within(connect.into_future()).await.unwrap_err();
        assert_eq!(
            asked.asked(),
            [Lookup::new(name, 80).kind(SocketType::Stream)],
            "{host}"
        );
    }
}

async fn a_name_that_cannot_be_encoded_fails_a_connect_before_anybody_is_asked(context: Context) {
    let asked = Asked::new(TableResolver::new());
    for host in ["\u{200d}.test", "a\u{fffd}.test", "１２７.0.0.1", "127。0。0。1"] {
        let connect = TcpStream::connect_on(context.runtime(), (host, 80)).resolver(asked.clone());
        match context.within(connect.into_future()).await {
            Err(ConnectError::Resolve(ResolveError::Malformed { text, .. })) => assert_eq!(text, host),
            other => panic!("{host:?}: {other:?}"),
        }
    }
    assert!(asked.asked().is_empty());
}

async fn a_network_has_a_resolver_of_its_own(context: Context) {
    let asked = Asked::new(knowing(context.loopback).service("a-service", 7));
    let network = context.network().with_resolver(asked.clone());
    works(&context, &network).await;
    works(&context, &BoxNetwork::new(network.clone())).await;
    assert!(
        asked
            .asked()
            .iter()
            .all(|lookup| lookup.host.as_deref() == Some(NAME))
    );
    let names = network.look_up_name(SocketAddr::new(context.loopback.ip(), 7), NameFlags::NONE);
    assert_eq!(
        context.within(Box::pin(names)).await.unwrap(),
        NameInfo::new(NAME, "a-service")
    );
}

async fn works<N: Network<Listener: Attributes>>(context: &Context, network: &N) {
    let listener = context
        .within(Box::pin(listen(network, (NAME, 0))))
        .await
        .unwrap();
    let Some(LocalAddress(address)) = listener.attribute::<LocalAddress>() else {
        panic!("a listener has an address");
    };
    let port = address.port().expect("an IP address");
    context
        .within(Box::pin(connect(network, (NAME, port))))
        .await
        .unwrap();
    let found = context
        .within(Box::pin(network.resolve_service(NAME, "a-service")))
        .await;
    assert_eq!(found.unwrap(), [SocketAddr::new(context.loopback.ip(), 7)]);
}

async fn a_service_of_a_resolver_stands_for_its_port_in_a_connect(context: Context) {
    let listener = context.listener().await;
    let port = listener.local_address().port();
    let asked = Asked::new(knowing(context.loopback).service("a-service", port));
    let target = format!("{NAME}:a-service");
    let connect = TcpStream::connect_on(context.runtime(), target).resolver(asked.clone());
    let connected = context.within(connect.into_future()).await.unwrap();
    assert_eq!(connected.peer_address(), listener.local_address());
    assert_eq!(asked.asked()[0].service, Service::from("a-service"));
}

async fn udp_takes_the_first_address_whose_family_fits(context: Context) {
    let peer = context.udp().await;
    let other: IpAddr = match context.loopback {
        SocketAddr::V4(_) => Ipv6Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => Ipv4Addr::LOCALHOST.into(),
    };
    let table = TableResolver::new().host(NAME, [other, context.loopback.ip()]);
    let to = (NAME, peer.local_address().port());
    let connect = ConnectedUdpSocket::connect_on(context.runtime(), to).resolver(table);
    // Nobody has to answer, so the first there is a way to is taken.
    let first = context.within(connect.clone().into_future()).await.unwrap();
    assert_eq!(first.peer_address().ip(), other);
    let fitting = connect.local_address(context.loopback).into_future();
    let fitting = context.within(fitting).await.unwrap();
    assert_eq!(fitting.peer_address(), peer.local_address());
}
