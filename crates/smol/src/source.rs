//! One descriptor on async-io's reactor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};

use anynet_core::{Direction, Source, Step};
use async_io::{Async, ReadableOwned, WritableOwned};
use smol::future::yield_now;

/// How many operations in a row may find the descriptor ready before the task lets others run: smol has no cooperative
/// budget, and a busy descriptor would starve its executor. Half of tokio's budget, of which a round trip spends two.
const READY_CALLS: u32 = 64;

/// One descriptor on async-io's reactor.
///
/// async-io does not remember readiness, so the call comes first: it costs less than waking the reactor.
#[derive(Debug)]
pub struct SmolSource {
    /// Shared with the waiters that slots keep.
    io: Arc<Async<OwnedFd>>,
    /// Operations of [`Source::io`] in a row that found the descriptor ready, over all tasks.
    ready_calls: AtomicU32,
}

/// What one handle keeps for one direction.
#[derive(Debug)]
pub struct SmolSlot {
    waiter: Option<Waiter>,
    /// Operations in a row that found the descriptor ready.
    ready_calls: u32,
}

/// A wait under way. Kept between polls, for one that is made anew in every poll loses the wake-up.
#[derive(Debug)]
enum Waiter {
    Read(ReadableOwned<OwnedFd>),
    Write(WritableOwned<OwnedFd>),
}

impl SmolSource {
    /// Registers `fd`.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            io: Arc::new(Async::new_nonblocking(fd)?),
            ready_calls: AtomicU32::new(0),
        })
    }

    fn waiter(&self, direction: Direction) -> Waiter {
        match direction {
            Direction::Read => Waiter::Read(self.io.clone().readable_owned()),
            Direction::Write => Waiter::Write(self.io.clone().writable_owned()),
        }
    }
}

impl SmolSlot {
    /// Polls the wait under way, which is over when this is ready.
    #[inline(never)] // or its many locals would cost the calls that do not wait
    fn poll_waiter(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(waiter) = &mut self.waiter else {
            return Poll::Ready(Ok(()));
        };
        let waited = ready!(waiter.poll(cx));
        self.waiter = None;
        self.ready_calls = 0;
        Poll::Ready(waited)
    }
}

impl Waiter {
    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Read(readable) => Pin::new(readable).poll(cx),
            Self::Write(writable) => Pin::new(writable).poll(cx),
        }
    }
}

impl Source for SmolSource {
    type Slot = SmolSlot;

    fn slot(_fresh: bool) -> SmolSlot {
        SmolSlot {
            waiter: None,
            ready_calls: 0,
        }
    }

    fn poll_io<R>(
        &self,
        slot: &mut SmolSlot,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>>,
    ) -> Poll<io::Result<R>> {
        loop {
            if slot.waiter.is_some() {
                ready!(slot.poll_waiter(cx))?;
            }
            if slot.ready_calls == READY_CALLS {
                slot.ready_calls = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match op(self.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    slot.waiter.get_or_insert_with(|| self.waiter(direction));
                }
                result => {
                    slot.ready_calls += 1;
                    return Poll::Ready(result.map(Step::into_output));
                }
            }
        }
    }

    async fn io<R: Send>(
        &self,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>> + Send,
    ) -> io::Result<R> {
        if self.ready_calls.fetch_add(1, Ordering::Relaxed) >= READY_CALLS {
            self.ready_calls.store(0, Ordering::Relaxed);
            yield_now().await;
        }
        loop {
            match op(self.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.ready_calls.store(0, Ordering::Relaxed);
                }
                result => return result.map(Step::into_output),
            }
            match direction {
                Direction::Read => self.io.readable().await?,
                Direction::Write => self.io.writable().await?,
            }
        }
    }

    fn into_fd(self) -> Option<OwnedFd> {
        // Only fails if deregistering does, and then the descriptor is gone with the error.
        Arc::into_inner(self.io)?.into_inner().ok()
    }
}

impl AsFd for SmolSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}
