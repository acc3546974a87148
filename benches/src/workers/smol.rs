//! Measures one candidate on smol, all of it on one thread, as the driver orders.

mod worker;

use std::alloc::System;

use anynet_benches::work::Order;
use anynet_smol::Smol;
use async_net::unix::UnixStream;
use async_net::{TcpListener, TcpStream, UdpSocket};
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use smol::LocalExecutor;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

thread_local! {
    /// Kept to the end of the program, so that tasks can spawn on it.
    static EXECUTOR: &'static LocalExecutor<'static> = Box::leak(Box::default());
}

fn main() {
    let executor = EXECUTOR.with(|executor| *executor);
    let figures = executor.spawn(worker::run(Order::from_args()));
    println!("{}", async_io::block_on(executor.run(figures)));
}

fn runtime() -> Smol {
    Smol::new()
}

/// A task on this thread.
fn here(future: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> {
    EXECUTOR.with(|executor| executor.spawn(future))
}

/// A task wherever the runtime has them.
fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    smol::spawn(future).detach();
}
