//! Many connections at once: those of blocking clients, to whoever serves them.

use std::future::poll_fn;
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::work::{self, ACCEPTS, Figures, Measurement, Work, in_use};

/// How many connections were served so far. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Served(Arc<Mutex<(u64, Option<Waker>)>>);

impl Served {
    /// One more was.
    pub fn one_more(&self) {
        let mut served = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        served.0 += 1;
        let waiting = served.1.take();
        drop(served);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// Waits until so many were.
    async fn reach(&self, count: u64) {
        poll_fn(|cx| {
            let mut served = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if served.0 >= count {
                return Poll::Ready(());
            }
            served.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Connects [`ACCEPTS`] clients, and waits until all of them were served, again and again.
pub async fn bursts(to: SocketAddr, ops: u64, served: Served) -> Figures {
    const WARM_UP: u64 = Work::Burst.instead_of(work::WARM_UP);
    bursts_times(to, 0..WARM_UP, &served).await;
    let measurement = Measurement::start();
    bursts_times(to, WARM_UP..WARM_UP + ops, &served).await;
    measurement.end(None)
}

async fn bursts_times(to: SocketAddr, bursts: Range<u64>, served: &Served) {
    for burst in bursts {
        let clients = [(); ACCEPTS as usize].map(|()| connect(to));
        served.reach((burst + 1) * ACCEPTS).await;
        drop(clients);
    }
}

/// Tells on the standard output where to connect, and waits until `ops` connections are idle.
pub async fn idle(at: SocketAddr, ops: u64, served: Served) -> Figures {
    println!("{at}");
    let measurement = Measurement::start();
    served.reach(1).await;
    let one = in_use();
    served.reach(ops).await;
    let all = in_use();
    let mut figures = measurement.end(None);
    figures.bytes = (all - one) / (ops as usize - 1);
    figures
}

/// A blocking client whose close resets the connection: nothing of it lingers, so that its port is free.
///
/// # Panics
///
/// If it cannot connect: then there is nothing to measure.
pub fn connect(to: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(to).unwrap();
    set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
    client
}
