//! How a close reaches whoever waits: inside this process, without touching the socket.
//!
//! `shutdown(2)` would wake waiters too, and cut every duplicate of the descriptor, in every process. So closing is a flag
//! (in the latch) and this: the wakers of those who wait. It is entered only when an operation would wait.

use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use anynet_core::Latch;
use slab::Slab;

/// The wakers of those who wait on one socket.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    /// Whether anybody can ring. A stream without a closer does not even look at the list.
    armed: AtomicBool,
    waiting: Mutex<Slab<Waker>>,
}

/// One waiter's place in the list, kept between its polls.
#[derive(Debug, Default)]
pub(crate) struct Seat(Option<usize>);

impl Bell {
    /// From now on, waiters take a seat. Called before a closer is handed out.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    /// Everybody who waits, to be woken outside the lock. Call it after closing the latch.
    pub(crate) fn waiting(&self) -> Vec<Waker> {
        self.lock().iter().map(|(_, waker)| waker.clone()).collect()
    }

    /// Has `waker` woken by the next ring, in the place of the seat's earlier one. The caller looks at the latch after
    /// this, for a ring that came just before.
    pub(crate) fn sit(&self, seat: &mut Seat, waker: &Waker) {
        let mut waiting = self.lock();
        let earlier = match seat.0 {
            Some(key) if waiting[key].will_wake(waker) => None,
            Some(key) => Some(mem::replace(&mut waiting[key], waker.clone())),
            None => {
                seat.0 = Some(waiting.insert(waker.clone()));
                None
            }
        };
        drop(waiting);
        drop(earlier); // outside the lock: with a waker its task may go, and what that holds
    }

    /// Gives the seat up.
    pub(crate) fn leave(&self, seat: &mut Seat) {
        if let Some(key) = seat.0.take() {
            let waker = self.lock().remove(key);
            drop(waker);
        }
    }

    /// Awaits `future`, or the close: then it is `None`, and the future is dropped.
    pub(crate) async fn unless_closed<T>(&self, latch: &Latch, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut place = Place {
            bell: self,
            seat: Seat::default(),
        };
        poll_fn(|cx| {
            if latch.is_closed() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            self.sit(&mut place.seat, cx.waker());
            if latch.is_closed() {
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

/// A seat that is given up with its future.
struct Place<'a> {
    bell: &'a Bell,
    seat: Seat,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.bell.leave(&mut self.seat);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    /// What a task holds that waits in another place of the same list.
    struct Holds(Arc<Bell>, Mutex<Seat>);

    impl Wake for Holds {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Holds {
        fn drop(&mut self) {
            let seat = self.1.get_mut().unwrap_or_else(PoisonError::into_inner);
            self.0.leave(seat);
        }
    }

    #[test]
    fn a_waker_that_is_replaced_may_take_another_waiter_with_it() {
        let bell = Arc::new(Bell::default());
        let (mut one, mut other) = (Seat::default(), Seat::default());
        bell.sit(&mut other, Waker::noop());
        let holds: Waker = Arc::new(Holds(bell.clone(), Mutex::new(other))).into();
        bell.sit(&mut one, &holds);
        drop(holds);
        assert_eq!(bell.waiting().len(), 2);
        bell.sit(&mut one, Waker::noop());
        assert_eq!(bell.waiting().len(), 1);
    }
}
