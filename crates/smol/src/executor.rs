//! smol's tasks and async-io's timers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anynet_core::{Executor, Task};
use async_io::Timer;
use async_task::FallibleTask;

use crate::Smol;

impl Executor for Smol {
    type Task<T: Send + 'static> = SmolTask<T>;
    type Sleep = SmolSleep;

    /// The system's clock.
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) -> SmolSleep {
        SmolSleep(Timer::after(duration))
    }

    fn spawn<F>(&self, future: F) -> SmolTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        SmolTask(self.start(future).map(smol::Task::fallible))
    }
}

/// A sleep on async-io's timer.
#[derive(Debug)]
pub struct SmolSleep(Timer);

impl Future for SmolSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(drop)
    }
}

/// A task on smol. `None` once it was detached, or came to an end without an output.
#[derive(Debug)]
#[must_use = "dropping a task cancels it: await it, keep it, or call `detach()`"]
pub struct SmolTask<T>(Option<FallibleTask<T>>);

impl<T> SmolTask<T> {
    /// Lets the task run to its end without this handle.
    pub fn detach(mut self) {
        if let Some(handle) = self.0.take() {
            handle.detach();
        }
    }
}

impl<T: Send + 'static> Future for SmolTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(handle) = &mut self.0 else {
            return Poll::Pending;
        };
        let joined = ready!(Pin::new(handle).poll(cx));
        self.0 = None;
        match joined {
            Some(output) => Poll::Ready(output),
            // Cancelled, which its owner cannot have done: the executor is gone.
            None => Poll::Pending,
        }
    }
}

impl<T: Send + 'static> Task<T> for SmolTask<T> {
    fn detach(self) {
        Self::detach(self);
    }
}
