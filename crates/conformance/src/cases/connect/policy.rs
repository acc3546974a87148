//! What a connect is told beyond where it goes: from where, how long, and what it says afterwards.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anynet_core::{BoxRuntime, ConnectError, ReceiveError};
use anynet_sockets::{TcpConnect, TcpStream};
use anynet_util::Outcome;
use socket2::{Domain, Socket, Type};

use crate::Context;
use crate::case::{NotApplicable, Outcome as Verdict, cases};
use crate::context::refusing;
use crate::steps::assert_is;

cases![
    the_local_address_is_that_of_the_family_of_each_attempt,
    a_local_port_alone_is_used,
    a_local_address_in_use_is_told_from_a_refusal,
    a_connect_says_which_attempts_it_took,
    a_deadline_ends_a_connect_that_nobody_answers,
    a_stream_dropped_right_after_its_connect_ends_in_order,
    nobody_is_reached_at_port_0,
    a_connection_to_itself_is_refused_unless_it_was_asked_for,
];

async fn the_local_address_is_that_of_the_family_of_each_attempt(context: Context) -> Verdict {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("only Linux has all of 127.0.0.0/8 from the start"));
    }
    let (ipv4, ipv6) = (Ipv4Addr::new(127, 0, 0, 2), Ipv6Addr::LOCALHOST);
    let listener = context.listener().await;
    let connect = connect(&context, listener.local_address())
        .local_address((ipv4, 0).into())
        .local_address((ipv6, 0).into());
    let connected = context.within(connect.into_future()).await.unwrap();
    let expected: IpAddr = match context.loopback {
        SocketAddr::V4(_) => ipv4.into(),
        SocketAddr::V6(_) => ipv6.into(),
    };
    assert_eq!(connected.local_address().ip(), expected);
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(accepted.peer_address(), connected.local_address());
    Ok(())
}

async fn a_local_port_alone_is_used(context: Context) {
    let listener = context.listener().await;
    for _attempt in 0..20 {
        let port = refusing(context.loopback).1.port();
        let connect = connect(&context, listener.local_address()).local_port(port);
        match context.within(connect.into_future()).await {
            Ok(connected) => return assert_eq!(connected.local_address().port(), port),
            // Somebody else was given the port meanwhile.
            Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{error:?}"),
        }
    }
    panic!("one of many ports is free");
}

async fn a_local_address_in_use_is_told_from_a_refusal(context: Context) {
    let taken = context.listener().await;
    let (_bound, nobody) = refusing(context.loopback);
    let from_taken = connect(&context, nobody).local_address(taken.local_address());
    let error = context.within(from_taken.into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    let refused = connect(&context, nobody);
    let error = context.within(refused.into_future()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    for attempt in error.attempts() {
        assert_eq!(attempt.address, nobody, "it is told where it went");
    }
}

async fn a_connect_says_which_attempts_it_took(context: Context) {
    let listener = context.listener().await;
    let address = listener.local_address();
    let connect = connect(&context, address)
        .attempt_delay(Duration::from_millis(100))
        .deadline(Duration::from_secs(10));
    let connected = context.within(connect.with_attempts()).await.unwrap();
    assert_eq!(connected.stream.peer_address(), address);
    assert_eq!(connected.attempts.len(), 1);
    assert_eq!(connected.attempts[0].address, address);
    assert_is!(&connected.attempts[0].outcome, Outcome::Connected);
}

async fn a_deadline_ends_a_connect_that_nobody_answers(context: Context) -> Verdict {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable(
            "only Linux is known to leave connects beyond the backlog unanswered",
        ));
    }
    let full = Socket::new(Domain::for_address(context.loopback), Type::STREAM, None).unwrap();
    full.bind(&context.loopback.into()).unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    let mut queued = Vec::new();
    for _connect in 0..10 {
        let connect = connect(&context, address).deadline(Duration::from_millis(100));
        match context.within(connect.into_future()).await {
            Ok(stream) => queued.push(stream),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::TimedOut);
                assert_is!(&error, ConnectError::TimedOut { attempts, .. } if attempts.len() == 1);
                assert!(error.attempts()[0].took >= Duration::from_millis(90), "{error}");
                return Ok(());
            }
        }
    }
    panic!("everybody was let in");
}

async fn a_stream_dropped_right_after_its_connect_ends_in_order(context: Context) {
    let listener = context.listener().await;
    drop(context.connect(listener.local_address()).await);
    let mut accepted = context.within(listener.accept()).await.unwrap();
    let received = context.within(accepted.receive(&mut [0; 8])).await;
    assert_is!(received, Err(ReceiveError::EndOfStream));
}

async fn nobody_is_reached_at_port_0(context: Context) {
    let connect = connect(&context, SocketAddr::new(context.loopback.ip(), 0));
    let error = context.within(connect.into_future()).await.unwrap_err();
    assert_is!(&error, ConnectError::Failed { attempts, .. } if attempts.len() == 1);
}

async fn a_connection_to_itself_is_refused_unless_it_was_asked_for(context: Context) {
    // What the system does once in some ten thousand times is made certain by choosing the port behind the builder's back.
    let mut outcomes = Vec::new();
    while outcomes.len() < 20 {
        let (bound, itself) = refusing(context.loopback);
        drop(bound);
        let by_the_system = connect(&context, itself).with_socket(move |socket| socket.bind(&itself.into()));
        let asked_for = connect(&context, itself).local_address(itself);
        let refused = context.within(by_the_system.into_future()).await.unwrap_err();
        let made = context.within(asked_for.into_future()).await;
        outcomes.push((refused.kind(), made.as_ref().map_err(ConnectError::kind).err()));
        // Unless somebody else was given the port meanwhile.
        if let (ErrorKind::ConnectionRefused, Ok(mut made)) = (refused.kind(), made) {
            assert_eq!(made.local_address(), itself);
            assert_eq!(made.peer_address(), itself);
            context.within(made.send(b"to myself")).await.unwrap();
            let mut buf = [0; 9];
            context.within(made.receive_exactly(&mut buf)).await.unwrap();
            return assert_eq!(&buf, b"to myself");
        }
    }
    panic!("one of many ports is free: {outcomes:?}");
}

fn connect(context: &Context, to: SocketAddr) -> TcpConnect<BoxRuntime> {
    TcpStream::connect_on(context.runtime(), to)
}
