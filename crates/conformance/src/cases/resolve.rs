//! From a name to addresses, and through them in order.

use std::fs;
use std::net::SocketAddr;
use std::task::Poll;

use anynet_core::{
    Attributes, AttributesExt, BindError, BoxNetwork, ConnectError, Executor, FailedAttempt, Family,
    LocalAddress, Lookup, Network, ResolveError,
};
use anynet_sockets::{TcpListener, TcpStream};
use anynet_util::{Target, connect, listen};

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::{LOOPBACK_4, poll_once, refusing};
use crate::named::Named;

cases![
    a_name_is_looked_up_off_the_threads_of_the_runtime,
    a_literal_address_is_looked_up_by_nobody,
    a_name_that_cannot_be_looked_up_is_an_error_with_its_cause,
    one_look_up_after_another_is_answered_without_delay,
    more_look_ups_than_threads_are_all_answered,
    a_connect_tries_the_addresses_in_order_until_one_answers,
    a_connect_that_fails_everywhere_tells_every_failure_in_order,
    a_listener_takes_the_first_address_that_can_be_bound,
    a_listener_that_can_be_bound_nowhere_tells_every_failure_in_order,
    a_name_without_an_address_is_an_error,
    several_addresses_are_used_as_those_of_a_name,
];

async fn a_name_is_looked_up_off_the_threads_of_the_runtime(context: Context) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("the names of the threads are read from /proc"));
    }
    let network = context.network();
    let lookup = Box::pin(network.look_up(localhost(80)));
    let found = context.within(lookup).await.unwrap();
    assert!(found.iter().all(|info| info.address.ip() == LOOPBACK_4.ip()));
    // A thread that has just answered waits for more.
    assert!(
        threads().iter().any(|name| name == "anynet-resolver"),
        "{:?}",
        threads()
    );
    Ok(())
}

async fn a_literal_address_is_looked_up_by_nobody(context: Context) {
    let ip = context.loopback.ip().to_string();
    for _ in 0..50 {
        let network = context.network();
        let mut lookup = Box::pin(network.resolve(&ip, 80));
        match poll_once(&mut lookup) {
            Poll::Ready(addresses) => assert_eq!(addresses.unwrap(), [(context.loopback.ip(), 80).into()]),
            Poll::Pending => panic!("somebody was asked"),
        }
    }
}

async fn a_name_that_cannot_be_looked_up_is_an_error_with_its_cause(context: Context) {
    // Too long for a name, so that nobody can be asked for it.
    let name = "x".repeat(300);
    let connect = TcpStream::connect_on(context.runtime(), (name.as_str(), 80));
    match context.within(connect.into_future()).await {
        Err(ConnectError::Resolve(ResolveError::Failed { host, .. })) => assert_eq!(host, name),
        other => panic!("{other:?}"),
    }
    let bind = TcpListener::bind_on(context.runtime(), (name.as_str(), 80));
    match context.within(bind.into_future()).await {
        Err(BindError::Resolve(ResolveError::Failed { host, .. })) => assert_eq!(host, name),
        other => panic!("{other:?}"),
    }
}

async fn one_look_up_after_another_is_answered_without_delay(context: Context) {
    let network = context.network();
    let look_ups = async {
        for _ in 0..5 {
            network.look_up(localhost(80)).await.unwrap();
        }
    };
    context.within(look_ups).await;
}

async fn more_look_ups_than_threads_are_all_answered(context: Context) {
    let mut tasks = Vec::new();
    for port in 1..=100 {
        let (network, given_up) = (context.network(), context.network());
        tasks.push((
            port,
            context
                .runtime()
                .spawn(async move { network.look_up(localhost(port)).await }),
        ));
        let mut given_up = Box::pin(given_up.look_up(localhost(9)));
        let _ = poll_once(&mut given_up);
    }
    for (port, task) in tasks {
        let found = context.within(task).await.unwrap();
        assert!(found.iter().all(|info| info.address.port() == port));
    }
}

async fn a_connect_tries_the_addresses_in_order_until_one_answers(context: Context) {
    let (_bound, refused) = refusing(context.loopback);
    let (first, second) = (context.listener().await, context.listener().await);
    let order = [refused, first.local_address(), second.local_address()];
    let network = listed(&context, &order);
    let connected = context.within(connect(&network, ("a-name", 0))).await.unwrap();
    let accepted = context.within(first.accept()).await.unwrap();
    assert_eq!(accepted.peer_address(), local(&connected));
    context.assert_waits(&mut Box::pin(second.accept())).await;
}

