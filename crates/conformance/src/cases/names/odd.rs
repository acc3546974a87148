//! Names that are none, names with nothing or much behind them, and resolvers that do not answer.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anynet_core::{BindError, ConnectError, Executor, Lookup, Network, ResolveError, Resolver};
use anynet_sockets::{ConnectedUdpSocket, TcpListener, TcpStream, UdpSocket};
use anynet_util::{TableResolver, timeout};

use crate::Context;
use crate::case::{Outcome, cases};
use crate::resolvers::{Answering, Asked, Hanging, NAME, knowing};

cases![
    an_empty_host_is_refused_before_anybody_is_asked,
    a_host_with_nul_is_refused_before_anybody_is_asked,
    a_port_above_65535_is_refused_before_anybody_is_asked,
    an_asterisk_is_no_host_and_no_service,
    an_unknown_service_is_an_error_that_names_it,
    a_name_that_resolves_to_nothing_is_an_error_for_every_connector,
    a_name_may_have_a_hundred_addresses,
    an_address_that_is_answered_again_is_tried_once,
    a_resolver_that_hangs_is_given_up_with_its_connect,
    a_resolver_that_hangs_holds_no_runtime_up,
];

/// Asserts that every connector refuses the target by itself, for a reason with `fault` in it.
async fn assert_malformed(context: &Context, text: &str, fault: &str) {
    let asked = Asked::new(knowing(context.loopback));
    for error in failures(context, text, &asked).await {
        match error {
            ResolveError::Malformed { text: kept, reason } => {
                assert_eq!(kept, text);
                assert!(reason.contains(fault), "{reason}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(asked.asked().is_empty());
}

/// What each connector says of a target that cannot be resolved.
async fn failures(context: &Context, text: &str, resolver: &(impl Resolver + Clone)) -> [ResolveError; 4] {
    let runtime = context.runtime();
    let tcp = TcpStream::connect_on(runtime, text).resolver(resolver.clone());
    let Err(ConnectError::Resolve(tcp)) = context.within(tcp.into_future()).await else {
        panic!("{text:?} was connected to");
    };
    let listener = TcpListener::bind_on(runtime, text).resolver(resolver.clone());
    let Err(BindError::Resolve(listener)) = context.within(listener.into_future()).await else {
        panic!("{text:?} was listened on");
    };
    let udp = UdpSocket::bind_on(runtime, text).resolver(resolver.clone());
    let Err(BindError::Resolve(udp)) = context.within(udp.into_future()).await else {
        panic!("{text:?} was bound");
    };
    let connected = ConnectedUdpSocket::connect_on(runtime, text).resolver(resolver.clone());
    let Err(ConnectError::Resolve(connected)) = context.within(connected.into_future()).await else {
        panic!("{text:?} was connected to");
    };
    [tcp, listener, udp, connected]
}

/// Asserts that a look-up refuses it too.
async fn assert_look_up_malformed(context: &Context, lookup: Lookup) {
    let asked = Asked::new(knowing(context.loopback));
    for network in [context.network(), context.network().with_resolver(asked.clone())] {
        let found = context.within(Box::pin(network.look_up(lookup.clone()))).await;
        assert!(matches!(found, Err(ResolveError::Malformed { .. })), "{found:?}");
    }
    assert!(asked.asked().is_empty());
}

async fn an_empty_host_is_refused_before_anybody_is_asked(context: Context) {
    assert_malformed(&context, ":80", "empty").await;
    assert_look_up_malformed(&context, Lookup::new("", 80)).await;
}

async fn a_host_with_nul_is_refused_before_anybody_is_asked(context: Context) {
    assert_malformed(&context, "loopback.test\0:80", "NUL").await;
    assert_look_up_malformed(&context, Lookup::new("localhost\0", 80)).await;
    assert_look_up_malformed(&context, Lookup::new("127.0.0.1\0", 80)).await;
    assert_look_up_malformed(&context, Lookup::new("localhost", "http\0")).await;
    assert_malformed(&context, "[fe80::1%lo\0]:80", "NUL").await;
    for host in ["fe80::1%lo\0", "fe80::1%lo ", "fe80::1%l\no"] {
        assert_look_up_malformed(&context, Lookup::new(host, 80)).await;
        assert_look_up_malformed(&context, Lookup::new(host, "http")).await;
    }
}

async fn a_port_above_65535_is_refused_before_anybody_is_asked(context: Context) {
    assert_malformed(&context, "loopback.test:65536", "above 65535").await;
    assert_malformed(&context, "loopback.test:-1", "not a number").await;
    assert_look_up_malformed(&context, Lookup::new(context.loopback.ip().to_string(), "65536")).await;
    assert_look_up_malformed(&context, Lookup::new("localhost", "99999999999999999999")).await;
}

async fn an_asterisk_is_no_host_and_no_service(context: Context) {
    // glibc takes it for none: this host, and port 0.
    assert_malformed(&context, "*:80", "no name").await;
    assert_malformed(&context, "loopback.test:*", "no name").await;
    assert_look_up_malformed(&context, Lookup::new("*", 80)).await;
    assert_look_up_malformed(&context, Lookup::new(context.loopback.ip().to_string(), "*")).await;
}

async fn an_unknown_service_is_an_error_that_names_it(context: Context) {
    let table = knowing(context.loopback);
    let mut errors = failures(&context, &format!("{NAME}:no-such-service"), &table)
        .await
        .to_vec();
    let network = context.network();
    let lookup = Lookup::new(context.loopback.ip().to_string(), "no-such-service");
    errors.push(
        context
            .within(Box::pin(network.look_up(lookup)))
            .await
            .unwrap_err(),
    );
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        match error {
            ResolveError::UnknownService { service, .. } => assert_eq!(service, "no-such-service"),
            other => panic!("{other:?}"),
        }
    }
}

async fn a_name_that_resolves_to_nothing_is_an_error_for_every_connector(context: Context) {
    let known = TableResolver::new().host(NAME, [] as [IpAddr; 0]);
    let text = format!("{NAME}:80");
    let mut errors = failures(&context, &text, &known).await.to_vec();
    errors.extend(failures(&context, &text, &TableResolver::new()).await);
    // A resolver that takes nothing for an answer.
    let nothing = Arc::new(Answering(Vec::new));
    errors.extend(failures(&context, &text, &nothing).await);
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(matches!(error, ResolveError::NoAddress { host } if host == NAME));
    }
}

async fn a_name_may_have_a_hundred_addresses(context: Context) {
    // Reserved (RFC 1112 §4, RFC 3849): no host has them, so that none but the last can be bound.
    let others = (1..100_u8).map(|n| match context.loopback {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::new(240, 0, 0, n)),
        SocketAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()).into(),
    });
    let table = TableResolver::new().host(NAME, others.chain([context.loopback.ip()]));
    let network = context.network().with_resolver(table.clone());
    let found = context.within(Box::pin(network.resolve(NAME, 80))).await.unwrap();
    assert_eq!(found.len(), 100);
    assert_eq!(found[99].ip(), context.loopback.ip(), "in the resolver's order");
    let udp = UdpSocket::bind_on(context.runtime(), (NAME, 0)).resolver(table);
    let udp = context.within(udp.into_future()).await.unwrap();
    assert_eq!(udp.local_address().ip(), context.loopback.ip());
}

