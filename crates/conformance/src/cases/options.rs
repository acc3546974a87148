//! Options on sockets, where the system shows that they took effect.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Duration;

use anynet_core::BindError;
use anynet_sockets::options::{
    KeepAlive, KeepAliveTime, MulticastAll, MulticastLoop, MulticastTtl, NoDelay, OptionError,
    ReceiveBufferSize, ReusePort, SendBufferSize, SocketOptions, Tos, Ttl, V6Only,
};
use anynet_sockets::{TcpListener, TcpStream, UdpSocket};
use socket2::SockRef;

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::LOOPBACK_4;

cases![
    two_listeners_that_both_ask_for_it_share_a_port,
    options_are_read_and_changed_at_both_ends,
    options_are_set_before_the_socket_connects_or_listens,
    an_option_that_cannot_be_set_fails_the_attempt_and_names_itself,
    an_option_of_best_effort_fails_nothing,
    what_an_ipv6_socket_is_set_to_goes_for_its_ipv4_packets,
];

async fn two_listeners_that_both_ask_for_it_share_a_port(context: Context) {
    let first = TcpListener::bind_on(context.runtime(), context.loopback).option(ReusePort(true));
    let first = context.within(first.into_future()).await.unwrap();
    let shared = TcpListener::bind_on(context.runtime(), first.local_address()).option(ReusePort(true));
    let second = context.within(shared.into_future()).await.unwrap();
    assert_eq!(first.local_address(), second.local_address());
    let alone = TcpListener::bind_on(context.runtime(), first.local_address());
    let error = context
        .within(alone.into_future())
        .await
        .expect_err("it did not ask");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    // Clients go to either, and to nobody else.
    for _ in 0..20 {
        let _client = context.connect(first.local_address()).await;
        let (one, other) = (first.accept(), second.accept());
        let (mut one, mut other) = (Box::pin(one), Box::pin(other));
        let taken = std::future::poll_fn(|cx| {
            let taken = one.as_mut().poll(cx);
            if taken.is_pending() {
                other.as_mut().poll(cx)
            } else {
                taken
            }
        });
        context.within(taken).await.unwrap();
    }
}

async fn options_are_read_and_changed_at_both_ends(context: Context) {
    let (connected, accepted) = context.tcp_pair().await;
    for stream in [&connected, &accepted] {
        for on in [true, false] {
            stream.set_option(&NoDelay(on)).unwrap();
            stream.set_option(&KeepAlive(on)).unwrap();
            assert_eq!(stream.option::<NoDelay>().unwrap(), NoDelay(on));
            assert_eq!(stream.option::<KeepAlive>().unwrap(), KeepAlive(on));
            let raw = SockRef::from(stream);
            assert_eq!((raw.tcp_nodelay().unwrap(), raw.keepalive().unwrap()), (on, on));
        }
    }
}

async fn options_are_set_before_the_socket_connects_or_listens(context: Context) {
    let wanted = || {
        SocketOptions::new()
            .required(KeepAlive(true))
            .required(KeepAliveTime(Duration::from_secs(77)))
            .required(ReceiveBufferSize(48 << 10))
            .required(SendBufferSize(48 << 10))
    };
    let bind = TcpListener::bind_on(context.runtime(), context.loopback).options(wanted());
    let listener = context.within(bind.into_future()).await.unwrap();
    let connect = TcpStream::connect_on(context.runtime(), listener.local_address()).options(wanted());
    let connected = context.within(connect.into_future()).await.unwrap();
    // What is accepted has them from the listener: they were set before anybody could connect.
    let accepted = context.within(listener.accept()).await.unwrap();
    for stream in [&connected, &accepted] {
        let time = stream.option::<KeepAliveTime>().unwrap();
        assert_eq!(time, KeepAliveTime(Duration::from_secs(77)));
        assert_eq!(stream.option::<KeepAlive>().unwrap(), KeepAlive(true));
        let ReceiveBufferSize(size) = stream.option().unwrap();
        assert!((48 << 10..=96 << 10).contains(&size), "{size}");
        assert!(
            stream.nodelay().unwrap(),
            "what is set by default is set all the same"
        );
    }
}

async fn an_option_that_cannot_be_set_fails_the_attempt_and_names_itself(context: Context) {
    let bind = TcpListener::bind_on(context.runtime(), context.loopback).option(Ttl(256));
    let Err(BindError::Failed { attempts, .. }) = context.within(bind.into_future()).await else {
        panic!("no system takes such a time to live")
    };
    let cause = attempts[0].cause.get_ref().expect("the cause has a source");
    let error = cause.downcast_ref::<OptionError>().expect("the cause is typed");
    assert_eq!(error.name(), "Ttl");
    assert_eq!(error.cause().kind(), std::io::ErrorKind::InvalidInput);
}

async fn an_option_of_best_effort_fails_nothing(context: Context) {
    let bind = TcpListener::bind_on(context.runtime(), context.loopback)
        .best_effort(Ttl(256))
        .best_effort(Ttl(77));
    let listener = context.within(bind.into_future()).await.unwrap();
    assert_eq!(listener.option::<Ttl>().unwrap(), Ttl(77));
}

async fn what_an_ipv6_socket_is_set_to_goes_for_its_ipv4_packets(context: Context) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("Linux alone keeps them apart"));
    }
    let every = (Ipv6Addr::UNSPECIFIED, 0);
    let bind = TcpListener::bind_on(context.runtime(), every).dual_stack();
    let bind = bind.option(Tos(0x28)).option(Ttl(77));
    let listener = context.within(bind.into_future()).await.unwrap();
    let to = SocketAddr::new(LOOPBACK_4.ip(), listener.local_address().port());
    let _client = context.connect(to).await;
    // It is reported as IPv4, and it is.
    let accepted = context.within(listener.accept()).await.unwrap();
    let raw = SockRef::from(&accepted);
    assert_eq!((raw.tos_v4().unwrap(), raw.ttl_v4().unwrap()), (0x28, 77));
    accepted.set_option(&Tos(0x10)).unwrap();
    assert_eq!(accepted.option::<Tos>().unwrap(), Tos(0x10));
    assert_eq!(raw.tos_v4().unwrap(), 0x10);

    let bind = UdpSocket::bind_on(context.runtime(), every).option(V6Only(false));
    let bind = bind.option(MulticastTtl(7)).option(MulticastLoop(false));
    let socket = context
        .within(bind.option(MulticastAll(false)).into_future())
        .await
        .unwrap();
    let raw = SockRef::from(&socket);
    assert_eq!(raw.multicast_ttl_v4().unwrap(), 7);
    assert!(!raw.multicast_loop_v4().unwrap());
    #[cfg(target_os = "linux")]
    assert!(!raw.multicast_all_v4().unwrap());
    Ok(())
}
