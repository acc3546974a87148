//! The two ends of a connection in memory.

mod halves;
mod side;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::IoSlice;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use anynet_core::{
    Address, Attributes, ByteReceiveStream, ByteSendStream, Close, Closer, Latch, LocalAddress, PeerAddress,
    ReceiveError, Request, SendError, UnixAddress, byte_receive_methods, byte_send_methods,
};

pub use halves::{MemoryReceiveHalf, MemoryReuniteError, MemorySendHalf};

use super::lane::Lane;
use side::{Receiver, Sender};

/// How many bytes a direction of a connection holds, unless somebody says otherwise.
pub(super) const CAPACITY: usize = 64 << 10;

/// One end of a connection in memory, with the contract of a socket: half-close, resets, and buffers that are bounded.
///
/// A [`MemoryNetwork`](super::MemoryNetwork) gives them, and [`pair`](Self::pair), which asks for no network and works on
/// every executor. A peer that was [aborted](Closer::abort), or dropped with bytes that it had not received, is a reset:
/// `Broken`, after what had arrived before. So is a peer that closed, to whoever goes on sending.
///
/// ```
/// use anynet_util::MemoryStream;
///
/// # futures_lite::future::block_on(async {
/// let (mut left, mut right) = MemoryStream::pair(1024);
/// left.send(b"ping").await?;
/// let mut buf = [0; 8];
/// let n = right.receive(&mut buf).await?;
/// assert_eq!(&buf[..n], b"ping");
/// # Ok::<_, anynet_core::Error>(()) }).unwrap();
/// ```
pub struct MemoryStream {
    hold: Arc<Hold>,
    receiver: Receiver,
    sender: Sender,
}

/// What an end shares with its closers, and its halves with each other.
struct Shared {
    latch: Latch,
    /// The lane that leads out of the end of this number, and the one that leads out of the other.
    lanes: Arc<Mutex<[Lane; 2]>>,
    end: usize,
    local: Address,
    peer: Address,
}

/// The hold that a stream has on its end: the connection is left when it goes. Its halves have it together.
struct Hold(Arc<Shared>);

impl MemoryStream {
    /// Two ends of a connection that holds at most `capacity` bytes in each direction, at least one. A send waits for
    /// room beyond that. Their addresses are unnamed UNIX ones.
    pub fn pair(capacity: usize) -> (Self, Self) {
        Self::unnamed(capacity, false)
    }

    /// Two ends in lockstep: `send` completes when the other end has received everything, and `flush` waits for that.
    ///
    /// Nothing is ever on the way behind the back of both, so a test knows exactly how far each side is.
    pub fn lockstep() -> (Self, Self) {
        Self::unnamed(CAPACITY, true)
    }

    fn unnamed(capacity: usize, lockstep: bool) -> (Self, Self) {
        let lanes = [Lane::new(capacity, lockstep), Lane::new(capacity, lockstep)];
        let unnamed = Address::from(UnixAddress::Unnamed);
        Self::connected(lanes, unnamed.clone(), unnamed)
    }

    /// Two ends that are called `one` and `other`.
    pub(super) fn connected(lanes: [Lane; 2], one: Address, other: Address) -> (Self, Self) {
        let lanes = Arc::new(Mutex::new(lanes));
        let make = |end, local: &Address, peer: &Address| Self {
            hold: Arc::new(Hold(Arc::new(Shared {
                latch: Latch::new(),
                lanes: lanes.clone(),
                end,
                local: local.clone(),
                peer: peer.clone(),
            }))),
            receiver: Receiver::new(),
            sender: Sender::new(),
        };
        (make(0, &one, &other), make(1, &other, &one))
    }

    byte_receive_methods!();
    byte_send_methods!();

    /// What closes the stream from another task.
    pub fn closer(&self) -> Closer {
        self.hold.0.closer()
    }

    /// Resets the connection: the peer is told `Broken` once it has received what had arrived.
    pub fn abort(&mut self) {
        Close::abort(self.hold.0.clone());
    }

    /// Both directions, each with an owner of its own, as the halves of a socket. They are put together again by
    /// [`reunite`](MemoryReceiveHalf::reunite).
    pub fn into_split(self) -> (MemoryReceiveHalf, MemorySendHalf) {
        (
            MemoryReceiveHalf::new(self.receiver, self.hold.clone()),
            MemorySendHalf::new(self.sender, self.hold),
        )
    }
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, [Lane; 2]> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closer(self: &Arc<Self>) -> Closer {
        let shared: Arc<dyn Close> = self.clone();
        Closer::new(Arc::downgrade(&shared))
    }

    /// Leaves the connection, in order or by a reset. Only the first time does anything.
    fn leave(&self, by_reset: impl FnOnce(&Lane) -> bool) {
        if !self.latch.close() {
            return;
        }
        let mut lanes = self.lanes();
        let by_reset = by_reset(&lanes[1 - self.end]);
        let left = match by_reset {
            true => lanes[self.end].reset(),
            false => lanes[self.end].finish(),
        };
        let abandoned = lanes[1 - self.end].abandon();
        drop(lanes);
        left.wake();
        abandoned.wake();
    }

    fn facts(self: &Arc<Self>, request: &mut Request<'_, '_>) {
        request
            .provide(|| LocalAddress(self.local.clone()))
            .provide(|| PeerAddress(self.peer.clone()))
            .provide(|| self.local.family())
            .provide(|| self.closer());
    }

    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("local", &self.local)
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl Close for Shared {
    fn close(self: Arc<Self>) {
        self.leave(|_| false);
    }

    fn abort(self: Arc<Self>) {
        self.leave(|_| true);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.leave(Lane::has_bytes);
    }
}

impl Attributes for MemoryStream {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.hold.0.facts(request);
    }
}

impl ByteReceiveStream for MemoryStream {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        self.receiver.poll_receive(&self.hold.0, cx, buf)
    }
}

impl ByteSendStream for MemoryStream {
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        self.sender.poll_send(&self.hold.0, cx, bufs)
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.sender.poll_send_ready(&self.hold.0, cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.sender.poll_flush(&self.hold.0, cx)
    }

    fn poll_send_eof(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(self.sender.send_eof(&self.hold.0))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.hold.0.leave(|_| false);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for MemoryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hold.0.debug("MemoryStream", f)
    }
}
