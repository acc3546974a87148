//! One descriptor on tokio's reactor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, ready};

use anynet_core::{Direction, Source, Step};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One descriptor on tokio's reactor.
///
/// tokio remembers readiness, so waiting comes first: an atomic load where the reactor knows the descriptor to be ready.
#[derive(Debug)]
pub struct TokioSource(AsyncFd<OwnedFd>);

/// What one handle keeps for one direction.
#[derive(Debug)]
pub struct TokioSlot {
    /// Whether to try the operation once although the reactor has not reported the descriptor ready. It reports a
    /// descriptor that was just accepted only at its next turn, and a busy one takes long to turn.
    fresh: bool,
}

impl TokioSource {
    /// Registers `fd`, in the context of its runtime.
    #[expect(
        unsafe_code,
        reason = "`AsyncFd::new`, the safe way, is deprecated as unsound for descriptors in general"
    )]
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        // SAFETY: `register` asks that the descriptor stays open while it is registered and is not closed by anyone but
        // the `AsyncFd`. It owns this `OwnedFd`, and hands out only borrows of it until `into_inner` deregisters it.
        let registered = unsafe { AsyncFd::register(fd) };
        registered.map(Self).map_err(|error| error.into_parts().1)
    }
}

impl Source for TokioSource {
    type Slot = TokioSlot;

    fn slot(fresh: bool) -> TokioSlot {
        TokioSlot { fresh }
    }

    fn poll_io<R>(
        &self,
        slot: &mut TokioSlot,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>>,
    ) -> Poll<io::Result<R>> {
        if slot.fresh {
            slot.fresh = false;
            match op(self.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                tried => return Poll::Ready(tried.map(Step::into_output)),
            }
        }
        loop {
            let mut ready = ready!(match direction {
                Direction::Read => self.0.poll_read_ready(cx),
                Direction::Write => self.0.poll_write_ready(cx),
            })?;
            match op(self.as_fd()) {
                Ok(Step::Done(output)) => {
                    ready.retain_ready();
                    return Poll::Ready(Ok(output));
                }
                Ok(Step::Drained(output)) => {
                    ready.clear_ready();
                    return Poll::Ready(Ok(output));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    async fn io<R: Send>(
        &self,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>> + Send,
    ) -> io::Result<R> {
        let interest = match direction {
            Direction::Read => Interest::READABLE,
            Direction::Write => Interest::WRITABLE,
        };
        // `async_io` spends the task's cooperative budget; `readable()` in a loop with a try does not.
        self.0
            .async_io(interest, |fd| op(fd.as_fd()).map(Step::into_output))
            .await
    }

    fn into_fd(self) -> Option<OwnedFd> {
        Some(self.0.into_inner())
    }
}

impl AsFd for TokioSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
