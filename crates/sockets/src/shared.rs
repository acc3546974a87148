//! What the handles of one socket share: one allocation for the stream, its halves and its closers.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Waker};
use std::thread;

use anynet_core::{Cause, Close, Latch, ReceiveError, Runtime, SendError};
use anynet_util::Seat;
use rustix::io::Errno;
use socket2::Type;

use crate::bell::Bell;
use crate::kind::{Kind, KindAddress};
use crate::owned::Owned;
use crate::socket;
use crate::unix::SocketFile;

/// What the handles of one socket share.
#[derive(Debug)]
pub(crate) struct Shared<R: Runtime, K: Kind> {
    // The first two before the descriptor: they are to go while it is open.
    pub(crate) file: Option<Box<SocketFile>>,
    _owned: Owned,
    pub(crate) source: R::Source,
    pub(crate) latch: Latch,
    pub(crate) bell: Bell,
    pub(crate) ends: Ends<R, K>,
    /// How many handles have not let go yet. The `Arc` counts closers at work too.
    handles: AtomicUsize,
    /// How many calls are between the system, which tells of a failure once, and the latch, which remembers it.
    telling: AtomicU32,
    /// Messages only: whether a clean end was reported. Streams keep that with each handle that receives.
    pub(crate) ended: AtomicBool,
}

/// What outlives the descriptor: where the socket was, and on which runtime.
#[derive(Clone, Debug)]
pub(crate) struct Ends<R, K: Kind> {
    pub(crate) runtime: R,
    /// Asked of the system when it is first needed, which for most connections is never.
    local: OnceLock<K::Address>,
    /// `None` for a listener, and for what is not connected.
    pub(crate) peer: Option<K::Address>,
}

impl<R: Runtime, K: Kind> Ends<R, K> {
    pub(crate) fn new(runtime: R, local: Option<K::Address>, peer: Option<K::Address>) -> Self {
        Self {
            runtime,
            local: local.map_or_else(OnceLock::new, OnceLock::from),
            peer,
        }
    }

    /// The local address, if it was asked for before the descriptor went.
    pub(crate) fn local(&self) -> K::Address {
        self.local.get().cloned().unwrap_or_else(K::Address::unknown)
    }
}

impl<R: Runtime, K: Kind> Shared<R, K> {
    pub(crate) fn new(source: R::Source, ends: Ends<R, K>, file: Option<Box<SocketFile>>) -> Self {
        Self {
            file,
            _owned: Owned::note(&source),
            source,
            latch: Latch::new(),
            bell: Bell::default(),
            ends,
            handles: AtomicUsize::new(1),
            telling: AtomicU32::new(0),
            ended: AtomicBool::new(false),
        }
    }

    /// The same for one more handle.
    pub(crate) fn share(self: &Arc<Self>) -> Arc<Self> {
        self.handles.fetch_add(1, Ordering::Relaxed);
        self.clone()
    }

    /// Takes a handle off the count. True if it was the last: then there will be no other.
    pub(crate) fn leaves_last(&self) -> bool {
        self.handles.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Whether there is one handle. Asked by a handle: then it is that, and there will be no other.
    pub(crate) fn has_one_handle(&self) -> bool {
        self.handles.load(Ordering::Acquire) == 1
    }

    /// What only closers at work may hold beside the caller. They hold it for a few instructions, and never while they
    /// wake anybody, so that there is nothing to wait for with a waker.
    pub(crate) fn alone(mut self: Arc<Self>) -> Self {
        loop {
            match Arc::try_unwrap(self) {
                Ok(shared) => return shared,
                Err(held) => self = held,
            }
            thread::yield_now();
        }
    }

    /// Closes it and resets the connection, unless it was closed before.
    pub(crate) fn reset(&self) {
        if self.latch.close() && K::TYPE != Type::DGRAM && self.ends.peer.is_some() {
            self.local(); // nobody can be asked later
            socket::reset(&self.source);
        }
    }

    /// Drops what has arrived on a connection, before it is closed; see [`socket::discard_received`].
    pub(crate) fn discard_received(&self) {
        if K::TYPE != Type::DGRAM {
            socket::discard_received(&self.source);
        }
    }

    /// The local address, asked of the system when it is first needed.
    pub(crate) fn local(&self) -> K::Address {
        if self.ends.local.get().is_none()
            && let Ok(address) = socket::local_address(&self.source)
        {
            let _ = self.ends.local.set(address);
        }
        self.ends.local()
    }

    /// What a poll that would wait returns: it takes a seat for the closer, if there can be one, and looks at the latch
    /// once more. True if the socket was closed meanwhile.
    #[inline]
    pub(crate) fn closes_while_waiting(&self, seat: &mut Seat, cx: &Context<'_>) -> bool {
        if !self.bell.is_armed() {
            return false;
        }
        self.bell.waiters.sit(seat, cx.waker());
        self.latch.is_closed()
    }

    /// Runs a system call that sends. Its failure is in the latch before a receive on another thread can mistake what
    /// the failure left behind for a clean end; see [`end_of_stream`](Self::end_of_stream).
    #[inline]
    pub(crate) fn sending<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.telling.store(1, Ordering::Relaxed); // a stream has one sender at a time
        let result = call().map_err(|error| self.remember(error));
        self.telling.store(0, Ordering::Release);
        result
    }

