//! The tasks of the connections that a server has open.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use anynet_core::{Attributes, Error, Executor, Result, Task};
use pin_project_lite::pin_project;
use slab::Slab;

use super::hub::Hub;
use super::peer::Peer;
use super::statistics::Tally;
use super::{Panic, ServeError};

/// The open connections of one accept loop, one task each. Dropping it cancels them all.
pub(crate) struct Connections<E: Executor> {
    tasks: Arc<Mutex<Tasks<E::Task<()>>>>,
    executor: E,
    hub: Arc<Hub>,
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
    /// Its handle is gone, and its end is yet to come.
    Cancelled,
    Finished,
}

impl<E: Executor> Connections<E> {
    pub(crate) fn new(executor: E, hub: Arc<Hub>) -> Self {
        Self {
            tasks: Arc::new(Mutex::new(Tasks {
                slots: Slab::new(),
                waiting: None,
            })),
            executor,
            hub,
        }
    }

    /// Calls `handler` on `stream` and runs what it returns in a task of its own. `permit` goes with the task.
    pub(crate) fn handle<S, F, P>(&self, stream: S, handler: impl FnOnce(S) -> F, permit: P)
    where
        S: Attributes,
        F: Future<Output = Result<()>> + Send + 'static,
        P: Send + 'static,
    {
        let whose = Whose {
            hub: self.hub.clone(),
            peer: Peer::of(&stream),
        };
        // The handler's own code runs before its future does: guard that too.
        match catch_unwind(AssertUnwindSafe(|| handler(stream))) {
            Ok(connection) => self.spawn(connection, permit, Some(whose)),
            Err(panic) => {
                drop(permit); // as where it panics later: a place is free before the end is told
                whose.ended(Err(Failure::Panicked(Panic::new(panic))));
            }
        }
    }

    /// As [`handle`](Self::handle), for a connection that was counted already, and whose end nobody hears of.
    pub(crate) fn refuse<F, P>(&self, answer: impl FnOnce() -> F, permit: P)
    where
        F: Future<Output = Result<()>> + Send + 'static,
        P: Send + 'static,
    {
        if let Ok(connection) = catch_unwind(AssertUnwindSafe(answer)) {
            self.spawn(connection, permit, None);
        }
    }

    fn spawn<F, P>(&self, connection: F, permit: P, whose: Option<Whose>)
    where
        F: Future<Output = Result<()>> + Send + 'static,
        P: Send + 'static,
    {
        let key = lock(&self.tasks).slots.insert(Slot::Starting);
        let task = self.executor.spawn(Connection {
            connection: Some(connection),
            permit: Some(permit),
            place: Place {
                tasks: self.tasks.clone(),
                key,
                whose,
            },
        });
        let mut tasks = lock(&self.tasks);
        if matches!(tasks.slots[key], Slot::Finished) {
            tasks.slots.remove(key);
        } else {
            tasks.slots[key] = Slot::Running(task);
        }
    }

    /// Cancels those that are open. They end soon: [`finished`](Self::finished) waits for that.
    pub(crate) fn cancel(&self) {
        let mut handles = Vec::new();
        for (_, slot) in &mut lock(&self.tasks).slots {
            if matches!(slot, Slot::Running(_)) {
                handles.push(std::mem::replace(slot, Slot::Cancelled));
            }
        }
        drop(handles); // outside the lock, as below
    }

    /// Waits until no connection is left.
    pub(crate) async fn finished(&self) {
        poll_fn(|cx| self.poll_finished(cx)).await;
    }

    fn poll_finished(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut tasks = lock(&self.tasks);
        if tasks.slots.iter().all(|(_, slot)| matches!(slot, Slot::Finished)) {
            return Poll::Ready(());
        }
        let earlier = tasks.waiting.replace(cx.waker().clone());
        drop(tasks);
        drop(earlier); // outside the lock: with a waker its task may go
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

pin_project! {
    /// One connection, run to its end, whatever that is. By hand: an `async` block would keep room for the handler twice.
    struct Connection<F, T, P>
    where
        T: Task<()>,
    {
        #[pin]
        connection: Option<F>,
        permit: Option<P>,
        place: Place<T>,
    }

    /// Cancelled. Some executors do not survive a destructor that panics, so it is guarded as everywhere.
    impl<F, T, P> PinnedDrop for Connection<F, T, P>
    where
        T: Task<()>,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| this.connection.set(None))) {
                *this.permit = None;
                this.place.ended(Err(Failure::Panicked(Panic::new(panic))));
            }
        }
    }
}

impl<F: Future<Output = Result<()>>, T: Task<()>, P> Future for Connection<F, T, P> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let poll = match this.connection.as_mut().as_pin_mut() {
                Some(connection) => connection.poll(cx),
                None => Poll::Ready(Ok(())),
            };
            if poll.is_ready() {
                // Its destructor runs here, and so is guarded too.
                this.connection.set(None);
            }
            poll
        }));
        let end = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(end)) => end.map_err(Failure::Failed),
            Err(panic) => {
                let again = catch_unwind(AssertUnwindSafe(|| this.connection.set(None)));
                drop(again); // one panic is told, the first
                Err(Failure::Panicked(Panic::new(panic)))
            }
        };
        // In this order: a place is free once the connection is gone, and its end is told after that, by code of others.
        *this.permit = None;
        this.place.ended(end);
        Poll::Ready(())
    }
}

