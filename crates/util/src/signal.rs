//! A flag that many can wait for.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use slab::Slab;

/// A flag that is set once, and that many can wait for.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    is_set: AtomicBool,
    waiting: Mutex<Slab<Waker>>,
}

impl Signal {
    /// Sets the flag and wakes everybody.
    pub(crate) fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
        // Woken outside the lock: a waker may run its task here and now. The seats stay their owners'.
        let waiting: Vec<Waker> = self.lock().iter().map(|(_, waker)| waker.clone()).collect();
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    /// Awaits `future`, or the flag: then it is `None`, and the future is dropped.
    pub(crate) async fn unless_set<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut seat = Seat {
            signal: self,
            key: None,
        };
        poll_fn(|cx| {
            if self.is_set() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            seat.sit(cx.waker());
            // Once more: it may have been set before the seat was taken.
            if self.is_set() {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One waiter's place, which is given up with its future.
struct Seat<'a> {
    signal: &'a Signal,
    key: Option<usize>,
}

impl Seat<'_> {
    fn sit(&mut self, waker: &Waker) {
        let mut waiting = self.signal.lock();
        let earlier = match self.key {
            Some(key) if waiting[key].will_wake(waker) => None,
            Some(key) => Some(std::mem::replace(&mut waiting[key], waker.clone())),
            None => {
                self.key = Some(waiting.insert(waker.clone()));
                None
            }
        };
        drop(waiting);
        drop(earlier); // outside the lock: with a waker its task may go
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.signal.lock().remove(key);
            drop(waker);
        }
    }
}
