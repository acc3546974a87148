//! Measures one candidate on tokio's current-thread runtime, as the driver orders.

mod worker;

use std::alloc::System;

use anynet::Runtime as _;
use anynet_benches::work::Order;
use anynet_tokio::Tokio;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use tokio::runtime::Builder;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let tokio = Builder::new_current_thread().enable_all().build().unwrap();
    let figures = async { tokio::spawn(worker::run(Order::from_args())).await.unwrap() };
    println!("{}", tokio.block_on(figures));
}

fn runtime() -> Tokio {
    Tokio::current().unwrap()
}

/// A task on this thread.
fn here(future: impl Future<Output = ()> + Send + 'static) -> impl Future<Output = ()> {
    let task = tokio::spawn(future);
    async { task.await.unwrap() }
}

/// A task wherever the runtime has them.
fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}
