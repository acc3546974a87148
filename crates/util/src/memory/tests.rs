//! What a network in memory has beyond every network: its clock, its order, its names and ways, its end.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anynet_core::{Executor, Listener, Network, ReceiveError, Task, UnixAddress, UnixNetwork};

use crate::{MemoryNetwork, timeout};

const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 80);

#[test]
fn the_clock_jumps_from_one_sleep_to_the_next_and_tasks_keep_their_order() {
    let run = || {
        MemoryNetwork::run(async |network| {
            let (start, log) = (network.now(), Arc::new(Mutex::new(Vec::new())));
            for (name, hours) in [("c", 3), ("a", 1), ("b", 3), ("d", 1)] {
                let (own, log) = (network.clone(), log.clone());
                network
                    .spawn(async move {
                        own.sleep(Duration::from_secs(3600 * hours)).await;
                        log.lock()
                            .unwrap()
                            .push((name, (own.now() - start).as_secs() / 3600));
                    })
                    .detach();
            }
            network.sleep(Duration::from_secs(3600 * 4)).await;
            log.lock().unwrap().clone()
        })
    };
    assert_eq!(run(), [("a", 1), ("d", 1), ("c", 3), ("b", 3)]);
    assert_eq!(run(), run());
}

#[test]
fn at_the_end_tasks_are_cancelled_and_sleeps_are_over() {
    let alive = Arc::new(());
    let guard = alive.clone();
    let network = MemoryNetwork::run(async |network| {
        let sleep = network.sleep(Duration::MAX);
        network
            .spawn(async move {
                let _guard = guard;
                sleep.await;
            })
            .detach();
        let _ = timeout(&network, Duration::from_secs(1), std::future::pending::<()>()).await;
        network
    });
    assert_eq!(Arc::strong_count(&alive), 1, "the task is gone");
    let late = timeout(&network, Duration::from_secs(1), std::future::pending::<()>());
    futures_lite::future::block_on(late).expect_err("a deadline there is not a hang");
    drop(network.spawn(async {}));
}

#[test]
fn names_and_ways_are_those_that_were_told() {
    MemoryNetwork::run(async |network| {
        let listener = network.listen(SERVER.into()).await.unwrap();
        assert!(network.resolve("example.org", 80).await.is_err());
        network.add_name("example.org", [SERVER.0.into()]);
        assert_eq!(network.resolve("example.org", 80).await.unwrap(), [SERVER.into()]);

        network.set_delay(SERVER.0, Duration::from_millis(70));
        let start = network.now();
        network.connect(SERVER.into()).await.unwrap();
        let refused = network.connect((SERVER.0, 81).into()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(network.now() - start, Duration::from_millis(140));

        network.set_unreachable(SERVER.0);
        let refused = network.connect(SERVER.into()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NetworkUnreachable);
        drop(listener);
    });
}

#[test]
fn a_connect_waits_where_too_many_wait_to_be_accepted() {
    MemoryNetwork::run(async |network| {
        let listener = network.listen(SERVER.into()).await.unwrap();
        let mut clients = Vec::new();
        let limit = Duration::from_secs(1);
        while let Ok(client) = timeout(&network, limit, network.connect(SERVER.into())).await {
            clients.push(client.unwrap());
        }
        assert_eq!(clients.len(), 128);
        listener.accept().await.unwrap();
        network.connect(SERVER.into()).await.unwrap();
        // Those that nobody accepted are told when the listener goes.
        drop(listener);
        let told = clients.last_mut().unwrap().receive(&mut [0; 1]).await;
        assert!(matches!(told, Err(ReceiveError::Broken(_))), "{told:?}");
    });
}

#[test]
fn unix_addresses_are_addresses_of_it_too() {
    MemoryNetwork::run(async |network| {
        let address = UnixAddress::from("/run/app.sock");
        let refused = network.connect_unix(&address).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        let listener = network.listen_unix(&address).await.unwrap();
        let mut client = network.connect_unix(&address).await.unwrap();
        client.send(b"x").await.unwrap();
        let mut accepted = listener.accept().await.unwrap();
        assert_eq!(accepted.receive(&mut [0; 8]).await.unwrap(), 1);
    });
}

#[test]
fn names_are_compared_as_those_of_every_table_are() {
    MemoryNetwork::run(async |network| {
        let ip = IpAddr::from([192, 0, 2, 1]);
        network.add_name("Example.org.", [ip]);
        for name in ["example.org", "EXAMPLE.ORG", "example.org."] {
            assert_eq!(
                network.resolve(name, 80).await.unwrap(),
                [SocketAddr::new(ip, 80)]
            );
        }
    });
}
