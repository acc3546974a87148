//! Connecting.

pub(super) mod policy;

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::Poll;

use anynet_core::{BindError, BoxRuntime, Cause, ConnectError, FailedAttempt, Network, ResolveError};
use anynet_sockets::{TcpListener, TcpStream};
use anynet_util::Target;
use rustix::io::Errno;

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::{poll_once, refusing};
use crate::resolvers::{NAME, knowing};

cases![
    the_local_address_and_port_asked_for_are_used,
    a_local_address_of_the_other_family_is_an_error,
    a_refused_connection_keeps_the_error_of_the_system,
    an_unreachable_address_is_an_error_not_a_hang,
    a_text_that_is_no_address_is_an_error_before_any_attempt,
    a_name_and_an_address_text_reach_the_same_listener,
    a_connect_and_a_bind_without_a_runtime_are_errors,
    a_connect_can_be_repeated_after_a_refusal,
];

async fn the_local_address_and_port_asked_for_are_used(context: Context) {
    let listener = context.listener().await;
    let mut attempts = 0..20;
    let (connected, asked) = loop {
        attempts.next().expect("one of many ports is free");
        let asked = free_address(context.loopback);
        let connect = connect(&context, listener.local_address()).local_address(asked);
        match context.within(connect.into_future()).await {
            Ok(stream) => break (stream, asked),
            // Somebody else was given the port meanwhile.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error:?}"),
        }
    };
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(connected.local_address(), asked, "what the stream reports");
    assert_eq!(accepted.peer_address(), asked, "what the peer sees");
}

async fn a_local_address_of_the_other_family_is_an_error(context: Context) {
    let listener = context.listener().await;
    let other: IpAddr = match context.loopback {
        SocketAddr::V4(_) => Ipv6Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv4Addr::UNSPECIFIED.into(),
    };
    let connect = connect(&context, listener.local_address()).local_address((other, 0).into());
    let error = context.within(connect.into_future()).await.unwrap_err();
    let attempt = only_attempt(&error);
    assert_eq!(attempt.address, listener.local_address());
    assert!(
        attempt.cause.raw_os_error().is_some(),
        "the system says why: {error:?}"
    );
}

async fn a_refused_connection_keeps_the_error_of_the_system(context: Context) {
    let (_bound, address) = refusing(context.loopback);
    for target in [Target::from(address), Target::from(address.to_string())] {
        let connect = TcpStream::connect_on(context.runtime(), target);
        assert_refused(context.within(connect.into_future()).await.unwrap_err(), address);
    }
    assert_refused(
        context
            .within(context.network().connect(address))
            .await
            .unwrap_err(),
        address,
    );
}

async fn an_unreachable_address_is_an_error_not_a_hang(context: Context) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable(
            "which addresses lead nowhere is known of Linux only",
        ));
    }
    // A multicast group: no connection leads there, whatever networks the machine is on.
    let group: IpAddr = match context.loopback {
        SocketAddr::V4(_) => Ipv4Addr::new(224, 0, 0, 1).into(),
        SocketAddr::V6(_) => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1).into(),
    };
    let connect = connect(&context, (group, 9).into());
    let error = context.within(connect.into_future()).await.unwrap_err();
    let attempt = only_attempt(&error);
    assert_eq!(attempt.address, SocketAddr::from((group, 9)));
    assert_eq!(
        attempt.cause.raw_os_error(),
        Some(Errno::NETUNREACH.raw_os_error())
    );
    assert_eq!(error.kind(), io::ErrorKind::NetworkUnreachable);
    Ok(())
}

async fn a_text_that_is_no_address_is_an_error_before_any_attempt(context: Context) {
    for text in [
        "",
        "127.0.0.1",
        "::1:80",
        "[::g]:80",
        "127.0.0.1:+80",
        "127.0.0.1:65536",
        ":80",
        "a\0b:80",
        " 127.0.0.1:80",
        "http://127.0.0.1:80",
        "127.0.0.1/path:80",
        "a name:80",
    ] {
        let mut connect = TcpStream::connect_on(context.runtime(), text).into_future();
        let connected = at_once(poll_once(&mut connect), text).map(drop);
        assert!(
            matches!(&connected, Err(ConnectError::Resolve(ResolveError::Malformed { text: kept, .. })) if kept == text),
            "connecting to {text:?}: {connected:?}"
        );
        let mut bind = TcpListener::bind_on(context.runtime(), text).into_future();
        let bound = at_once(poll_once(&mut bind), text).map(drop);
        assert!(
            matches!(&bound, Err(BindError::Resolve(ResolveError::Malformed { text: kept, .. })) if kept == text),
            "binding {text:?}: {bound:?}"
        );
    }
}

async fn a_name_and_an_address_text_reach_the_same_listener(context: Context) {
    let listener = context.listener().await;
    let address = listener.local_address();
    let by_name = Target::from((NAME, address.port()));
    let by_text = Target::from(address.to_string());
    for target in [by_name, by_text] {
        let connect = TcpStream::connect_on(context.runtime(), target).resolver(knowing(address));
        let mut connected = context.within(connect.into_future()).await.unwrap();
        let mut accepted = context.within(listener.accept()).await.unwrap();
        assert_eq!(accepted.peer_address(), connected.local_address());
        context.within(connected.send(b"x")).await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(context.within(accepted.receive(&mut buf)).await.unwrap(), 1);
    }
}

async fn a_connect_and_a_bind_without_a_runtime_are_errors(context: Context) {
    // A boxed runtime cannot be found by its type, so there never is a current one.
    let connect = TcpStream::<BoxRuntime>::connect(context.loopback);
    let connected = context.within(connect.into_future()).await;
    assert!(
        matches!(connected, Err(ConnectError::NoRuntime(_))),
        "{connected:?}"
    );
    let bind = TcpListener::<BoxRuntime>::bind(context.loopback);
    let bound = context.within(bind.into_future()).await;
    assert!(matches!(bound, Err(BindError::NoRuntime(_))), "{bound:?}");
}

async fn a_connect_can_be_repeated_after_a_refusal(context: Context) {
    let (bound, address) = refusing(context.loopback);
    let connect = connect(&context, address);
    assert_refused(
        context.within(connect.clone().into_future()).await.unwrap_err(),
        address,
    );
    bound.listen(1).unwrap();
    context.within(connect.into_future()).await.unwrap();
}

fn connect(context: &Context, to: SocketAddr) -> anynet_sockets::TcpConnect<BoxRuntime> {
    TcpStream::connect_on(context.runtime(), to)
}

/// An address that nobody has at the moment.
fn free_address(loopback: SocketAddr) -> SocketAddr {
    refusing(loopback).1
}

fn at_once<T>(polled: Poll<T>, text: &str) -> T {
    match polled {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("somebody was asked for {text:?}"),
    }
}

fn only_attempt(error: &ConnectError) -> &FailedAttempt {
    match error {
        ConnectError::Failed { attempts, .. } if attempts.len() == 1 => &attempts[0],
        other => panic!("not one failed attempt: {other:?}"),
    }
}

fn assert_refused(error: ConnectError, address: SocketAddr) {
    let refused = Some(Errno::CONNREFUSED.raw_os_error());
    let attempt = only_attempt(&error);
    assert_eq!(attempt.address, address);
    assert_eq!(attempt.cause.raw_os_error(), refused);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    let source = error.source().and_then(<dyn Error>::downcast_ref::<Cause>);
    assert_eq!(
        source.and_then(Cause::raw_os_error),
        refused,
        "the source of the error"
    );
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::ConnectionRefused);
}
