//! The two ends of a connection in memory.

use std::fmt;
use std::io::IoSlice;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use anynet_core::{
    Address, Attributes, ByteReceiveStream, ByteSendStream, Close, Closer, Latch, LocalAddress, PeerAddress,
    ReceiveError, Request, SendError, UnixAddress, byte_receive_methods, byte_send_methods,
};

use super::lane::{self, Found, Lane};

/// How many bytes a direction of a connection holds, unless somebody says otherwise.
pub(super) const CAPACITY: usize = 64 << 10;

/// How many operations in a row may be ready before a stream lets other tasks run.
const TURN: u8 = 64;

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
    shared: Arc<Shared>,
    /// Whether the end was reported: from then on it is the answer.
    at_end: bool,
    /// Whether our own end was sent.
    finished: bool,
    /// What is left of the turn, for receiving and for sending.
    turns: [u8; 2],
}

/// What an end shares with its closers.
struct Shared {
    latch: Latch,
    /// The lane that leads out of the end of this number, and the one that leads out of the other.
    lanes: Arc<Mutex<[Lane; 2]>>,
    end: usize,
    local: Address,
    peer: Address,
}

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
            shared: Arc::new(Shared {
                latch: Latch::new(),
                lanes: lanes.clone(),
                end,
                local: local.clone(),
                peer: peer.clone(),
            }),
            at_end: false,
            finished: false,
            turns: [TURN; 2],
        };
        (make(0, &one, &other), make(1, &other, &one))
    }

    byte_receive_methods!();
    byte_send_methods!();

    /// What closes the stream from another task.
    pub fn closer(&self) -> Closer {
        let shared: Arc<dyn Close> = self.shared.clone();
        Closer::new(Arc::downgrade(&shared))
    }

    /// Resets the connection: the peer is told `Broken` once it has received what had arrived.
    pub fn abort(&mut self) {
        Close::abort(self.shared.clone());
    }

    /// Why the state alone refuses to send, also where nobody has sent yet: a peer that is gone.
    fn send_refused(&self, lanes: &[Lane; 2]) -> Option<SendError> {
        let shared = &*self.shared;
        if shared.latch.is_closed() || self.finished {
            return Some(SendError::Closed);
        }
        if let Some(cause) = shared.latch.broken() {
            return Some(SendError::Broken(cause));
        }
        let cause = match lanes[1 - shared.end].is_reset() {
            true => Some(lane::reset()),
            false => lanes[shared.end].refusal(),
        };
        cause.map(|cause| SendError::Broken(shared.latch.break_with(cause)))
    }
}

/// Counts down, and gives the other tasks a turn at zero.
fn poll_turn(left: &mut u8, cx: &Context<'_>) -> Poll<()> {
    if let Some(rest) = left.checked_sub(1) {
        *left = rest;
        return Poll::Ready(());
    }
    *left = TURN;
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl Shared {
    fn lanes(&self) -> MutexGuard<'_, [Lane; 2]> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
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
}

impl Close for Shared {
    fn close(self: Arc<Self>) {
        self.leave(|_| false);
    }

    fn abort(self: Arc<Self>) {
        self.leave(|_| true);
    }
}

impl Drop for MemoryStream {
    fn drop(&mut self) {
        self.shared.leave(Lane::has_bytes);
    }
}

impl Attributes for MemoryStream {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        request
            .provide(|| LocalAddress(self.shared.local.clone()))
            .provide(|| PeerAddress(self.shared.peer.clone()))
            .provide(|| self.shared.local.family())
            .provide(|| self.closer());
    }
}

impl ByteReceiveStream for MemoryStream {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        let shared = &*self.shared;
        let mut lanes = shared.lanes();
        if shared.latch.is_closed() {
            return Poll::Ready(Err(ReceiveError::Closed));
        }
        if buf.is_empty() {
            return Poll::Ready(Err(ReceiveError::EmptyBuffer));
        }
        if self.at_end {
            return Poll::Ready(Err(ReceiveError::EndOfStream));
        }
        let incoming = &mut lanes[1 - shared.end];
        if !incoming.has_bytes()
            && let Some(cause) = shared.latch.broken()
        {
            return Poll::Ready(Err(ReceiveError::Broken(cause)));
        }
        ready!(poll_turn(&mut self.turns[0], cx));
        let (found, woken) = incoming.poll_receive(cx, buf);
        drop(lanes);
        woken.wake();
        if found.is_pending() {
            self.turns[0] = TURN;
        }
        Poll::Ready(match ready!(found) {
            Found::Bytes(n) => NonZeroUsize::new(n).ok_or(ReceiveError::EmptyBuffer),
            Found::Reset => Err(ReceiveError::Broken(shared.latch.break_with(lane::reset()))),
            Found::End => {
                self.at_end = true;
                Err(ReceiveError::EndOfStream)
            }
        })
    }
}

impl ByteSendStream for MemoryStream {
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        let mut lanes = self.shared.lanes();
        if let Some(refused) = self.send_refused(&lanes) {
            return Poll::Ready(Err(refused));
        }
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        ready!(poll_turn(&mut self.turns[1], cx));
        let (sent, woken) = lanes[self.shared.end].poll_send(cx, bufs);
        drop(lanes);
        woken.wake();
        if sent.is_pending() {
            self.turns[1] = TURN;
        }
        sent.map(Ok)
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut lanes = self.shared.lanes();
        if let Some(refused) = self.send_refused(&lanes) {
            return Poll::Ready(Err(refused));
        }
        ready!(poll_turn(&mut self.turns[1], cx));
        lanes[self.shared.end].poll_room(cx).map(|_| Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut lanes = self.shared.lanes();
        let latch = &self.shared.latch;
        if latch.is_closed() {
            return Poll::Ready(Err(SendError::Closed));
        }
        let flushed = lanes[self.shared.end].poll_flushed(cx);
        flushed.map_err(|cause| SendError::Broken(latch.break_with(cause)))
    }

    fn poll_send_eof(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let mut lanes = self.shared.lanes();
        let latch = &self.shared.latch;
        if latch.is_closed() {
            return Poll::Ready(Err(SendError::Closed));
        }
        if self.finished {
            return Poll::Ready(Ok(()));
        }
        // A peer that closed has heard enough: that is no reason to fail.
        if lanes[1 - self.shared.end].is_reset() {
            latch.break_with(lane::reset());
        }
        if let Some(cause) = latch.broken() {
            return Poll::Ready(Err(SendError::Broken(cause)));
        }
        let woken = lanes[self.shared.end].finish();
        drop(lanes);
        self.finished = true;
        woken.wake();
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.shared.leave(|_| false);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for MemoryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStream")
            .field("local", &self.shared.local)
            .field("peer", &self.shared.peer)
            .finish_non_exhaustive()
    }
}
