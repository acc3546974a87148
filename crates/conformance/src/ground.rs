//! What a case about any network is given.

use std::net::SocketAddr;
use std::panic::Location;
use std::time::Duration;

use anynet_core::{
    AttributesExt, BoxListener, BoxNetwork, BoxStream, ByteReceiveStream, ByteReceiveStreamExt,
    ByteSendStream, ByteSendStreamExt, Executor, Listener, LocalAddress, Network, ReceiveError, TimedOut,
};
use anynet_util::timeout;

use crate::kinds::Pairs;
use crate::suite::Column;
use crate::{ReceiveEnd, SendEnd};

/// How long anything may take that should not wait. Far above what a loaded machine needs.
const LIMIT: Duration = Duration::from_secs(10);

/// Long enough for every other task and the kernel's loopback to come to rest.
pub(crate) const SETTLED: Duration = Duration::from_millis(30);

/// Longer than Linux takes to acknowledge what nobody answers (40 ms). That makes a little room, too little to be reported,
/// but a backend that calls first finds it.
const ACKNOWLEDGED: Duration = Duration::from_millis(80);

/// What every case stands on: a network, which is an executor too, and pairs of streams. Nothing here asks for a
/// descriptor, so a case that is given no more runs on whatever is a network.
#[derive(Clone, Debug)]
pub struct Ground {
    pub(crate) network: BoxNetwork,
    pub(crate) column: Column,
    /// An IPv4 or IPv6 loopback address with port 0.
    pub(crate) loopback: SocketAddr,
    /// How pairs are made, for cases about streams of any kind.
    pub(crate) pairs: Option<Pairs>,
    /// Whether they are turned round, so that bytes go the other way.
    pub(crate) flipped: bool,
}

impl Ground {
    /// The network under test.
    pub fn network(&self) -> &BoxNetwork {
        &self.network
    }

    /// Awaits `future`, and panics with the caller's place if it takes longer than anything should.
    #[track_caller]
    pub fn within<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let here = Location::caller();
        let limited = timeout(&self.network, LIMIT, future);
        let (network, start) = (self.network.clone(), self.network.now());
        async move {
            match limited.await {
                // What is ready only when the limit wakes it had lost its own wake-up.
                Ok(output) if network.now() - start < LIMIT => output,
                _ => panic!("still waiting at {here}"),
            }
        }
    }

    /// Waits until every other task is waiting too.
    pub(crate) async fn settle(&self) {
        self.network.sleep(SETTLED).await;
    }

    /// Asserts that `future` waits, and still does after everything has settled.
    #[track_caller]
    pub(crate) fn assert_waits<F: Future + Unpin>(&self, future: &mut F) -> impl Future<Output = ()> {
        let here = Location::caller();
        let settled = timeout(&self.network, SETTLED, future);
        async move { assert!(settled.await.is_err(), "did not wait at {here}") }
    }

    /// A listener on the case's loopback address, and the address that it got.
    pub(crate) async fn any_listener(&self) -> (BoxListener, SocketAddr) {
        let listener = self.within(self.network.listen(self.loopback)).await;
        let listener = listener.expect("loopback can be listened on");
        let LocalAddress(address) = listener.attribute().expect("a listener has an address");
        (listener, address.socket_addr().expect("an IP address"))
    }

    /// A connection to `to`, where somebody listens.
    pub(crate) async fn connect(&self, to: SocketAddr) -> BoxStream {
        let connected = self.within(self.network.connect(to)).await;
        connected.expect("somebody listens there")
    }

    /// Two ends of one connection: the one that connected, and the one that was accepted.
    pub(crate) async fn pair(&self) -> (BoxStream, BoxStream) {
        let (listener, address) = self.any_listener().await;
        let connected = self.within(self.network.connect(address)).await;
        let accepted = self.within(listener.accept()).await;
        (
            connected.expect("the listener is there"),
            accepted.expect("a connection waits"),
        )
    }

    /// A send end, and the receive end of the same stream.
    pub(crate) async fn one_way(&self) -> (SendEnd, ReceiveEnd) {
        if self.flipped {
            let (send, receive) = self.two_way().await;
            return (send, ReceiveEnd::whole(receive));
        }
        self.within(self.pairs().one_way(self)).await
    }

    /// The two ends of a stream, if the kind goes both ways.
    pub(crate) async fn two_way(&self) -> (BoxStream, BoxStream) {
        let make = self.pairs().two_way(self).expect("a kind that goes both ways");
        let (left, right) = self.within(make).await;
        if self.flipped {
            (right, left)
        } else {
            (left, right)
        }
    }

    /// The kind of stream that the case is about.
    pub(crate) fn pairs(&self) -> &Pairs {
        self.pairs.as_ref().expect("a case about streams")
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
            match timeout(&self.network, ACKNOWLEDGED, send.send_some(&data)).await {
                Ok(n) => sent += n.expect("the receiver is there"),
                Err(TimedOut { .. }) => return sent,
            }
        }
    }

    /// Waits until `done` says so: for what happens in another task without a word.
    #[track_caller]
    pub(crate) fn until(&self, mut done: impl FnMut() -> bool) -> impl Future<Output = ()> {
        self.within({
            let network = self.network.clone();
            async move {
                while !done() {
                    network.sleep(Duration::from_millis(1)).await;
                }
            }
        })
    }

    /// Receives all there is, and says how much it was and what it ended with.
    pub(crate) async fn drain<S: ByteReceiveStream + ?Sized>(
        &self,
        receive: &mut S,
    ) -> (Vec<u8>, ReceiveError) {
        let mut buf = vec![0; 64 << 10];
        let mut received = Vec::new();
        loop {
            match self.within(receive.receive(&mut buf)).await {
                Ok(n) => received.extend_from_slice(&buf[..n]),
                Err(end) => return (received, end),
            }
        }
    }
}
