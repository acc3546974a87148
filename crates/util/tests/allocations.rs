//! What is allocated where something fails. The number is the same with the feature `tracing` and without it: an event that
//! nobody takes costs none.

use std::alloc::System;
use std::future::ready;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anynet_core::{Cause, ConnectError, FailedAttempt};
use anynet_util::{HappyEyeballs, MemoryNetwork};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// For an attempt that fails: its future, its error as the list of one address, and the cause in it.
const EACH: usize = 3;

/// How often a connect to a name with so many addresses allocates, all of which fail. The least of some runs, since the
/// test's harness has threads of its own.
fn allocations(addresses: u8) -> usize {
    let attempt = |to: SocketAddr| {
        let failed = FailedAttempt::new(to, Cause::from(ErrorKind::ConnectionRefused));
        ready(Err::<(), _>(ConnectError::Failed(vec![failed])))
    };
    let run = |_| {
        MemoryNetwork::run(async |network| {
            let ips = (1..=addresses).map(|last| IpAddr::from(Ipv4Addr::new(192, 0, 2, last)));
            network.add_name("example.org", ips);
            let before = INSTRUMENTED_SYSTEM.stats().allocations;
            let failed = HappyEyeballs::new()
                .connect(&network, ("example.org", 80), attempt)
                .await;
            let allocations = INSTRUMENTED_SYSTEM.stats().allocations - before;
            assert!(matches!(failed, Err(ConnectError::Failed(all)) if all.len() == addresses.into()));
            allocations
        })
    };
    (0..20).map(run).min().unwrap()
}

#[test]
fn an_event_that_nobody_takes_allocates_nothing() {
    // What does not depend on the number of addresses cancels out; so do growing lists, which are reallocated.
    assert_eq!(allocations(40) - allocations(20), 20 * EACH);
}
