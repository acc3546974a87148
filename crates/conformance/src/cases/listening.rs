//! Listening on several addresses, on one port.

pub(super) mod several;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Mutex;

use anynet_core::{
    AttributesExt, BindError, BoxRuntime, Cause, ConnectError, Family, Listener as _, LocalAddress, Network,
    PeerAddress,
};
use anynet_sockets::{Socket, TcpBindAll, TcpListener, TcpListeners, TcpStream};
use anynet_util::listen_all;
use rustix::io::Errno;
use socket2::SockRef;

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::{LOOPBACK_4, LOOPBACK_6};

cases![
    every_host_is_one_socket_per_family_on_one_port,
    every_host_on_a_port_takes_exactly_that,
    dual_stack_is_one_socket_and_ipv4_peers_are_reported_as_ipv4,
    a_name_and_literals_give_a_socket_for_each_address,
    each_family_alone_is_one_socket,
    an_ephemeral_port_that_another_address_cannot_have_is_exchanged,
    when_no_port_suits_all_the_error_tells_every_attempt_and_nothing_is_left,
    a_port_in_use_is_an_error_and_the_other_sockets_are_closed,
    a_family_that_is_lacking_is_left_out_and_if_none_is_left_it_is_told,
    nothing_to_listen_on_is_an_error,
    options_and_backlog_reach_every_socket,
    a_link_local_address_keeps_its_scope,
];

async fn every_host_is_one_socket_per_family_on_one_port(context: Context) {
    let listeners = bound(&context, TcpListener::bind_port_on(context.runtime(), 0)).await;
    let port = assert_addresses(
        &listeners,
        &[Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
    );
    assert!(SockRef::from(listeners.iter().nth(1).unwrap()).only_v6().unwrap());
    for loopback in [LOOPBACK_4, LOOPBACK_6] {
        assert_reached(&context, &listeners, SocketAddr::new(loopback.ip(), port)).await;
    }
}

async fn every_host_on_a_port_takes_exactly_that(context: Context) {
    // Somebody else can be given the port in between, though hardly ten times.
    for _ in 0..10 {
        let first = bound(&context, TcpListener::bind_port_on(context.runtime(), 0)).await;
        let port = first.iter().next().unwrap().local_address().port();
        drop(first); // it can be bound again at once
        for dual_stack in [false, true] {
            let bind = TcpListener::bind_port_on(context.runtime(), port);
            let bind = if dual_stack { bind.dual_stack() } else { bind };
            match context.within(bind.into_future()).await {
                Ok(listeners) => assert!(listeners.iter().all(|one| one.local_address().port() == port)),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => break,
                Err(error) => panic!("{error:?}"),
            }
            if dual_stack {
                return;
            }
        }
    }
    panic!("the port could not be bound again");
}

async fn dual_stack_is_one_socket_and_ipv4_peers_are_reported_as_ipv4(context: Context) {
    let several = bound(
        &context,
        TcpListener::bind_port_on(context.runtime(), 0).dual_stack(),
    )
    .await;
    let port = assert_addresses(&several, &[Ipv6Addr::UNSPECIFIED.into()]);
    let single = TcpListener::bind_on(context.runtime(), (Ipv6Addr::UNSPECIFIED, 0)).dual_stack();
    let single = context.within(single.into_future()).await.unwrap();
    for (listener, port) in [
        (several.iter().next().unwrap(), port),
        (&single, single.local_address().port()),
    ] {
        for loopback in [LOOPBACK_4.ip(), LOOPBACK_6.ip()] {
            let client = context.connect(SocketAddr::new(loopback, port)).await;
            let accepted = context.within(listener.accept()).await.unwrap();
            assert_eq!(accepted.peer_address(), client.local_address());
            assert_eq!(accepted.local_address(), client.peer_address());
            let PeerAddress(peer) = accepted.attribute().unwrap();
            assert_eq!(peer.socket_addr(), Some(client.local_address()));
            let family = if loopback.is_ipv4() {
                Family::Ipv4
            } else {
                Family::Ipv6
            };
            assert_eq!(accepted.attribute::<Family>(), Some(family));
        }
    }
    let ipv4 = TcpListener::bind_on(context.runtime(), LOOPBACK_4).dual_stack();
    assert!(
        context.within(ipv4.into_future()).await.is_err(),
        "it would do nothing there"
    );
}

async fn a_name_and_literals_give_a_socket_for_each_address(context: Context) {
    // What `localhost` is differs between machines: an address twice is one, and literals make it both families.
    let bind = TcpListener::bind_all_on(context.runtime(), ["127.0.0.1:0", "[::1]:0", "localhost:0"]);
    let listeners = bound(&context, bind).await;
    let addresses: Vec<IpAddr> = listeners.iter().map(|one| one.local_address().ip()).collect();
    assert_eq!(addresses[..2], [LOOPBACK_4.ip(), LOOPBACK_6.ip()]);
    let port = assert_addresses(&listeners, &addresses);
    for loopback in [LOOPBACK_4, LOOPBACK_6] {
        assert_reached(&context, &listeners, SocketAddr::new(loopback.ip(), port)).await;
    }
    drop(listeners);
    let both = [LOOPBACK_4, LOOPBACK_6].map(|address| SocketAddr::new(address.ip(), port));
    let again = context
        .within(TcpListener::bind_all_on(context.runtime(), both).into_future())
        .await;
    match again {
        Ok(again) => assert_eq!(assert_addresses(&again, &addresses[..2]), port),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "somebody else has it"),
    }
}

