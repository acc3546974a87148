//! The tasks of the connections that a server has open.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use anynet_core::{Executor, Task};
use slab::Slab;

/// The open connections of one server, one task each. Dropping it cancels them all.
pub(crate) struct Connections<E: Executor> {
    tasks: Arc<Mutex<Tasks<E::Task<()>>>>,
    executor: E,
}

struct Tasks<T> {
    slots: Slab<Slot<T>>,
    /// Whoever waits for the last connection to end.
    waiting: Option<Waker>,
}

/// A task can end before its handle has been stored, on another thread; whichever comes second empties the slot.
enum Slot<T> {
    Starting,
    Running(T),
    Finished,
}

impl<E: Executor> Connections<E> {
    pub(crate) fn new(executor: E) -> Self {
        Self {
            tasks: Arc::new(Mutex::new(Tasks {
                slots: Slab::new(),
                waiting: None,
            })),
            executor,
        }
    }

    pub(crate) fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        let key = lock(&self.tasks).slots.insert(Slot::Starting);
        let place = Place {
            tasks: self.tasks.clone(),
            key,
        };
        let task = self.executor.spawn(async move {
            let _place = place;
            connection.await;
        });
        let mut tasks = lock(&self.tasks);
        if matches!(tasks.slots[key], Slot::Finished) {
            tasks.slots.remove(key);
        } else {
            tasks.slots[key] = Slot::Running(task);
        }
    }

    /// Waits until no connection is left.
    pub(crate) fn poll_finished(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut tasks = lock(&self.tasks);
        if tasks.slots.iter().all(|(_, slot)| matches!(slot, Slot::Finished)) {
            return Poll::Ready(());
        }
        tasks.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<E: Executor> Drop for Connections<E> {
    fn drop(&mut self) {
        // Dropped outside the lock: a task's destructor may be the handler's, and call anything.
        let cancelled = std::mem::take(&mut lock(&self.tasks).slots);
        drop(cancelled);
    }
}

/// A task's place among the others. Given up however the task ends: its executor may drop it, too.
struct Place<T: Task<()>> {
    tasks: Arc<Mutex<Tasks<T>>>,
    key: usize,
}

impl<T: Task<()>> Drop for Place<T> {
    fn drop(&mut self) {
        if let Some(own) = finish(&self.tasks, self.key) {
            // It has ended, so there is nothing to cancel.
            own.detach();
        }
    }
}

/// Empties the slot of a task that has come to its end, and gives its handle back.
fn finish<T>(tasks: &Mutex<Tasks<T>>, key: usize) -> Option<T> {
    let mut tasks = lock(tasks);
    let slot = tasks.slots.get_mut(key)?;
    let handle = match std::mem::replace(slot, Slot::Finished) {
        Slot::Running(task) => {
            tasks.slots.remove(key);
            Some(task)
        }
        Slot::Starting | Slot::Finished => None,
    };
    let waiting = if tasks.slots.is_empty() {
        tasks.waiting.take()
    } else {
        None
    };
    drop(tasks);
    if let Some(waker) = waiting {
        waker.wake();
    }
    handle
}

fn lock<T>(tasks: &Mutex<Tasks<T>>) -> MutexGuard<'_, Tasks<T>> {
    tasks.lock().unwrap_or_else(PoisonError::into_inner)
}