    /// As [`sending`](Self::sending), for a system call of any of the tasks that share a connection of messages. Only what
    /// says that it has failed is remembered.
    #[inline]
    pub(crate) fn exchanging<T>(&self, call: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if !K::MESSAGES_END {
            return call();
        }
        self.telling.fetch_add(1, Ordering::SeqCst);
        let result = call();
        if let Err(error) = &result
            && let Some(errno @ (Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN)) =
                Errno::from_io_error(error)
        {
            self.latch.break_with(io::Error::from(errno).into());
        }
        self.telling.fetch_sub(1, Ordering::Release);
        result
    }

    #[cold]
    fn remember(&self, error: io::Error) -> io::Error {
        match Errno::from_io_error(&error) {
            None | Some(Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM) => {}
            Some(errno) => drop(self.latch.break_with(io::Error::from(errno).into())),
        }
        error
    }

    /// What a receive says about an end that the system reported. `ended` remembers a clean one.
    #[cold]
    pub(crate) fn end_of_stream(&self, ended: &mut bool) -> ReceiveError {
        fence(Ordering::SeqCst); // a call that took the failure from the system before this receive is seen below
        while self.telling.load(Ordering::Acquire) > 0 {
            thread::yield_now(); // it never waits for the peer
        }
        if self.latch.is_closed() {
            return ReceiveError::Closed;
        }
        // After a reset was seen by a send, the system reports a clean end here. It is none.
        if let Some(cause) = self.latch.broken() {
            return ReceiveError::Broken(cause);
        }
        *ended = true;
        ReceiveError::EndOfStream
    }

    /// Why it broke, if the runtime did that by its end. Of such a failure the system knows nothing.
    pub(crate) fn broken_by_runtime(&self) -> Option<Cause> {
        self.latch.broken().filter(|cause| cause.raw_os_error().is_none())
    }

    /// What a receive says about an error of the system.
    #[cold]
    pub(crate) fn receive_failed(&self, error: io::Error) -> ReceiveError {
        match self.failed(error) {
            Failure::Closed => ReceiveError::Closed,
            Failure::Broken(cause) => ReceiveError::Broken(cause),
            Failure::Exhausted(cause) => ReceiveError::Exhausted(cause),
        }
    }

    /// What a send says about an error of the system.
    #[cold]
    pub(crate) fn send_failed(&self, error: io::Error) -> SendError {
        match self.failed(error) {
            Failure::Closed => SendError::Closed,
            Failure::Broken(cause) => SendError::Broken(cause),
            Failure::Exhausted(cause) => SendError::Exhausted(cause),
        }
    }

    fn failed(&self, error: io::Error) -> Failure {
        if self.latch.is_closed() {
            return Failure::Closed;
        }
        match Errno::from_io_error(&error) {
            Some(Errno::NOBUFS | Errno::NOMEM) => Failure::Exhausted(error.into()),
            _ => Failure::Broken(self.latch.break_with(error.into())),
        }
    }
}

enum Failure {
    Closed,
    Broken(Cause),
    Exhausted(Cause),
}

impl<R: Runtime, K: Kind> Close for Shared<R, K> {
    fn close(self: Arc<Self>) {
        self.latch.close();
        ring(self);
    }

    fn abort(self: Arc<Self>) {
        self.reset();
        ring(self);
    }
}

/// Wakes everybody who waits, to find the latch closed.
fn ring<R: Runtime, K: Kind>(shared: Arc<Shared<R, K>>) {
    let waiting = shared.bell.waiters.wakers();
    drop(shared); // a waker may run its task here and now, and that may close
    waiting.into_iter().for_each(Waker::wake);
}
