//! A server of several listeners.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anynet_core::{
    Address, AttributesExt, BoxListener, BoxStream, BoxTask, Executor, LocalAddress, PeerAddress, Result,
};
use anynet_sockets::{TcpListener, TcpStream, UnixStream};
use anynet_util::{Listeners, Server, serve};

use super::{answer, assert_answer, assert_ends};
use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};

cases![
    many_listeners_are_served_and_each_client_is_handled,
    every_shard_is_used,
    tcp_and_unix_listeners_serve_as_one,
    each_peer_has_a_limit_of_its_own,
];

async fn many_listeners_are_served_and_each_client_is_handled(context: Context) {
    let mut listeners = Vec::new();
    for _ in 0..3 {
        listeners.push(context.listener().await);
    }
    let addresses: Vec<SocketAddr> = listeners.iter().map(TcpListener::local_address).collect();
    let server = Server::over(listeners).and(context.listener().await);
    let handle = server.handle();
    let serving = context.runtime().spawn(server.serve(answer));
    let mut clients = Vec::new();
    for address in addresses.iter().cycle().take(9) {
        let mut client = context.connect(*address).await;
        assert_answer(&context, &mut client, b'=').await;
        clients.push(client);
    }
    assert_eq!(handle.statistics().open, 9);
    drop(serving);
    for mut client in clients {
        assert_ends(&context, &mut client).await;
    }
    context.until(|| handle.statistics().cancelled == 9).await;
}

async fn every_shard_is_used(context: Context) {
    const SHARDS: usize = 3;
    let bind = TcpListener::bind_all_on(context.runtime(), [context.loopback]);
    let bind = bind.shards(SHARDS);
    let listeners = context.within(bind.into_future()).await.unwrap();
    let address = listeners.iter().next().unwrap().local_address();
    assert!(
        listeners
            .iter()
            .all(|listener| listener.local_address() == address)
    );
    let used = [(); SHARDS].map(|()| Arc::new(AtomicUsize::new(0)));
    let counting = listeners.into_iter().zip(used.clone());
    let serving: Vec<BoxTask<Result<()>>> = counting
        .map(|(listener, used)| {
            context
                .runtime()
                .spawn(Server::new(listener).serve(move |stream| {
                    used.fetch_add(1, Ordering::Relaxed);
                    answer(stream)
                }))
        })
        .collect();
    let all_used = || used.iter().all(|used| used.load(Ordering::Relaxed) > 0);
    // The system goes by the client's port: hardly a hundred of them go to fewer than all.
    for _ in 0..100 {
        let mut client = context.connect(address).await;
        assert_answer(&context, &mut client, b'=').await;
        if all_used() {
            return;
        }
    }
    drop(serving);
    if cfg!(target_os = "linux") {
        panic!("{used:?}");
    }
}

async fn tcp_and_unix_listeners_serve_as_one(context: Context) {
    let (tcp, unix) = (context.listener().await, context.unix_listener().await);
    let (tcp_address, unix_address) = (tcp.local_address(), unix.local_address());
    let as_one = Listeners::new(BoxListener::new(tcp), [BoxListener::new(unix)]);
    let served = Arc::new(Mutex::new(Vec::new()));
    let told = served.clone();
    let serving = context.runtime().spawn(async move {
        let tell = move |stream: BoxStream| {
            let PeerAddress(peer) = stream.attribute().unwrap();
            let LocalAddress(local) = stream.attribute().unwrap();
            told.lock().unwrap().push((local, peer));
            answer(stream)
        };
        serve(&as_one, tell).await
    });
    for _ in 0..3 {
        let mut client = context.connect(tcp_address).await;
        assert_answer(&context, &mut client, b'=').await;
        let expected = (Address::from(tcp_address), Address::from(client.local_address()));
        assert_eq!(served.lock().unwrap().pop(), Some(expected));

        let connect = UnixStream::connect_on(context.runtime(), unix_address.clone());
        let mut client = context.within(connect.into_future()).await.unwrap();
        assert_answer(&context, &mut client, b'=').await;
        let expected = (
            Address::from(unix_address.clone()),
            Address::from(client.local_address()),
        );
        assert_eq!(served.lock().unwrap().pop(), Some(expected));
    }
    drop(serving);
}

async fn each_peer_has_a_limit_of_its_own(context: Context) -> Outcome {
    if !context.loopback.is_ipv4() {
        return Err(NotApplicable("IPv6 has one loopback address"));
    }
    let listener = context.listener().await;
    let address = listener.local_address();
    let server = Server::new(listener).limit_per_peer(1);
    let handle = server.handle();
    let _serving = context.runtime().spawn(server.serve(answer));
    let mut first = context.connect(address).await;
    assert_answer(&context, &mut first, b'=').await;
    let other = TcpStream::connect_on(context.runtime(), address).local_address(([127, 0, 0, 2], 0).into());
    let Ok(mut other) = context.within(other.into_future()).await else {
        return Err(NotApplicable("the system has one loopback address"));
    };
    assert_answer(&context, &mut other, b'=').await;
    assert_eq!(handle.statistics().refused_to_peer, 0);
    let mut second = context.connect(address).await;
    assert_ends(&context, &mut second).await;
    assert_eq!(handle.statistics().refused_to_peer, 1);
    Ok(())
}
