//! The tasks that wait for one thing.

use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use slab::Slab;

/// Everybody who waits for one thing: a close, a flag, room.
///
/// All are woken together and look again, in the order in which they came, so that none is forgotten when another has given
/// up. A place is its future's, and given up with it. No waker is called or dropped while a lock is held: it may run the
/// code of its task.
///
/// ```
/// use anynet_util::Waiters;
/// use futures_lite::future::{block_on, zip};
/// use std::cell::Cell;
/// use std::task::Poll;
///
/// let (room, is_there) = (Waiters::new(), Cell::new(false));
/// let take = || if is_there.take() { Poll::Ready("taken") } else { Poll::Pending };
/// let make = async {
///     is_there.set(true);
///     room.wake();
/// };
/// assert_eq!(block_on(zip(room.until(take), make)).0, "taken");
/// ```
#[derive(Debug, Default)]
pub struct Waiters(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    seats: Slab<(u64, Waker)>,
    /// How many have come so far.
    came: u64,
}

/// One waiter's place, kept between its polls: for those who are polled by hand. Whoever has it gives it up by
/// [`leave`](Waiters::leave), before it is dropped, or its waker stays in the list. It is of the one list that it was first
/// used with: another may panic.
#[derive(Debug, Default)]
pub struct Seat(Option<usize>);

impl Waiters {
    /// Nobody, yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes everybody who waits now.
    pub fn wake(&self) {
        self.wakers().into_iter().for_each(Waker::wake);
    }

    /// The wakers of everybody who waits now, for those who have to let go of something before they call them.
    pub fn wakers(&self) -> Vec<Waker> {
        let mut seats: Vec<(u64, Waker)> = self.list().seats.iter().map(|(_, seat)| seat.clone()).collect();
        seats.sort_unstable_by_key(|(came, _)| *came);
        seats.into_iter().map(|(_, waker)| waker).collect()
    }

    /// Makes `attempt`s, now and whenever everybody is woken, until one is ready.
    ///
    /// Cancel-safe if an attempt that is not ready has done nothing.
    pub async fn until<T>(&self, mut attempt: impl FnMut() -> Poll<T>) -> T {
        let mut place = Place::new(self);
        poll_fn(|cx| match attempt() {
            Poll::Pending => {
                place.sit(cx.waker());
                // Once more: what is waited for may have come before the seat was taken.
                attempt()
            }
            ready => ready,
        })
        .await
    }

    /// Awaits `future`, unless it `is_over`, which is asked at every poll and whenever everybody is woken: then it is `None`,
    /// and the future is dropped. A large one is better given as `pin!(future)`: then it is not moved.
    pub async fn unless<F: Future>(&self, is_over: impl Fn() -> bool, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut place = Place::new(self);
        poll_fn(|cx| {
            if is_over() {
                return Poll::Ready(None);
            }
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            place.sit(cx.waker());
            // Once more: it may have been over before the seat was taken.
            if is_over() {
                Poll::Ready(None)
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Has `waker` woken with everybody else, in the place of the seat's earlier one. The caller looks once more after this
    /// for what it waits for, which may have come just before.
    pub fn sit(&self, seat: &mut Seat, waker: &Waker) {
        let mut list = self.list();
        let earlier = match seat.0 {
            Some(key) if list.seats[key].1.will_wake(waker) => None,
            Some(key) => Some(mem::replace(&mut list.seats[key].1, waker.clone())),
            None => {
                list.came += 1;
                let came = list.came;
                seat.0 = Some(list.seats.insert((came, waker.clone())));
                None
            }
        };
        drop(list);
        drop(earlier); // outside the lock: with a waker its task may go, and what that holds
    }

    /// Gives the seat up.
    #[inline]
    pub fn leave(&self, seat: &mut Seat) {
        if let Some(key) = seat.0.take() {
            self.remove(key);
        }
    }

    fn remove(&self, key: usize) {
        let seat = self.list().seats.remove(key);
        drop(seat); // outside the lock, as above
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A seat that is given up with its future.
struct Place<'a> {
    waiters: &'a Waiters,
    seat: Seat,
}

impl<'a> Place<'a> {
    fn new(waiters: &'a Waiters) -> Self {
        Self {
            waiters,
            seat: Seat::default(),
        }
    }

    fn sit(&mut self, waker: &Waker) {
        self.waiters.sit(&mut self.seat, waker);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiters.leave(&mut self.seat);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::{Context, Wake};

    use super::*;

    /// What a task holds that waits in another place of the same list.
    struct Holds(Arc<Waiters>, Mutex<Seat>);

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
        let waiters = Arc::new(Waiters::new());
        let (mut one, mut other) = (Seat::default(), Seat::default());
        waiters.sit(&mut other, Waker::noop());
        let holds: Waker = Arc::new(Holds(waiters.clone(), Mutex::new(other))).into();
        waiters.sit(&mut one, &holds);
        drop(holds);
        assert_eq!(waiters.wakers().len(), 2);
        waiters.sit(&mut one, Waker::noop());
        assert_eq!(waiters.wakers().len(), 1);
    }

    /// Says who was woken, in what order.
    struct Named(u8, Arc<Mutex<Vec<u8>>>);

    impl Wake for Named {
        fn wake(self: Arc<Self>) {
            self.1.lock().unwrap().push(self.0);
        }
    }

    #[test]
    fn who_came_first_is_woken_first_and_whoever_gave_up_is_forgotten() {
        let waiters = Waiters::new();
        let woken = Arc::new(Mutex::new(Vec::new()));
        let mut seats: Vec<Seat> = (0..3).map(|_| Seat::default()).collect();
        let name = |name| Waker::from(Arc::new(Named(name, woken.clone())));
        (0..3).for_each(|n| waiters.sit(&mut seats[n], &name(n as u8)));
        waiters.leave(&mut seats[0]);
        waiters.sit(&mut seats[0], &name(3)); // gets the first place in the list, and the last turn
        waiters.wake();
        assert_eq!(*woken.lock().unwrap(), [1, 2, 3]);
        let mut given_up = Box::pin(waiters.until(|| Poll::<()>::Pending));
        assert!(
            given_up
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        assert_eq!(waiters.wakers().len(), 4);
        drop(given_up);
        assert_eq!(waiters.wakers().len(), 3);
    }
}
