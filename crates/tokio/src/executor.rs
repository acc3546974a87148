//! tokio's tasks and timers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anynet_core::{Executor, Task};
use tokio::task::JoinHandle;
use tokio::task::coop::unconstrained;

use crate::Tokio;

impl Executor for Tokio {
    type Task<T: Send + 'static> = TokioTask<T>;
    type Sleep = TokioSleep;

    /// tokio's clock, so a paused one stands still.
    fn now(&self) -> Instant {
        let _context = self.handle().enter();
        tokio::time::Instant::now().into_std()
    }

    /// # Panics
    ///
    /// With tokio's own message, if the runtime was built without `enable_time`.
    fn sleep(&self, duration: Duration) -> TokioSleep {
        let _context = self.handle().enter();
        TokioSleep(Box::pin(tokio::time::sleep(duration)))
    }

    fn spawn<F>(&self, future: F) -> TokioTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        TokioTask(Some(self.handle().spawn(future)))
    }
}

/// A sleep on tokio's timer. Over when the runtime is shut down; one that was first polled after that has tokio write a
/// panic to the standard error, which goes no further, but in a program that is built with `panic = "abort"`, which it ends.
#[derive(Debug)]
pub struct TokioSleep(Pin<Box<tokio::time::Sleep>>);

impl Future for TokioSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.is_elapsed() {
            return Poll::Ready(());
        }
        // Outside the cooperative budget, which a busy stream beside it may have used up: a deadline must be met all the
        // same. A loop of sleeps lets others run even so, for one that was just made is not over at its first poll.
        let mut sleep = unconstrained(self.0.as_mut());
        // A shutdown ends the sleeps that are running; any other panics then, and nothing can be asked beforehand.
        catch_unwind(AssertUnwindSafe(|| Pin::new(&mut sleep).poll(cx))).unwrap_or(Poll::Ready(()))
    }
}

/// A task on tokio. `None` once it was detached, or came to an end without an output.
#[derive(Debug)]
#[must_use = "dropping a task cancels it: await it, keep it, or call `detach()`"]
pub struct TokioTask<T>(Option<JoinHandle<T>>);

impl<T> TokioTask<T> {
    /// Lets the task run to its end without this handle.
    pub fn detach(mut self) {
        self.0 = None;
    }
}

impl<T: Send + 'static> Future for TokioTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(handle) = &mut self.0 else {
            return Poll::Pending;
        };
        let joined = ready!(Pin::new(handle).poll(cx));
        self.0 = None;
        match joined {
            Ok(output) => Poll::Ready(output),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Cancelled, which its owner cannot have done: the runtime is gone.
            Err(_) => Poll::Pending,
        }
    }
}

impl<T: Send + 'static> Task<T> for TokioTask<T> {
    fn detach(self) {
        Self::detach(self);
    }
}

impl<T> Drop for TokioTask<T> {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }
}