async fn an_address_that_is_answered_again_is_tried_once(context: Context) {
    let ip = context.loopback.ip();
    let table = TableResolver::new().host(NAME, [ip, ip, ip]);
    let network = context.network().with_resolver(table.clone());
    let found = context.within(Box::pin(network.resolve(NAME, 80))).await.unwrap();
    assert_eq!(found, [SocketAddr::new(ip, 80)]);
    let taken = context.udp().await;
    let bind = UdpSocket::bind_on(context.runtime(), (NAME, taken.local_address().port())).resolver(table);
    match context.within(bind.into_future()).await {
        Err(BindError::Failed { attempts, .. }) => assert_eq!(attempts.len(), 1),
        other => panic!("{other:?}"),
    }
}

async fn a_resolver_that_hangs_is_given_up_with_its_connect(context: Context) {
    let hanging = Hanging::default();
    let connect = TcpStream::connect_on(context.runtime(), (NAME, 80)).resolver(hanging.clone());
    let mut connect = connect.into_future();
    context.assert_waits(&mut connect).await;
    assert!(Arc::strong_count(hanging.token()) > 2, "it is asked");
    let limited = timeout(context.runtime(), Duration::from_millis(1), connect);
    context.within(limited).await.unwrap_err();
    assert_eq!(Arc::strong_count(hanging.token()), 1, "nothing is left of it");
}

async fn a_resolver_that_hangs_holds_no_runtime_up(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let hanging = Hanging::default();
    let connect = TcpStream::connect_on(there.runtime(), (NAME, 80)).resolver(hanging.clone());
    let _task = there.runtime().spawn(connect.into_future());
    context.until(|| Arc::strong_count(hanging.token()) > 2).await;
    let begun = Instant::now();
    shut_down();
    assert!(begun.elapsed() < Duration::from_secs(5));
    // The runtime that is left works on, by name too.
    let listener = context.listener().await;
    let to = (NAME, listener.local_address().port());
    let connect = TcpStream::connect_on(context.runtime(), to).resolver(knowing(context.loopback));
    context.within(connect.into_future()).await.unwrap();
    Ok(())
}
