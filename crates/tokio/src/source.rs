//! One descriptor on tokio's reactor.

use std::future::poll_fn;
use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use anynet_core::{Direction, Source, Step};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};
use tokio::runtime::Handle;

/// How many operations in a row may find the descriptor ready before the task lets others run. tokio's own budget of 128
/// comes first in its tasks; on another executor there is none, and a busy descriptor would starve that.
const READY_CALLS: u32 = 256;

/// One descriptor on tokio's reactor.
///
/// tokio remembers readiness, so waiting comes first: an atomic load where the reactor knows the descriptor to be ready.
#[derive(Debug)]
pub struct TokioSource {
    io: AsyncFd<OwnedFd>,
    runtime: Handle,
    /// Operations of [`Source::io`] in a row that found the descriptor ready, over all tasks.
    ready_calls: AtomicU32,
}

/// What one handle keeps for one direction.
#[derive(Debug)]
pub struct TokioSlot {
    /// How many more operations in a row may find the descriptor ready. Counted down, which is the cheaper way.
    calls_left: u32,
    /// Try the operation once although the reactor has not reported the descriptor ready. It reports a descriptor that
    /// was just accepted only at its next turn, and a busy one takes long to turn. No calls are left then.
    fresh: bool,
}

impl TokioSource {
    /// Registers `fd` with `runtime`.
    #[expect(
        unsafe_code,
        reason = "`AsyncFd::new`, the safe way, is deprecated as unsound for descriptors in general"
    )]
    pub(crate) fn new(fd: OwnedFd, runtime: Handle) -> io::Result<Self> {
        let context = runtime.enter();
        // SAFETY: `register` asks that the descriptor stays open while it is registered and is not closed by anyone but
        // the `AsyncFd`. It owns this `OwnedFd`, and hands out only borrows of it until `into_inner` deregisters it.
        let registered = unsafe { AsyncFd::register(fd) };
        let io = registered.map_err(|error| error.into_parts().1)?;
        drop(context);
        Ok(Self {
            io,
            runtime,
            ready_calls: AtomicU32::new(0),
        })
    }

    fn duplicate(&self) -> io::Result<Self> {
        Self::new(self.as_fd().try_clone_to_owned()?, self.runtime.clone())
    }

    #[inline]
    fn poll_ready(
        &self,
        cx: &mut Context<'_>,
        direction: Direction,
    ) -> Poll<io::Result<AsyncFdReadyGuard<'_, OwnedFd>>> {
        match direction {
            Direction::Read => self.io.poll_read_ready(cx),
            Direction::Write => self.io.poll_write_ready(cx),
        }
    }

    /// A poll with no calls left. Apart, with [`wait`](Self::wait), for it would make every other poll longer.
    #[cold]
    #[inline(never)]
    fn poll_uncounted<R>(
        &self,
        slot: &mut TokioSlot,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>>,
    ) -> Poll<io::Result<R>> {
        slot.calls_left = READY_CALLS;
        if !mem::take(&mut slot.fresh) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // Asked only whether there still is a reactor. Whoever is woken by it waits, and nobody does yet.
        let mut nobody = Context::from_waker(Waker::noop());
        if let Poll::Ready(ready) = self.poll_ready(&mut nobody, direction) {
            ready?.retain_ready();
        }
        match op(self.as_fd()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(slot, cx, direction),
            tried => Poll::Ready(tried.map(Step::into_output)),
        }
    }

    /// What a poll returns whose operation would block. If the descriptor became ready since, the task comes back at
    /// once.
    #[cold]
    fn wait<R>(
        &self,
        slot: &mut TokioSlot,
        cx: &mut Context<'_>,
        direction: Direction,
    ) -> Poll<io::Result<R>> {
        slot.calls_left = READY_CALLS;
        if let Poll::Ready(ready) = self.poll_ready(cx, direction) {
            ready?.retain_ready();
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Runs `op` whenever the descriptor is ready. `None`: tokio takes it for ready for ever, and it is not. Such a poll
    /// would not end, and hold up its thread.
    async fn attempt<R>(
        &self,
        interest: Interest,
        op: &mut (impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>> + Send),
    ) -> io::Result<Option<R>> {
        /// How often one poll may find the descriptor ready, and the operation would block all the same: where another
        /// task is quicker.
        const FUTILE_CALLS: u32 = 4;
        let futile = AtomicU32::new(0); // of the poll under way
        // `async_io` spends the task's cooperative budget; `readable()` in a loop with a try does not.
        let mut attempt = pin!(self.io.async_io(interest, |fd| match op(fd.as_fd()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                match futile.fetch_add(1, Ordering::Relaxed) + 1 {
                    FUTILE_CALLS => Ok(None),
                    _ => Err(error),
                }
            }
            tried => tried.map(|step| Some(step.into_output())),
        }));
        poll_fn(|cx| {
            futile.store(0, Ordering::Relaxed);
            attempt.as_mut().poll(cx)
        })
        .await
    }
}

impl Source for TokioSource {
    type Slot = TokioSlot;

    fn slot(fresh: bool) -> TokioSlot {
        TokioSlot {
            calls_left: if fresh { 0 } else { READY_CALLS },
            fresh,
        }
    }

    #[inline]
    fn poll_io<R>(
        &self,
        slot: &mut TokioSlot,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>>,
    ) -> Poll<io::Result<R>> {
        let none_left;
        (slot.calls_left, none_left) = slot.calls_left.overflowing_sub(1);
        if none_left {
            return self.poll_uncounted(slot, cx, direction, op);
        }
        let Poll::Ready(ready) = self.poll_ready(cx, direction) else {
            slot.calls_left = READY_CALLS;
            return Poll::Pending;
        };
        let mut ready = ready?;
        match op(self.as_fd()) {
            Ok(Step::Done(output)) => {
                ready.retain_ready();
                Poll::Ready(Ok(output))
            }
            Ok(Step::Drained(output)) => {
                ready.clear_ready();
                Poll::Ready(Ok(output))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                ready.clear_ready();
                self.wait(slot, cx, direction)
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    async fn io<R: Send>(
        &self,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>> + Send,
    ) -> io::Result<R> {
        // Errors concern both, and tokio takes one that comes alone (a datagram that nobody took) for a writer's.
        let interest = match direction {
            Direction::Read => Interest::READABLE | Interest::ERROR,
            Direction::Write => Interest::WRITABLE | Interest::ERROR,
        };
        if self.ready_calls.fetch_add(1, Ordering::Relaxed) >= READY_CALLS {
            self.ready_calls.store(0, Ordering::Relaxed);
            yield_once().await;
        }
        if let Some(output) = self.attempt(interest, &mut op).await? {
            return Ok(output);
        }
        loop {
            // A hang-up is the end of both to tokio, and an error on a descriptor that is writable that of writing, and an
            // end is for ever: so what has room no more, or nothing to read, would be tried again and again. Of a duplicate
            // tokio has seen nothing yet. Where there can be none, that is no failure of the operation.
            let duplicate = self.duplicate();
            let source = duplicate.as_ref().unwrap_or(self);
            // The duplicate's readiness may be as futile.
            yield_once().await;
            if let Some(output) = source.attempt(interest, &mut op).await? {
                return Ok(output);
            }
        }
    }

    fn into_fd(self) -> Option<OwnedFd> {
        Some(self.io.into_inner())
    }
}

impl AsFd for TokioSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

/// Lets other tasks run. tokio's own `yield_now` needs its scheduler, which is not where this may be.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
