//! What the handles of one socket share: one allocation for the stream, its halves and its closers.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::OnceLock;
use std::task::Context;

use anynet_core::{Cause, Close, Latch, ReceiveError, Runtime, SendError};
use rustix::io::Errno;

use crate::bell::{Bell, Seat};
use crate::socket;

/// What stands for an address that nobody knows.
pub(crate) const UNSPECIFIED: SocketAddr = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0);

/// What the handles of one socket share.
#[derive(Debug)]
pub(crate) struct Shared<R: Runtime> {
    pub(crate) source: R::Source,
    pub(crate) latch: Latch,
    pub(crate) bell: Bell,
    pub(crate) ends: Ends<R>,
}

/// What outlives the descriptor: where the socket was, and on which runtime.
#[derive(Clone, Debug)]
pub(crate) struct Ends<R> {
    pub(crate) runtime: R,
    /// Asked of the system when it is first needed, which for most connections is never.
    local: OnceLock<SocketAddr>,
    /// `None` for a listener.
    pub(crate) peer: Option<SocketAddr>,
}

impl<R: Runtime> Ends<R> {
    pub(crate) fn new(runtime: R, local: Option<SocketAddr>, peer: Option<SocketAddr>) -> Self {
        Self {
            runtime,
            local: local.map_or_else(OnceLock::new, OnceLock::from),
            peer,
        }
    }

    /// The local address, if it was asked for before the descriptor went; the unspecified one otherwise.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local.get().copied().unwrap_or(UNSPECIFIED)
    }
}

impl<R: Runtime> Shared<R> {
    pub(crate) fn new(source: R::Source, ends: Ends<R>) -> Self {
        Self {
            source,
            latch: Latch::new(),
            bell: Bell::default(),
            ends,
        }
    }

    /// The local address, asked of the system when it is first needed.
    pub(crate) fn local(&self) -> SocketAddr {
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
        self.bell.sit(seat, cx.waker());
        self.latch.is_closed()
    }

    /// What a receive says about an end that the system reported. `ended` remembers a clean one.
    #[cold]
    pub(crate) fn end_of_stream(&self, ended: &mut bool) -> ReceiveError {
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

impl<R: Runtime> Close for Shared<R> {
    fn close(&self) {
        self.latch.close();
        self.bell.ring();
    }

    fn abort(&self) {
        let first = self.latch.close();
        if first && self.ends.peer.is_some() {
            self.local();
            socket::reset(&self.source);
        }
        self.bell.ring();
    }
}
