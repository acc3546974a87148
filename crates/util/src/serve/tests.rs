//! The times of a server, to the millisecond, by the clock of a network in memory.

use std::future::pending;
use std::net::SocketAddr;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anynet_core::{
    AcceptError, Attributes, AttributesExt, Executor, LocalAddress, Network, ReceiveError, Request, Result,
    Task,
};

use super::*;
use crate::{MemoryListener, MemoryNetwork, MemoryStream};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Serves with `handler`, and tells where.
async fn served<H, F>(
    network: &MemoryNetwork,
    configure: impl FnOnce(Server<MemoryListener>) -> Server<MemoryListener>,
    handler: H,
) -> (SocketAddr, ServerHandle)
where
    H: Fn(MemoryStream) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let address = "192.0.2.1:80".parse().unwrap();
    let server = configure(Server::new(network.listen(address).await.unwrap()));
    let handle = server.handle();
    network.spawn(server.serve(handler)).detach();
    (address, handle)
}

/// What the server does to a client that does nothing, and when.
async fn end_of(network: &MemoryNetwork, client: &mut MemoryStream) -> (ReceiveError, Duration) {
    let start = network.now();
    let end = client.receive(&mut [0; 1]).await;
    (end.expect_err("the server says nothing"), network.now() - start)
}

#[test]
fn a_rate_lets_so_many_in_at_once_and_then_one_after_the_other() {
    MemoryNetwork::run(async |network| {
        let say = |mut stream: MemoryStream| async move { Ok(stream.send(b"x").await?) };
        let (address, _) = served(&network, |server| server.accept_rate(4), say).await;
        let start = network.now();
        let mut clients = Vec::new();
        for _ in 0..10 {
            clients.push(network.connect(address).await.unwrap());
        }
        let mut times = Vec::new();
        for client in &mut clients {
            client.receive(&mut [0; 1]).await.unwrap();
            times.push((network.now() - start).as_millis());
        }
        assert_eq!(times, [0, 0, 0, 0, 250, 500, 750, 1000, 1250, 1500]);
    });
}

#[test]
fn an_idle_timeout_is_exact_and_begins_anew_with_every_byte() {
    MemoryNetwork::run(async |network| {
        let echo = Guard::new(network.clone()).idle_timeout(MS(1000)).around(
            |mut stream: GuardedStream<MemoryStream, _>| async move {
                let mut byte = [0];
                loop {
                    stream.receive(&mut byte).await?;
                    stream.send(&byte).await?;
                }
            },
        );
        let (address, handle) = served(&network, |server| server, echo).await;
        let mut client = network.connect(address).await.unwrap();
        for _ in 0..3 {
            network.sleep(MS(999)).await;
            client.send(b"x").await.unwrap();
            client.receive_exactly(&mut [0]).await.unwrap();
        }
        let (end, after) = end_of(&network, &mut client).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "{end:?}");
        assert_eq!(after, MS(1000));
        assert_eq!(handle.statistics().failed, 1);
    });
}

#[test]
fn a_progress_timeout_is_exact_and_leaves_a_busy_handler_alone() {
    MemoryNetwork::run(async |network| {
        let own = network.clone();
        let handler = Guard::new(network.clone()).progress_timeout(MS(1000)).around(
            move |mut stream: GuardedStream<MemoryStream, _>| {
                let network = own.clone();
                async move {
                    network.sleep(MS(5000)).await;
                    stream.receive(&mut [0; 1]).await?;
                    Ok(())
                }
            },
        );
        let (address, _) = served(&network, |server| server, handler).await;
        let mut client = network.connect(address).await.unwrap();
        let (end, after) = end_of(&network, &mut client).await;
        assert!(matches!(end, ReceiveError::Broken(_)), "{end:?}");
        assert_eq!(after, MS(6000));
    });
}

#[test]
fn a_handshake_deadline_is_exact_and_is_for_the_handshake_alone() {
    MemoryNetwork::run(async |network| {
        let greet = |mut stream: MemoryStream| async move {
            stream.receive_exactly(&mut [0; 2]).await?;
            Ok(stream)
        };
        let hold = |stream: MemoryStream| async move {
            let _stream = stream;
            pending().await
        };
        let handler = wrapped(network.clone(), MS(300), greet, hold);
        let (address, handle) = served(&network, |server| server, handler).await;
        let mut quick = network.connect(address).await.unwrap();
        quick.send(b"hi").await.unwrap();
        let mut dawdling = network.connect(address).await.unwrap();
        dawdling.send(b"h").await.unwrap();
        let (end, after) = end_of(&network, &mut dawdling).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "{end:?}");
        assert_eq!(after, MS(300));
        network.sleep(MS(3_600_000)).await;
        assert_eq!((handle.statistics().open, handle.statistics().failed), (1, 1));
    });
}

