//! What is allocated where something fails. The numbers are the same with the feature `tracing` and without it: an event
//! that nobody takes costs nothing.

mod failing;

use std::alloc::System;
use std::future::ready;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anynet_core::{AcceptError, Cause, ConnectError, Network};
use anynet_util::{HappyEyeballs, MemoryNetwork, serve};
use failing::Failing;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// For an attempt that fails: its future, its error as the list of one address, and the cause in it.
const EACH_ATTEMPT: usize = 3;

/// How often 20 more failures allocate, where `count` tells it of so many: what does not depend on their number cancels out,
/// and growing lists are reallocated, which is not counted.
fn for_twenty(count: impl Fn(usize) -> usize) -> usize {
    // The least of some runs, since the test's harness has threads of its own.
    let least = |failures| (0..20).map(|_| count(failures)).min().unwrap();
    least(40) - least(20)
}

async fn allocations(during: impl Future<Output = ()>) -> usize {
    let before = INSTRUMENTED_SYSTEM.stats().allocations;
    during.await;
    INSTRUMENTED_SYSTEM.stats().allocations - before
}

fn of_attempts(failures: usize) -> usize {
    let attempt = |to: SocketAddr| {
        let cause = Cause::from(ErrorKind::ConnectionRefused);
        ready(Err::<(), _>(ConnectError::failed(to, cause)))
    };
    MemoryNetwork::run(async |network| {
        let ip = |last| IpAddr::from(Ipv4Addr::new(192, 0, 2, last));
        network.add_name("example.org", (1..).map(ip).take(failures));
        allocations(async {
            let target = ("example.org", 80);
            let failed = HappyEyeballs::new().connect(&network, target, attempt).await;
            assert!(
                matches!(failed, Err(ConnectError::Failed { attempts: all, .. }) if all.len() == failures)
            );
        })
        .await
    })
}

fn of_accepts(failures: usize) -> usize {
    MemoryNetwork::run(async |network| {
        let cause = Cause::from(ErrorKind::OutOfMemory);
        let turned_away = || AcceptError::TurnedAway {
            clients: 1,
            cause: cause.clone(),
        };
        let errors = (0..failures).map(|_| turned_away()).chain([AcceptError::Closed]);
        let listener = network.listen((Ipv4Addr::new(192, 0, 2, 1), 80).into());
        let listener = Failing::new(listener.await.unwrap(), errors);
        allocations(async {
            serve(&listener, |_| ready(Ok(()))).await.unwrap();
        })
        .await
    })
}

#[test]
fn an_event_that_nobody_takes_allocates_nothing() {
    assert_eq!(for_twenty(of_attempts), 20 * EACH_ATTEMPT);
    assert_eq!(for_twenty(of_accepts), 0);
}
