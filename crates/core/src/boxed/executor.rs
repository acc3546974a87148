//! Any executor as one type.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use super::BoxFuture;
use crate::{Executor, Task};

/// Writes the [`Executor`] of a type that has a [`BoxExecutor`] in its field `executor`.
macro_rules! executor_inside {
    ($type:ty) => {
        impl $crate::Executor for $type {
            type Task<T: Send + 'static> = $crate::BoxTask<T>;
            type Sleep = $crate::BoxSleep;

            fn now(&self) -> ::std::time::Instant {
                self.executor.now()
            }

            fn sleep(&self, duration: ::std::time::Duration) -> $crate::BoxSleep {
                self.executor.sleep(duration)
            }

            fn spawn<F>(&self, future: F) -> $crate::BoxTask<F::Output>
            where
                F: Future + Send + 'static,
                F::Output: Send,
            {
                self.executor.spawn(future)
            }
        }
    };
}

pub(super) use executor_inside;

/// Any [`Executor`] as one type.
#[derive(Clone)]
pub struct BoxExecutor(Arc<dyn DynExecutor>);

impl BoxExecutor {
    /// Erases the type of `executor`.
    pub fn new(executor: impl Executor) -> Self {
        Self(Arc::new(executor))
    }
}

impl Executor for BoxExecutor {
    type Task<T: Send + 'static> = BoxTask<T>;
    type Sleep = BoxSleep;

    fn now(&self) -> Instant {
        self.0.now_dyn()
    }

    fn sleep(&self, duration: Duration) -> BoxSleep {
        BoxSleep(self.0.sleep_dyn(duration))
    }

    fn spawn<F>(&self, future: F) -> BoxTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let output = Arc::new(Mutex::new(None));
        let slot = output.clone();
        let task = self.0.spawn_dyn(Box::pin(async move {
            let value = future.await;
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
        }));
        BoxTask { task, output }
    }
}

impl fmt::Debug for BoxExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_dyn(f)
    }
}

/// A task of a [`BoxExecutor`].
#[must_use = "dropping a task cancels it: await it, keep it, or call `detach()`"]
pub struct BoxTask<T> {
    task: Box<dyn DynTask>,
    output: Arc<Mutex<Option<T>>>,
}

impl<T: Send + 'static> Future for BoxTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        ready!(Pin::new(&mut *self.task).poll(cx));
        // Empty only if the task is polled again after it completed; such a future may do anything but return.
        match self.output.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(value) => Poll::Ready(value),
            None => Poll::Pending,
        }
    }
}

impl<T: Send + 'static> Task<T> for BoxTask<T> {
    fn detach(self) {
        self.task.detach_dyn();
    }
}

impl<T> fmt::Debug for BoxTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxTask").finish_non_exhaustive()
    }
}

/// A sleep of a [`BoxExecutor`].
pub struct BoxSleep(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Future for BoxSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for BoxSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxSleep").finish_non_exhaustive()
    }
}

trait DynExecutor: Send + Sync {
    fn fmt_dyn(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    fn now_dyn(&self) -> Instant;
    fn sleep_dyn(&self, duration: Duration) -> BoxFuture<'static, ()>;
    fn spawn_dyn(&self, future: BoxFuture<'static, ()>) -> Box<dyn DynTask>;
}

impl<E: Executor> DynExecutor for E {
    fn fmt_dyn(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }

    fn now_dyn(&self) -> Instant {
        self.now()
    }

    fn sleep_dyn(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(self.sleep(duration))
    }

    fn spawn_dyn(&self, future: BoxFuture<'static, ()>) -> Box<dyn DynTask> {
        Box::new(self.spawn(future))
    }
}

trait DynTask: Future<Output = ()> + Send + Unpin {
    fn detach_dyn(self: Box<Self>);
}

impl<T: Task<()>> DynTask for T {
    fn detach_dyn(self: Box<Self>) {
        self.detach();
    }
}
