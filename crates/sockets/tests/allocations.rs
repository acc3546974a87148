//! Nothing is allocated for a datagram, whoever sends it.

use std::alloc::System;
use std::env;

use anynet_core::UnixAddress;
use anynet_smol::Smol;
use anynet_sockets::{UdpSocket, UnixDatagram};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const TIMES: usize = 50;

/// How often `once` allocates. The least of some rounds, since the test's harness has threads of its own.
async fn allocations(mut once: impl AsyncFnMut()) -> usize {
    let mut least = usize::MAX;
    for _ in 0..10 {
        let before = INSTRUMENTED_SYSTEM.stats().allocations;
        for _ in 0..TIMES {
            once().await;
        }
        least = least.min(INSTRUMENTED_SYSTEM.stats().allocations - before);
    }
    least
}

#[test]
fn a_datagram_is_sent_and_received_without_an_allocation() {
    let path = env::temp_dir().join(format!("anynet-allocations-{}", std::process::id()));
    let mut addresses = vec![UnixAddress::from(path)];
    if cfg!(target_os = "linux") {
        let name = format!("anynet-allocations-{}", std::process::id());
        addresses.push(UnixAddress::from_abstract_name(name));
    }
    anynet_smol::run(async {
        let mut buf = [0; 64];
        for address in addresses {
            let socket = UnixDatagram::<Smol>::bind(address.clone()).await.unwrap();
            let by_name = allocations(async || {
                socket.send_to(b"to myself", &address).await.unwrap();
                let (_, sender) = socket.receive_from(&mut buf).await.unwrap();
                assert_eq!(sender, address);
            });
            assert_eq!(by_name.await, 0, "{address}");
        }
        let socket = UdpSocket::<Smol>::bind("127.0.0.1:0").await.unwrap();
        let udp = allocations(async || {
            socket
                .send_to(b"to myself", socket.local_address())
                .await
                .unwrap();
            socket.receive_from(&mut buf).await.unwrap();
        });
        assert_eq!(udp.await, 0);
    })
    .unwrap();
}
