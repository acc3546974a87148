//! What a case is given.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use anynet_core::{BoxRuntime, BoxStream, ByteSendStream, ByteSendStreamExt, Executor, Network, TimedOut};
use anynet_sockets::{OsNetwork, TcpListener, TcpStream};
use anynet_util::timeout;

use crate::{Backend, ReceiveEnd, SendEnd, StreamKind};

/// How long anything may take that should not wait. Far above what a loaded machine needs.
const LIMIT: Duration = Duration::from_secs(10);

/// Long enough for every other task and the kernel's loopback to come to rest.
const SETTLED: Duration = Duration::from_millis(30);

/// What a case is given: the runtime, and what to run on it.
#[derive(Clone, Debug)]
pub struct Context {
    pub(crate) runtime: BoxRuntime,
    pub(crate) backend: Backend,
    /// An IPv4 or IPv6 loopback address with port 0, for cases about sockets.
    pub(crate) loopback: SocketAddr,
    /// The kind of stream, for cases about streams of any kind.
    pub(crate) kind: Option<StreamKind>,
    /// Whether its pairs are turned round, so that bytes go the other way.
    pub(crate) flipped: bool,
}

/// IPv4's loopback address, and any port.
pub(crate) const LOOPBACK_4: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// IPv6's loopback address, and any port.
pub(crate) const LOOPBACK_6: SocketAddr = SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 0);

impl Context {
    /// The runtime under test.
    pub fn runtime(&self) -> &BoxRuntime {
        &self.runtime
    }

    /// Awaits `future`, and panics with the caller's place if it takes longer than anything should.
    #[track_caller]
    pub fn within<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let here = Location::caller();
        let limited = timeout(&self.runtime, LIMIT, future);
        let (runtime, start) = (self.runtime.clone(), self.runtime.now());
        async move {
            match limited.await {
                // What is ready only when the limit wakes it had lost its own wake-up.
                Ok(output) if runtime.now() - start < LIMIT => output,
                _ => panic!("still waiting at {here}"),
            }
        }
    }

    /// Waits until every other task is waiting too.
    pub(crate) async fn settle(&self) {
        self.runtime.sleep(SETTLED).await;
    }

    /// Asserts that `future` waits, and still does after everything has settled.
    #[track_caller]
    pub(crate) fn assert_waits<F: Future + Unpin>(&self, future: &mut F) -> impl Future<Output = ()> {
        let here = Location::caller();
        let settled = timeout(&self.runtime, SETTLED, future);
        async move { assert!(settled.await.is_err(), "did not wait at {here}") }
    }

    /// The operating system's network on the runtime.
    pub(crate) fn network(&self) -> OsNetwork<BoxRuntime> {
        OsNetwork::new(self.runtime.clone())
    }

    /// A listener on the case's loopback address.
    pub(crate) async fn listener(&self) -> TcpListener<BoxRuntime> {
        self.within(self.network().listen(self.loopback))
            .await
            .expect("loopback can be listened on")
    }

    /// Two ends of one TCP connection: the one that connected, and the one that was accepted.
    pub(crate) async fn tcp_pair(&self) -> (TcpStream<BoxRuntime>, TcpStream<BoxRuntime>) {
        let listener = self.listener().await;
        let connected = self
            .network()
            .connect(listener.local_address())
            .await
            .expect("the listener is there");
        (
            connected,
            self.within(listener.accept()).await.expect("a connection waits"),
        )
    }

    /// A send end, and the receive end of the same stream.
    pub(crate) async fn one_way(&self) -> (SendEnd, ReceiveEnd) {
        if self.flipped {
            let (send, receive) = self.two_way().await;
            return (send, ReceiveEnd::whole(receive));
        }
        let kind = self.kind.expect("a case about streams");
        self.within((kind.one_way)(self.clone())).await
    }

    /// The two ends of a stream, if the kind goes both ways.
    pub(crate) async fn two_way(&self) -> (BoxStream, BoxStream) {
        let kind = self.kind.expect("a case about streams");
        let make = kind.two_way.expect("a kind that goes both ways");
        let (left, right) = self.within(make(self.clone())).await;
        if self.flipped {
            (right, left)
        } else {
            (left, right)
        }
    }

    /// As [`one_way`](Self::one_way), with so much sent that a send waits until the receiver takes some of it. Also says
    /// how many bytes are on the way.
    pub(crate) async fn clogged(&self) -> (SendEnd, ReceiveEnd, usize) {
        let (mut send, receive) = self.one_way().await;
        let sent = self.clog(&mut send).await;
        (send, receive, sent)
    }

    /// Sends until a send waits, and says how many bytes that took.
    pub(crate) async fn clog<S: ByteSendStream + ?Sized>(&self, send: &mut S) -> usize {
        let data = [0; 64 << 10];
        let mut sent = 0;
        loop {
            // The kernel moves bytes on after a send has filled its buffer: only what goes on waiting is clogged.
            match timeout(&self.runtime, SETTLED, send.send_some(&data)).await {
                Ok(n) => sent += n.expect("the receiver is there"),
                Err(TimedOut) => return sent,
            }
        }
    }
}

/// Polls a future once, with a waker that wakes nobody.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut TaskContext::from_waker(Waker::noop()))
}
