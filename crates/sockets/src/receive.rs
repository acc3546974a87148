//! The receiving direction of one handle: the contract of a receive, over any descriptor.

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use anynet_core::{Direction, ReceiveError, Runtime, Source, Step};
use anynet_util::Seat;

use crate::descriptors::{self, ReceivedFds};
use crate::kind::Kind;
use crate::shared::Shared;
use crate::socket;

/// The receiving direction of one handle.
#[derive(Debug)]
pub(crate) struct Receiver<R: Runtime> {
    slot: <R::Source as Source>::Slot,
    seat: Seat,
    /// Whether a clean end was reported. From then on it is the answer, whatever happens to the connection.
    ended: bool,
}

impl<R: Runtime> Receiver<R> {
    pub(crate) fn new(fresh: bool) -> Self {
        Self {
            slot: R::Source::slot(fresh),
            seat: Seat::default(),
            ended: false,
        }
    }

    #[inline]
    pub(crate) fn poll_receive<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        let room = buf.len();
        let received = self.poll_with(shared, cx, room, |fd| {
            let n = socket::receive(fd, buf)?;
            // On TCP a read that left room has seen the buffer empty. (An urgent mark stops a read early too: what lies
            // behind it then waits for the next arrival, as it does with tokio's own streams.) An end is there for the
            // next read too, and nothing new would tell of it.
            Ok(if K::SHORT_IS_DRAINED && n < room && n > 0 {
                Step::Drained(n)
            } else {
                Step::Done(n)
            })
        });
        received.map(|received| self.received(shared, received))
    }

    pub(crate) fn poll_peek<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        let peeked = self.poll_with(shared, cx, buf.len(), |fd| socket::peek(fd, buf).map(Step::Done));
        peeked.map(|peeked| self.received(shared, peeked))
    }

    /// Receives bytes and at most `most` descriptors that came with them. Alone among the receives it takes an empty
    /// buffer.
    pub(crate) fn poll_receive_fds<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        cx: &mut Context<'_>,
        buf: &mut [u8],
        most: usize,
    ) -> Poll<Result<ReceivedFds, ReceiveError>> {
        if most == 0 {
            return Poll::Ready(Err(ReceiveError::NoDescriptors));
        }
        let received = self.poll_with(shared, cx, most, |fd| {
            descriptors::receive_from_stream(fd, buf, most).map(Step::Done)
        });
        received.map(|received| received?.ok_or_else(|| shared.end_of_stream(&mut self.ended)))
    }

    /// The order of checks, once: the caller has looked at the latch; now the arguments, an end already reported, the
    /// system.
    #[inline]
    fn poll_with<K: Kind, T>(
        &mut self,
        shared: &Shared<R, K>,
        cx: &mut Context<'_>,
        room: usize,
        op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<T>>,
    ) -> Poll<Result<T, ReceiveError>> {
        if let Some(error) = self.refusal(room) {
            return Poll::Ready(Err(error));
        }
        match shared.source.poll_io(&mut self.slot, cx, Direction::Read, op) {
            Poll::Ready(received) => Poll::Ready(received.map_err(|error| shared.receive_failed(error))),
            Poll::Pending if shared.closes_while_waiting(&mut self.seat, cx) => {
                Poll::Ready(Err(ReceiveError::Closed))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Receives what is there. `None`: nothing is, yet.
    pub(crate) fn try_receive<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        buf: &mut [u8],
    ) -> Result<Option<NonZeroUsize>, ReceiveError> {
        if let Some(error) = self.refusal(buf.len()) {
            return Err(error);
        }
        if let Some(cause) = shared.broken_by_runtime() {
            return Err(ReceiveError::Broken(cause));
        }
        match socket::receive(shared.source.as_fd(), buf) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            received => {
                let received = received.map_err(|error| shared.receive_failed(error));
                self.received(shared, received).map(Some)
            }
        }
    }

    /// Gives the seat up; the handle is about to go.
    pub(crate) fn leave<K: Kind>(&mut self, shared: &Shared<R, K>) {
        shared.bell.waiters.leave(&mut self.seat);
    }

    #[inline]
    fn refusal(&self, room: usize) -> Option<ReceiveError> {
        if room == 0 {
            Some(ReceiveError::EmptyBuffer)
        } else if self.ended {
            Some(ReceiveError::EndOfStream)
        } else {
            None
        }
    }

    #[inline]
    fn received<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        received: Result<usize, ReceiveError>,
    ) -> Result<NonZeroUsize, ReceiveError> {
        NonZeroUsize::new(received?).ok_or_else(|| shared.end_of_stream(&mut self.ended))
    }
}
