//! What a connected socket adds, and what is left behind.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use anynet_core::{AttributesExt, Executor, Network, UnixAddress, UnixNetwork};

use super::*;
use crate::timeout;

const SERVER: &str = "192.0.2.1:53";

#[test]
fn a_connected_socket_hears_and_is_heard_by_its_peer_only() {
    MemoryNetwork::run(async |network| {
        let address: SocketAddr = SERVER.parse().unwrap();
        let server = network.bind(address).await.unwrap();
        let stranger = network.bind("192.0.2.2:53".parse().unwrap()).await.unwrap();
        let client = network.connect_datagram(address).unwrap();
        assert_eq!(client.attribute(), Some(PeerAddress(address.into())));
        let LocalAddress(own) = client.attribute().unwrap();

        client.send(b"question").await.unwrap();
        client.send_to(b"another", &address.into()).await.unwrap();
        let elsewhere = client
            .send_to(b"x", &"192.0.2.2:53".parse::<SocketAddr>().unwrap().into())
            .await;
        assert!(matches!(elsewhere, Err(SendError::NotSent(_))), "{elsewhere:?}");
        let (_, from) = server.receive_from(&mut [0; 8]).await.unwrap();
        assert_eq!(from, own);

        stranger.send_to(b"an answer", &own).await.unwrap();
        server.send_to(b"answer", &own).await.unwrap();
        let (received, from) = client.receive_from(&mut [0; 16]).await.unwrap();
        assert_eq!((received.length, from), (6, address.into()));
    });
}

#[test]
fn a_connected_socket_is_told_once_that_nobody_is_there() {
    MemoryNetwork::run(async |network| {
        let client = Arc::new(
            network
                .connect_datagram(SERVER.parse::<SocketAddr>().unwrap())
                .unwrap(),
        );
        let receiving = client.clone();
        // Also if it waits.
        let receiving = network.spawn(async move { receiving.receive(&mut [0; 1]).await });
        network.sleep(Duration::from_millis(1)).await;
        client.send(b"x").await.unwrap();
        let told = receiving.await;
        assert!(
            matches!(&told, Err(ReceiveError::Undelivered(cause)) if cause.kind() == ErrorKind::ConnectionRefused),
            "{told:?}"
        );
        client.send(b"x").await.unwrap();
        let told = client.send(b"x").await;
        assert!(
            matches!(&told, Err(SendError::NotSent(cause)) if cause.kind() == ErrorKind::ConnectionRefused),
            "{told:?}"
        );
        let server = network.bind(SERVER.parse().unwrap()).await.unwrap();
        client.send(b"x").await.unwrap();
        server.receive(&mut [0; 1]).await.unwrap();
        drop(server);
        // One that is not connected is told nothing.
        let other = network.bind("192.0.2.1:0".parse().unwrap()).await.unwrap();
        for _ in 0..2 {
            other
                .send_to(b"x", &SERVER.parse::<SocketAddr>().unwrap().into())
                .await
                .unwrap();
        }
        let zero = network.connect_datagram("192.0.2.1:0".parse::<SocketAddr>().unwrap());
        assert_eq!(zero.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_send_that_waits_is_told_that_the_receiver_is_gone() {
    MemoryNetwork::run(async |network| {
        let path = UnixAddress::from("/run/log.sock");
        let absent = network.connect_datagram(path.clone()).unwrap_err();
        assert_eq!(absent.kind(), ErrorKind::ConnectionRefused);
        let server = network.bind_unix(&path).await.unwrap();
        let client = network.connect_datagram(path).unwrap();
        let filling = async {
            loop {
                client.send(b"x").await.unwrap();
            }
        };
        timeout(&network, Duration::from_secs(1), filling)
            .await
            .unwrap_err();
        let sending = network.spawn(async move { client.send(b"x").await });
        network.sleep(Duration::from_secs(1)).await;
        drop(server);
        let told = sending.await;
        assert!(matches!(told, Err(SendError::NotSent(_))), "{told:?}");
    });
}

struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_send_that_is_done_or_given_up_leaves_nothing_of_its_task() {
    MemoryNetwork::run(async |network| {
        let server = network.bind(SERVER.parse().unwrap()).await.unwrap();
        let client = network.bind("192.0.2.1:0".parse().unwrap()).await.unwrap();
        let to = SERVER.parse::<SocketAddr>().unwrap().into();
        let task = Arc::new(Nobody);
        for (waits, is_given_up) in [(false, false), (true, false), (true, true)] {
            while waits && server.inbox.state().arrived.len() < CAPACITY {
                client.send_to(b"x", &to).await.unwrap();
            }
            let waker = Waker::from(task.clone());
            let mut cx = Context::from_waker(&waker);
            let mut sending = Box::pin(client.send_to(b"x", &to));
            assert_eq!(sending.as_mut().poll(&mut cx).is_pending(), waits);
            if waits && !is_given_up {
                server.receive(&mut [0; 1]).await.unwrap();
                assert!(sending.as_mut().poll(&mut cx).is_ready());
            }
            drop(sending);
            drop(waker);
            assert_eq!(Arc::strong_count(&task), 1, "{waits} {is_given_up}");
        }
    });
}
