//! What a network in memory has beyond every network: its clock, its order, its names and ways, its end.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anynet_core::{
    Attributes, AttributesExt, Datagram, Executor, Listener, LocalAddress, Network, PeerAddress,
    ReceiveError, Task, UnixAddress, UnixNetwork,
};
use futures_lite::future::{block_on, pending};

use crate::{MemoryNetwork, MemoryStream, timeout};

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
        let _ = timeout(&network, Duration::from_secs(1), pending::<()>()).await;
        network
    });
    assert_eq!(Arc::strong_count(&alive), 1, "the task is gone");
    let late = timeout(&network, Duration::from_secs(1), pending::<()>());
    block_on(late).expect_err("a deadline there is not a hang");
    drop(network.spawn(async {}));
}

#[test]
fn names_and_ways_are_those_that_were_told() {
    MemoryNetwork::run(async |network| {
        let listener = network.listen(SERVER.into()).await.unwrap();
        assert!(network.resolve("example.org", 80).await.is_err());
        network.add_name("example.org", [Ipv4Addr::LOCALHOST]);
        network.add_name("Example.org", [SERVER.0]);
        for name in ["example.org", "EXAMPLE.ORG", "example.org.", "192.0.2.1"] {
            assert_eq!(
                network.resolve(name, 80).await.unwrap(),
                [SERVER.into()],
                "{name}"
            );
        }
        let zoned = SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, 3);
        assert_eq!(network.resolve("fe80::1%3", 80).await.unwrap(), [zoned.into()]);

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
fn what_waits_for_ever_says_so() {
    let alive = Arc::new(());
    let guard = alive.clone();
    let stuck = catch_unwind(AssertUnwindSafe(|| {
        MemoryNetwork::run(async |network| {
            network.set_patience(Duration::from_millis(20));
            let listener = network.listen(SERVER.into()).await.unwrap();
            network
                .spawn(async move {
                    let _guard = guard;
                    listener.accept().await
                })
                .detach();
            // Longer than any patience, and no time at all.
            network.sleep(Duration::from_secs(3600)).await;
            // Past the end of the clock there is nothing to wait for.
            network.sleep(Duration::MAX).await;
        });
    }));
    let message = *stuck.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("waits for ever"), "{message}");
    assert!(message.contains("its tasks (1) wait"), "{message}");
    assert_eq!(Arc::strong_count(&alive), 1, "the task is gone");
}

#[test]
fn another_thread_may_sleep_by_the_clock_and_is_waited_for() {
    let (mut left, mut right) = MemoryStream::pair(8);
    MemoryNetwork::run(async |network| {
        network.set_patience(Duration::from_secs(10));
        let began = std::time::Instant::now();
        let (there, start) = (network.clone(), network.now());
        let other = thread::spawn(move || {
            // By then the run waits, and there is nothing to jump to.
            thread::sleep(Duration::from_millis(100));
            block_on(there.sleep(Duration::from_secs(3600)));
            block_on(left.send(b"x")).unwrap();
            left
        });
        right.receive(&mut [0; 1]).await.unwrap();
        assert_eq!(network.now() - start, Duration::from_secs(3600));
        other.join().unwrap();
        assert!(
            began.elapsed() < Duration::from_secs(9),
            "woken, and not by the patience"
        );
    });
}

#[test]
fn the_end_of_a_run_ends_the_sleeps_of_other_threads() {
    for length in [Duration::from_secs(3600), Duration::MAX] {
        let (started, has_started) = std::sync::mpsc::channel();
        let (ended, has_ended) = std::sync::mpsc::channel();
        MemoryNetwork::run(|network| async move {
            let mut sleep = network.sleep(length);
            thread::spawn(move || {
                block_on(async {
                    let _ = futures_lite::future::poll_once(&mut sleep).await;
                    started.send(()).unwrap();
                    sleep.await;
                });
                ended.send(()).unwrap();
            });
            has_started.recv().unwrap();
        });
        has_ended.recv_timeout(Duration::from_secs(10)).expect("it hangs");
    }
}

#[test]
fn a_run_that_panics_before_its_first_turn_leaves_nothing() {
    let alive = Arc::new(());
    let guard = alive.clone();
    let ran = catch_unwind(AssertUnwindSafe(|| {
        MemoryNetwork::run(|network| {
            let own = network.clone();
            network
                .spawn(async move {
                    let (_guard, _own) = (guard, own);
                    pending::<()>().await;
                })
                .detach();
            if Arc::strong_count(&alive) > 1 {
                std::panic::resume_unwind(Box::new("before the future"));
            }
            pending::<()>()
        });
    }));
    ran.unwrap_err();
    assert_eq!(Arc::strong_count(&alive), 1, "the task is gone");
}

#[test]
fn no_client_has_the_address_of_its_server() {
    MemoryNetwork::run(async |network| {
        // On a port of those that clients get, too.
        let listener = network.listen((SERVER.0, 0).into()).await.unwrap();
        let server = address(&listener);
        for _ in 0..=u16::MAX - 49152 {
            let client = network.connect(server).await.unwrap();
            assert_ne!(address(&client), server);
            let accepted = listener.accept().await.unwrap();
            let PeerAddress(peer) = accepted.attribute().unwrap();
            assert_eq!(peer.socket_addr().unwrap(), address(&client));
        }
    });
}

fn address(it: &impl Attributes) -> SocketAddr {
    let LocalAddress(address) = it.attribute().unwrap();
    address.socket_addr().unwrap()
}

#[test]
fn who_is_always_ready_lets_others_have_their_turn() {
    MemoryNetwork::run(async |network| {
        let datagrams = network.bind((SERVER.0, 0).into()).await.unwrap();
        let own = address(&datagrams).into();
        let ours = network.clone();
        let busy_with_datagrams = network.spawn(async move {
            for _ in 0..100_000 {
                datagrams.send_to(b"x", &own).await.unwrap();
                datagrams.receive(&mut [0; 1]).await.unwrap();
            }
        });
        let busy_with_connections = network.spawn(async move {
            let listener = ours.listen(SERVER.into()).await.unwrap();
            for _ in 0..100_000 {
                drop(ours.connect(SERVER.into()).await.unwrap());
                listener.accept().await.unwrap();
            }
        });
        for _ in 0..10 {
            network.spawn(async {}).await;
        }
        for busy in [busy_with_datagrams, busy_with_connections] {
            let ended = futures_lite::future::poll_once(busy).await;
            assert!(ended.is_none(), "nobody else had a turn before its end");
        }
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