async fn each_family_alone_is_one_socket(context: Context) {
    for ip in [
        LOOPBACK_4.ip(),
        LOOPBACK_6.ip(),
        Ipv6Addr::UNSPECIFIED.into(),
        Ipv4Addr::UNSPECIFIED.into(),
    ] {
        let bind = TcpListener::bind_all_on(context.runtime(), [(ip, 0)]);
        let listeners = bound(&context, bind).await;
        let port = assert_addresses(&listeners, &[ip]);
        if ip == Ipv6Addr::UNSPECIFIED || ip == LOOPBACK_6.ip() {
            let ipv4 = SocketAddr::new(LOOPBACK_4.ip(), port);
            match context.within(context.network().connect(ipv4)).await {
                Err(ConnectError::Failed { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn an_ephemeral_port_that_another_address_cannot_have_is_exchanged(context: Context) {
    // Somebody else can have the port that the second one chooses, though hardly ten times.
    for _ in 0..10 {
        let tried = Mutex::new(Vec::new());
        let attempt = |on: SocketAddr| {
            let network = context.network();
            let mut tried = tried.lock().unwrap();
            tried.push(on);
            // The first port that is chosen is not free for the second address.
            let refused = tried.len() == 2;
            async move {
                match refused {
                    true => Err(BindError::failed(on, io::Error::from(Errno::ADDRINUSE))),
                    false => network.listen(on).await,
                }
            }
        };
        let listeners = listen_all([LOOPBACK_4, LOOPBACK_6], |_| false, attempt);
        let listeners = match context.within(Box::pin(listeners)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue,
            listeners => listeners.unwrap(),
        };
        let found: Vec<_> = listeners.iter().map(TcpListener::local_address).collect();
        assert_eq!(found[0].port(), found[1].port());
        assert_eq!(found[0].ip(), LOOPBACK_4.ip(), "in the order asked for");
        let tried = tried.into_inner().unwrap();
        assert_eq!(tried[..1], [LOOPBACK_4]);
        assert_eq!(tried[2], LOOPBACK_6, "then the other one chooses");
        return assert_eq!(tried[3], found[0]);
    }
    panic!("the port was never free for IPv4");
}

async fn when_no_port_suits_all_the_error_tells_every_attempt_and_nothing_is_left(context: Context) {
    let chosen = Mutex::new(Vec::new());
    let attempt = |on: SocketAddr| {
        let (network, chosen) = (context.network(), &chosen);
        async move {
            if on.port() != 0 {
                return Err(BindError::failed(on, io::Error::from(Errno::ADDRINUSE)));
            }
            let listener = network.listen(on).await?;
            chosen.lock().unwrap().push(listener.local_address());
            Ok(listener)
        }
    };
    let failed = listen_all([LOOPBACK_4, LOOPBACK_6], |_| false, attempt);
    let failed = context.within(Box::pin(failed)).await.map(drop);
    let Err(BindError::Failed { attempts, .. }) = failed else {
        panic!("{failed:?}");
    };
    let chosen = chosen.into_inner().unwrap();
    assert_eq!(attempts.len(), 2, "each address has chosen once");
    for (attempt, chosen) in attempts.iter().zip(&chosen) {
        assert_eq!(attempt.address.port(), Some(chosen.port()));
        assert_eq!(attempt.cause.kind(), io::ErrorKind::AddrInUse);
    }
    for address in chosen {
        let again = context.within(context.network().listen(address)).await;
        assert!(again.is_ok(), "{again:?}");
    }
}

async fn a_port_in_use_is_an_error_and_the_other_sockets_are_closed(context: Context) {
    for _ in 0..10 {
        let taken = context
            .within(context.network().listen(LOOPBACK_6))
            .await
            .unwrap();
        let address = taken.local_address();
        let ipv4 = SocketAddr::new(LOOPBACK_4.ip(), address.port());
        let bind = TcpListener::bind_all_on(context.runtime(), [ipv4, address]);
        let failed = context.within(bind.into_future()).await.map(drop);
        let Err(BindError::Failed { attempts, .. }) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(attempts.len(), 1);
        assert_eq!(
            attempts[0].cause.raw_os_error(),
            Some(Errno::ADDRINUSE.raw_os_error())
        );
        if attempts[0].address.socket_addr() == Some(ipv4) {
            continue; // somebody else has that
        }
        assert_eq!(attempts[0].address.socket_addr(), Some(address));
        let again = context.within(context.network().listen(ipv4)).await;
        assert!(again.is_ok(), "{again:?}");
        return;
    }
    panic!("the port was never free for IPv4");
}

async fn a_family_that_is_lacking_is_left_out_and_if_none_is_left_it_is_told(context: Context) {
    let lacks = |cause: &Cause| cause.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error());
    for lacking in [&[LOOPBACK_4][..], &[LOOPBACK_6], &[LOOPBACK_4, LOOPBACK_6]] {
        let attempt = |on: SocketAddr| {
            let network = context.network();
            async move {
                if lacking.iter().any(|lacking| lacking.ip() == on.ip()) {
                    return Err(BindError::failed(on, io::Error::from(Errno::AFNOSUPPORT)));
                }
                network.listen(on).await
            }
        };
        let bound = listen_all([LOOPBACK_4, LOOPBACK_6], lacks, attempt);
        match (context.within(Box::pin(bound)).await, lacking.len()) {
            (Ok(listeners), 1) => assert_eq!(listeners.len(), 1),
            (Err(BindError::Failed { attempts, .. }), 2) => {
                assert_eq!(attempts.len(), 2);
                assert!(attempts.iter().all(|attempt| lacks(&attempt.cause)));
            }
            (other, _) => panic!("{other:?}"),
        }
    }
}

async fn nothing_to_listen_on_is_an_error(context: Context) {
    let none: [SocketAddr; 0] = [];
    for (bind, why) in [
        (TcpListener::bind_all_on(context.runtime(), none), "no address"),
        (
            TcpListener::bind_all_on(context.runtime(), ["localhost:65536"]),
            "65535",
        ),
        (TcpListener::bind_all_on(context.runtime(), ["localhost"]), "port"),
    ] {
        match context.within(bind.into_future()).await {
            Err(BindError::Resolve(error)) => assert!(error.to_string().contains(why), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}

async fn options_and_backlog_reach_every_socket(context: Context) {
    let bind = TcpListener::bind_all_on(context.runtime(), [LOOPBACK_4, LOOPBACK_6])
        .option(anynet_sockets::options::KeepAlive(true))
        .backlog(1)
        .shards(2);
    let listeners = bound(&context, bind).await;
    assert_eq!(listeners.iter().count(), 4);
    let none = TcpListener::bind_all_on(context.runtime(), [LOOPBACK_4]).shards(0);
    assert_eq!(bound(&context, none).await.iter().count(), 1, "none is one");
    for listener in listeners.iter() {
        assert!(SockRef::from(listener).keepalive().unwrap());
        assert!(SockRef::from(listener).reuse_address().unwrap());
        assert!(SockRef::from(listener).reuse_port().unwrap());
        if cfg!(target_os = "linux") {
            let raw = Socket::from_fd(
                context.runtime().clone(),
                listener.try_clone().unwrap().into_fd().unwrap(),
            );
            let info = raw
                .unwrap()
                .raw_option_bytes(libc::IPPROTO_TCP, libc::TCP_INFO, 32)
                .unwrap();
            // `tcpi_sacked`: of a listener it is the backlog, tcp_diag.c.
            assert_eq!(info[28..32], 1_u32.to_ne_bytes());
        }
    }
}

async fn a_link_local_address_keeps_its_scope(context: Context) -> Outcome {
    let Some(address) = link_local() else {
        return Err(NotApplicable("the machine has no link-local address"));
    };
    let bind = TcpListener::bind_all_on(context.runtime(), [SocketAddr::V6(address)]);
    let listeners = bound(&context, bind).await;
    let listener = listeners.iter().next().unwrap();
    let SocketAddr::V6(local) = listener.local_address() else {
        panic!("{listener:?}");
    };
    assert_eq!(
        (*local.ip(), local.scope_id()),
        (*address.ip(), address.scope_id())
    );
    let Some(LocalAddress(attribute)) = listeners.attribute() else {
        panic!("{listeners:?}");
    };
    assert_eq!(attribute.socket_addr(), Some(SocketAddr::V6(local)));
    let client = context.connect(SocketAddr::V6(local)).await;
    let accepted = context.within(listeners.accept()).await.unwrap();
    for ours in [
        accepted.peer_address(),
        accepted.local_address(),
        client.local_address(),
    ] {
        assert!(
            matches!(ours, SocketAddr::V6(ours) if ours.scope_id() == address.scope_id()),
            "{ours}"
        );
    }
    Ok(())
}

type Stream = TcpStream<BoxRuntime>;

async fn bound(context: &Context, bind: TcpBindAll<BoxRuntime>) -> TcpListeners<BoxRuntime> {
    context.within(bind.into_future()).await.unwrap()
}

/// Asserts that there is one listener on each of `addresses`, in their order and on one port, which it tells.
fn assert_addresses(listeners: &TcpListeners<BoxRuntime>, addresses: &[IpAddr]) -> u16 {
    let port = listeners.iter().next().unwrap().local_address().port();
    assert_ne!(port, 0);
    let found: Vec<SocketAddr> = listeners.iter().map(TcpListener::local_address).collect();
    let expected: Vec<SocketAddr> = addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
    assert_eq!(found, expected);
    port
}

async fn assert_reached(context: &Context, listeners: &TcpListeners<BoxRuntime>, to: SocketAddr) {
    let client: Stream = context.connect(to).await;
    let accepted = context.within(Box::pin(listeners.accept())).await.unwrap();
    assert_eq!(accepted.peer_address(), client.local_address());
}

/// A link-local address of this machine, as Linux lists it.
fn link_local() -> Option<SocketAddrV6> {
    let listed = std::fs::read_to_string("/proc/net/if_inet6").ok()?;
    listed.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [address, index, _, "20", ..] = fields[..] else {
            return None;
        };
        let ip = Ipv6Addr::from_bits(u128::from_str_radix(address, 16).ok()?);
        Some(SocketAddrV6::new(ip, 0, 0, u32::from_str_radix(index, 16).ok()?))
    })
}