#[test]
fn a_shutdown_waits_for_its_grace_and_no_longer() {
    MemoryNetwork::run(async |network| {
        let address = "192.0.2.1:80".parse().unwrap();
        for (stays, ends) in [(MS(200), MS(200)), (MS(700), MS(500)), (Duration::MAX, MS(500))] {
            let server = Server::new(network.listen(address).await.unwrap()).grace(MS(500));
            let (handle, own) = (server.handle(), network.clone());
            let serving = network.spawn(server.serve(move |stream| {
                let network = own.clone();
                async move {
                    network.sleep(stays).await;
                    drop(stream);
                    Ok(())
                }
            }));
            let client = network.connect(address).await.unwrap();
            while handle.statistics().open == 0 {
                network.sleep(Duration::ZERO).await;
                futures_lite::future::yield_now().await;
            }
            let start = network.now();
            handle.shut_down();
            serving.await.unwrap();
            assert_eq!(network.now() - start, ends, "{stays:?}");
            let refused = network.connect(address).await.unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
            futures_lite::future::yield_now().await;
            assert_eq!(handle.statistics().cancelled, u64::from(ends == MS(500)));
            drop(client);
        }
    });
}

/// A listener whose accept panics, or one in memory.
enum Listening {
    Throws(MemoryNetwork),
    In(MemoryListener),
}

impl Attributes for Listening {
    fn attributes<'a>(&'a self, _: &mut Request<'_, 'a>) {}
}

impl Listener for Listening {
    type Stream = MemoryStream;
    type Executor = MemoryNetwork;

    fn executor(&self) -> &MemoryNetwork {
        match self {
            Self::Throws(network) => network,
            Self::In(listener) => listener.executor(),
        }
    }

    async fn accept(&self) -> std::result::Result<MemoryStream, AcceptError> {
        match self {
            Self::Throws(_) => resume_unwind(Box::new("thrown")),
            Self::In(listener) => listener.accept().await,
        }
    }
}

#[test]
fn a_loop_that_panics_is_the_end_of_the_whole_server() {
    let run = || {
        MemoryNetwork::run(async |network| {
            network.set_patience(MS(1000));
            let good = network.listen("192.0.2.1:80".parse().unwrap()).await.unwrap();
            let server = Server::new(Listening::In(good)).and(Listening::Throws(network.clone()));
            server.serve(|_| async { Ok(()) }).await
        })
    };
    let panic = catch_unwind(run).map(drop).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"thrown"));
}

#[test]
fn whoever_waits_for_a_shutdown_hears_that_the_server_was_dropped() {
    MemoryNetwork::run(async |network| {
        network.set_patience(MS(1000));
        for turns in 0..3 {
            let listener = network.listen("192.0.2.1:80".parse().unwrap()).await.unwrap();
            let server = Server::new(listener);
            let handle = server.handle();
            let serving = network.spawn(server.serve(|_| async { Ok(()) }));
            for _ in 0..turns {
                futures_lite::future::yield_now().await;
            }
            drop(serving);
            handle.shutting_down().await;
        }
        let listener = network.listen("192.0.2.2:80".parse().unwrap()).await.unwrap();
        let unused = Server::new(listener);
        let handle = unused.handle();
        drop(unused);
        handle.shutting_down().await;
    });
}

#[test]
fn what_a_handler_may_not_do_for_ever_is_told_as_a_time_out() {
    MemoryNetwork::run(async |network| {
        let told = Arc::new(Mutex::new(Vec::new()));
        let (tell, own) = (told.clone(), network.clone());
        let start = network.now();
        let hook = move |error| tell.lock().unwrap().push((own.now() - start, error));
        let hang = Guard::new(network.clone())
            .idle_timeout(MS(40))
            .around(|_: GuardedStream<MemoryStream, _>| async { pending().await });
        let (address, _) = served(&network, |server| server.on_error(hook), hang).await;
        let client = network.connect(address).await.unwrap();
        network.sleep(MS(1000)).await;
        let told = told.lock().unwrap();
        let [(after, error)] = &told[..] else {
            panic!("{told:?}");
        };
        assert_eq!(*after, MS(40));
        let who = client.attribute::<LocalAddress>().unwrap().0;
        assert_eq!(error.peer(), Some(&who));
        assert_eq!(
            format!("{error:#}"),
            format!("the connection from {who} failed: idle for 40ms")
        );
    });
}

#[test]
fn a_send_timeout_is_exact_and_leaves_a_receive_that_waits_alone() {
    MemoryNetwork::run(async |network| {
        let handler = Guard::new(network.clone()).send_timeout(MS(1000)).around(
            |mut stream: GuardedStream<MemoryStream, _>| async move {
                stream.receive(&mut [0; 1]).await?;
                Ok(stream.send(&[0; 1 << 20]).await?)
            },
        );
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = told.clone();
        let hook = move |error: ServeError| tell.lock().unwrap().push(format!("{error:#}"));
        let (address, _) = served(&network, |server| server.on_error(hook), handler).await;
        let mut client = network.connect(address).await.unwrap();
        network.sleep(MS(3_600_000)).await;
        client.send(b"x").await.unwrap();
        // Whoever takes something, however little, is given the time anew.
        for _ in 0..3 {
            network.sleep(MS(999)).await;
            client.receive_exactly(&mut [0; 1 << 10]).await.unwrap();
        }
        network.sleep(MS(999)).await;
        assert!(told.lock().unwrap().is_empty());
        network.sleep(MS(1)).await;
        futures_lite::future::yield_now().await;
        let told = told.lock().unwrap();
        let [error] = &told[..] else { panic!("{told:?}") };
        assert!(error.ends_with("the peer took no byte for 1s"), "{error}");
    });
}