async fn a_connect_that_fails_everywhere_tells_every_failure_in_order(context: Context) {
    let (_one, first) = refusing(context.loopback);
    let (_two, second) = refusing(context.loopback);
    let network = listed(&context, &[second, first]);
    let error = context
        .within(connect(&network, ("a-name", 0)))
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let text = error.to_string();
    let ConnectError::Failed { target, attempts } = error else {
        panic!("{error:?}");
    };
    assert_eq!(target.as_deref(), Some("a-name:0"));
    assert_eq!(tried(&attempts), [second, first]);
    for address in [first, second] {
        assert!(
            text.contains(&address.to_string()),
            "{address} is not in {text:?}"
        );
    }
}

async fn a_listener_takes_the_first_address_that_can_be_bound(context: Context) {
    let (_bound, taken) = refusing(context.loopback);
    let network = listed(&context, &[taken, context.loopback]);
    let listener = context.within(listen(&network, ("a-name", 0))).await.unwrap();
    assert_ne!(local(&listener), taken);
    assert_eq!(local(&listener).ip(), context.loopback.ip());
}

async fn a_listener_that_can_be_bound_nowhere_tells_every_failure_in_order(context: Context) {
    let (_one, first) = refusing(context.loopback);
    let (_two, second) = refusing(context.loopback);
    let network = listed(&context, &[second, first]);
    let error = context.within(listen(&network, ("a-name", 0))).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    let BindError::Failed { target, attempts } = error else {
        panic!("{error:?}");
    };
    assert_eq!(target.as_deref(), Some("a-name:0"));
    assert_eq!(tried(&attempts), [second, first]);
}

async fn a_name_without_an_address_is_an_error(context: Context) {
    let network = listed(&context, &[]);
    match context.within(connect(&network, ("a-name", 0))).await.map(drop) {
        Err(ConnectError::Resolve(ResolveError::NoAddress { host })) => assert_eq!(host, "a-name"),
        other => panic!("{other:?}"),
    }
    match context.within(listen(&network, ("a-name", 0))).await {
        Err(BindError::Resolve(ResolveError::NoAddress { host })) => assert_eq!(host, "a-name"),
        other => panic!("{other:?}"),
    }
}

async fn several_addresses_are_used_as_those_of_a_name(context: Context) {
    let (_bound, refused) = refusing(context.loopback);
    let listener = context.listener().await;
    let server = listener.local_address();
    let connect = TcpStream::connect_on(context.runtime(), [refused, server]);
    let connected = context.within(connect.into_future()).await.unwrap();
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(accepted.peer_address(), connected.local_address());
    let taken = [server, context.loopback];
    let bind = TcpListener::bind_on(context.runtime(), &taken[..]);
    let second = context.within(bind.into_future()).await.unwrap();
    assert_ne!(second.local_address(), server);

    let connect = TcpStream::connect_on(context.runtime(), vec![refused, refused]);
    let error = context.within(connect.into_future()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    let bind = TcpListener::bind_on(context.runtime(), vec![server, server]);
    match context.within(bind.into_future()).await {
        Err(BindError::Failed { target, attempts }) => {
            assert_eq!(target, None, "they are no name's");
            assert_eq!(tried(&attempts), [server, server]);
        }
        other => panic!("{other:?}"),
    }
    for nothing in [Target::from(vec![]), Target::from([])] {
        let connect = TcpStream::connect_on(context.runtime(), nothing);
        match context.within(connect.into_future()).await {
            Err(ConnectError::Resolve(ResolveError::Malformed { .. })) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A question that a thread has to ask the system: a name which every system knows.
fn localhost(port: u16) -> Lookup {
    Lookup::new("localhost", port).family(Family::Ipv4)
}

fn tried(attempts: &[FailedAttempt]) -> Vec<SocketAddr> {
    attempts
        .iter()
        .filter_map(|attempt| attempt.address.socket_addr())
        .collect()
}

/// The names of this process's threads.
fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux has it");
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.map(|name| name.trim_end().to_owned()).collect()
}

/// The system's network, where every name has these addresses.
fn listed(context: &Context, addresses: &[SocketAddr]) -> Named {
    Named::new(&BoxNetwork::new(context.network()), addresses.to_vec())
}

/// What a stream or a listener says of its own address.
fn local(socket: &impl Attributes) -> SocketAddr {
    let LocalAddress(address) = socket.attribute().expect("it has an address");
    address.socket_addr().expect("an IP address")
}
