//! tokio's tasks and timers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anynet_core::{Executor, Task};
use tokio::task::JoinHandle;

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
    /// With tokio's own message, if the runtime was built without `enable_time`; when it is polled, if the runtime was
    /// shut down.
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

/// A sleep on tokio's timer.
#[derive(Debug)]
pub struct TokioSleep(Pin<Box<tokio::time::Sleep>>);

impl Future for TokioSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

/// A task on tokio. `None` once it was detached, or came to an end without an output.
#[derive(Debug)]
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