/// A task's place among the others. Given up however the task ends: its executor may drop it, too.
struct Place<T: Task<()>> {
    tasks: Arc<Mutex<Tasks<T>>>,
    key: usize,
    /// Whose end it is, until that was told.
    whose: Option<Whose>,
}

impl<T: Task<()>> Place<T> {
    fn ended(&mut self, end: Result<(), Failure>) {
        if let Some(whose) = self.whose.take() {
            whose.ended(end);
        }
    }
}

impl<T: Task<()>> Drop for Place<T> {
    fn drop(&mut self) {
        if let Some(whose) = &self.whose {
            whose.hub.counters.count(Tally::Cancelled);
        }
        if let Some(own) = finish(&self.tasks, self.key) {
            // It has ended, so there is nothing to cancel.
            own.detach();
        }
    }
}

/// Whose connection it is, and who is to hear of its end.
struct Whose {
    hub: Arc<Hub>,
    peer: Peer,
}

/// How a connection did not end well.
enum Failure {
    Failed(Error),
    Panicked(Panic),
}

impl Whose {
    fn ended(self, end: Result<(), Failure>) {
        let Self { hub, peer } = self;
        hub.ended(end.map_err(|failure| {
            let peer = peer.address();
            match failure {
                Failure::Failed(error) => ServeError::Failed { peer, error },
                Failure::Panicked(panic) => ServeError::Panicked { peer, panic },
            }
        }));
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
        Slot::Cancelled => {
            tasks.slots.remove(key);
            None
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

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};
    use std::panic::resume_unwind;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::task::Wake;
    use std::thread;
    use std::time::Duration;

    use anynet_core::BoxTask;

    use super::*;
    use crate::{MemoryNetwork, MemoryStream, MemoryTask};

    struct Permit(Arc<AtomicBool>);

    impl Drop for Permit {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// A permit, a hub, and whether the place was free when the hub's hook was told.
    fn observed() -> (Permit, Arc<Hub>, Arc<AtomicBool>) {
        let (is_free, was_free) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let mut hub = Hub::default();
        let (free, seen) = (is_free.clone(), was_free.clone());
        hub.set_hook(move |_| seen.store(free.load(Ordering::Relaxed), Ordering::Relaxed));
        (Permit(is_free), Arc::new(hub), was_free)
    }

    #[test]
    fn a_place_is_free_before_the_end_is_told() {
        let (permit, hub, was_free) = observed();
        let mut connection = Box::pin(Connection::<_, BoxTask<()>, _> {
            connection: Some(ready(Err(Error::other("it fails")))),
            permit: Some(permit),
            place: Place {
                tasks: Arc::new(Mutex::new(Tasks {
                    slots: Slab::new(),
                    waiting: None,
                })),
                key: 0,
                whose: Some(Whose {
                    hub,
                    peer: Peer::Unknown,
                }),
            },
        });
        let mut cx = Context::from_waker(Waker::noop());
        assert!(connection.as_mut().poll(&mut cx).is_ready());
        assert!(was_free.load(Ordering::Relaxed));

        // A handler that panics before there is a future.
        let (permit, hub, was_free) = observed();
        MemoryNetwork::run(async |network| {
            let throws = |_| -> Ready<Result<()>> { resume_unwind(Box::new("thrown")) };
            Connections::new(network, hub).handle(MemoryStream::pair(1).0, throws, permit);
        });
        assert!(was_free.load(Ordering::Relaxed));
    }

    #[test]
    fn a_waker_that_is_replaced_may_own_a_connection() {
        /// The last owner of a connection's place, as a task that nobody else knows of is of its own.
        struct LastOwner(#[expect(dead_code, reason = "it is there to be dropped")] Place<MemoryTask<()>>);

        impl Wake for LastOwner {
            fn wake(self: Arc<Self>) {}
        }

        let (done, is_done) = mpsc::channel();
        thread::spawn(move || {
            MemoryNetwork::run(async |network| {
                let connections = Connections::new(network, Arc::default());
                let key = lock(&connections.tasks).slots.insert(Slot::Cancelled);
                let owner = Waker::from(Arc::new(LastOwner(Place {
                    tasks: connections.tasks.clone(),
                    key,
                    whose: None,
                })));
                assert!(
                    connections
                        .poll_finished(&mut Context::from_waker(&owner))
                        .is_pending()
                );
                drop(owner);
                // The second poll lets go of the first one's waker.
                connections.finished().await;
            });
            done.send(()).unwrap();
        });
        is_done.recv_timeout(Duration::from_secs(10)).expect("it hangs");
    }

    #[test]
    fn a_task_holds_its_handler_once_and_little_beside() {
        type Handler = Ready<[u8; 4096]>;
        let beside = size_of::<Connection<Handler, BoxTask<()>, ()>>() - size_of::<Handler>();
        assert!(beside <= 72, "{beside}");
    }
}
