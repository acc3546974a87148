//! The sending direction of one handle: the contract of a send, over any descriptor.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use anynet_core::{Direction, Runtime, SendError, Source, Step};

use crate::bell::Seat;
use crate::shared::Shared;
use crate::socket;

/// The sending direction of one handle.
#[derive(Debug)]
pub(crate) struct Sender<R: Runtime> {
    slot: <R::Source as Source>::Slot,
    seat: Seat,
    /// Whether the end was sent.
    ended: bool,
}

impl<R: Runtime> Sender<R> {
    pub(crate) fn new(fresh: bool) -> Self {
        Self {
            slot: R::Source::slot(fresh),
            seat: Seat::default(),
            ended: false,
        }
    }

    #[inline]
    pub(crate) fn poll_send(
        &mut self,
        shared: &Shared<R>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize, SendError>> {
        if let Some(refusal) = self.refusal(shared, bufs) {
            return Poll::Ready(refusal);
        }
        self.poll_with(shared, cx, |fd| {
            let (sent, full) = socket::send(fd, bufs)?;
            Ok(if full {
                Step::Drained(sent)
            } else {
                Step::Done(sent)
            })
        })
    }

    pub(crate) fn poll_send_ready(
        &mut self,
        shared: &Shared<R>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        match self.refusal(shared, &[]) {
            Some(Err(error)) => Poll::Ready(Err(error)),
            _ => self.poll_with(shared, cx, |fd| socket::send_ready(fd).map(Step::Done)),
        }
    }

    /// Sends what there is room for. `None`: there is none.
    pub(crate) fn try_send(&mut self, shared: &Shared<R>, data: &[u8]) -> Result<Option<usize>, SendError> {
        let bufs = [IoSlice::new(data)];
        if let Some(refusal) = self.refusal(shared, &bufs) {
            return refusal.map(Some);
        }
        match socket::send(shared.source.as_fd(), &bufs) {
            Ok((sent, _)) => Ok(Some(sent)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(shared.send_failed(error)),
        }
    }

    pub(crate) fn send_eof(&mut self, shared: &Shared<R>) -> Result<(), SendError> {
        if self.ended {
            return Ok(());
        }
        if let Some(cause) = shared.latch.broken() {
            return Err(SendError::Broken(cause));
        }
        socket::send_eof(&shared.source).map_err(|error| shared.send_failed(error))?;
        self.ended = true;
        Ok(())
    }

    /// Gives the seat up; the handle is about to go.
    pub(crate) fn leave(&mut self, shared: &Shared<R>) {
        shared.bell.leave(&mut self.seat);
    }

    /// What the state alone answers. Data goes to the system, which knows better whether the connection stands; an empty
    /// send has nothing to ask it with.
    #[inline]
    fn refusal(&self, shared: &Shared<R>, bufs: &[IoSlice<'_>]) -> Option<Result<usize, SendError>> {
        if self.ended {
            return Some(Err(SendError::Closed));
        }
        if bufs.iter().any(|buf| !buf.is_empty()) {
            return None;
        }
        Some(
            shared
                .latch
                .broken()
                .map_or(Ok(0), |cause| Err(SendError::Broken(cause))),
        )
    }

    #[inline]
    fn poll_with<T>(
        &mut self,
        shared: &Shared<R>,
        cx: &mut Context<'_>,
        op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<T>>,
    ) -> Poll<Result<T, SendError>> {
        match shared.source.poll_io(&mut self.slot, cx, Direction::Write, op) {
            Poll::Ready(sent) => Poll::Ready(sent.map_err(|error| shared.send_failed(error))),
            Poll::Pending if shared.closes_while_waiting(&mut self.seat, cx) => {
                Poll::Ready(Err(SendError::Closed))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
