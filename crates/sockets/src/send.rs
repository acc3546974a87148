//! The sending direction of one handle: the contract of a send, over any descriptor.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use anynet_core::{Direction, Runtime, SendError, Source, Step};
use anynet_util::Seat;

use crate::descriptors;
use crate::kind::Kind;
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
    pub(crate) fn poll_send<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize, SendError>> {
        match bufs {
            // What nearly every send is: on a path of its own, which keeps it short.
            [buf] if !self.ended && !buf.is_empty() => {
                self.poll_with(shared, cx, |fd| Ok(step::<K>(socket::send(fd, buf)?, buf.len())))
            }
            _ => self.poll_send_vectored(shared, cx, bufs),
        }
    }

    #[inline(never)]
    fn poll_send_vectored<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize, SendError>> {
        if self.ended || bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(self.refusal(shared).map_or(Ok(0), Err));
        }
        self.poll_with(shared, cx, |fd| {
            let (sent, given) = socket::send_vectored(fd, bufs)?;
            Ok(step::<K>(sent, given))
        })
    }

    /// Sends a prefix of `data`, at least one byte, and `fds` with it.
    pub(crate) fn poll_send_fds<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        cx: &mut Context<'_>,
        data: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Poll<Result<usize, SendError>> {
        if self.ended {
            return Poll::Ready(Err(SendError::Closed));
        }
        if data.is_empty() {
            return Poll::Ready(Err(SendError::NoData));
        }
        if let Some(error) = descriptors::refusal(fds) {
            return Poll::Ready(Err(error));
        }
        let sent = self.poll_with(shared, cx, |fd| {
            descriptors::send(fd, data, fds, None).map(Step::Done)
        });
        sent.map(|sent| sent?)
    }

    pub(crate) fn poll_send_ready<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        match self.refusal(shared) {
            Some(error) => Poll::Ready(Err(error)),
            None => self.poll_with(shared, cx, |fd| socket::send_ready(fd).map(Step::Done)),
        }
    }

    /// Sends what there is room for. `None`: there is none.
    pub(crate) fn try_send<K: Kind>(
        &mut self,
        shared: &Shared<R, K>,
        data: &[u8],
    ) -> Result<Option<usize>, SendError> {
        if let Some(error) = self.refusal(shared) {
            return Err(error);
        }
        if data.is_empty() {
            return Ok(Some(0));
        }
        match shared.sending(|| socket::send(shared.source.as_fd(), data)) {
            Ok(sent) => Ok(Some(sent)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(shared.send_failed(error)),
        }
    }

    pub(crate) fn send_eof<K: Kind>(&mut self, shared: &Shared<R, K>) -> Result<(), SendError> {
        if self.ended {
            return Ok(());
        }
        if let Some(error) = self.refusal(shared) {
            return Err(error);
        }
        let sent = shared.sending(|| socket::send_eof(&shared.source));
        sent.map_err(|error| shared.send_failed(error))?;
        self.ended = true;
        Ok(())
    }

    /// Gives the seat up; the handle is about to go.
    pub(crate) fn leave<K: Kind>(&mut self, shared: &Shared<R, K>) {
        shared.bell.waiters.leave(&mut self.seat);
    }

    /// Why the state alone refuses to send. A send of data that can wait asks the runtime and the system instead whether the
    /// connection stands: they know better.
    fn refusal<K: Kind>(&self, shared: &Shared<R, K>) -> Option<SendError> {
        if self.ended {
            Some(SendError::Closed)
        } else {
            shared.latch.broken().map(SendError::Broken)
        }
    }

    #[inline]
    fn poll_with<K: Kind, T>(
        &mut self,
        shared: &Shared<R, K>,
        cx: &mut Context<'_>,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<T>>,
    ) -> Poll<Result<T, SendError>> {
        let sending = |fd: BorrowedFd<'_>| shared.sending(|| op(fd));
        match shared
            .source
            .poll_io(&mut self.slot, cx, Direction::Write, sending)
        {
            Poll::Ready(sent) => Poll::Ready(sent.map_err(|error| shared.send_failed(error))),
            Poll::Pending if shared.closes_while_waiting(&mut self.seat, cx) => {
                Poll::Ready(Err(SendError::Closed))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

/// On TCP a send that took less than it was given has seen the kernel's buffer full.
#[inline]
fn step<K: Kind>(sent: usize, given: usize) -> Step<usize> {
    if K::SHORT_IS_DRAINED && sent < given {
        Step::Drained(sent)
    } else {
        Step::Done(sent)
    }
}
