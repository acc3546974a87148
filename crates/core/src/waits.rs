//! Who waits for descriptors that are not ours: one table for each runtime.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::mem;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::{BoxFuture, Direction, WaitError};

/// Every so many waits one lets others run before it asks the system: each has a source of its own, which cannot count
/// how often a descriptor that is always ready was waited for.
const TURN: u32 = 64;

/// Who waits for descriptors that are not ours, on one runtime. Clones are the same table.
///
/// A backend keeps one for each of its runtimes and hands it out by [`Runtime::waits`](crate::Runtime::waits); there is
/// nothing else that it has to do with it.
#[derive(Clone, Debug, Default)]
pub struct Waits(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    places: Mutex<HashMap<(Waited, Direction), Arc<Place>>>,
    begun: AtomicU32,
}

/// Which descriptor is waited for: its number, and the file behind it. The number alone may be given again during a wait,
/// if nobody announces that it is closed, and whoever waits for its new owner has nothing to do with the earlier wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Waited {
    number: RawFd,
    device: i128,
    inode: i128,
}

impl Waited {
    /// The descriptor `number` of the file that fstat(2) says is `inode` of `device`. Each system has other integers for
    /// these.
    pub fn new(number: RawFd, device: impl Into<i128>, inode: impl Into<i128>) -> Self {
        Self {
            number,
            device: device.into(),
            inode: inode.into(),
        }
    }
}

/// A place in the table: one direction of one descriptor, taken until this is dropped.
///
/// As a future it is what [`begin`](Self::begin) was given, or `Closed`.
pub struct WaitPlace {
    waits: Waits,
    key: (Waited, Direction),
    place: Arc<Place>,
    /// Whether it was polled before.
    polled: bool,
}

struct Place(Mutex<State>);

enum State {
    /// Taken, and no more.
    Taken,
    /// The wait, and the task to wake if it is closed.
    Waiting(BoxFuture<'static, io::Result<()>>, Option<Waker>),
    /// The end of the wait was asked for, or is behind it.
    Over,
}

impl Waits {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the place of whoever waits for `direction` of `on`. `None` if somebody has it.
    pub fn enter(&self, on: Waited, direction: Direction) -> Option<WaitPlace> {
        let key = (on, direction);
        let mut places = self.lock();
        if places.contains_key(&key) {
            return None;
        }
        let place = Arc::new(Place(Mutex::new(State::Taken)));
        places.insert(key, place.clone());
        drop(places);
        Some(WaitPlace {
            waits: self.clone(),
            key,
            place,
            polled: false,
        })
    }

    /// Ends the waits for both directions of `on` with `Closed`. When this returns they hold no descriptor any more and
    /// have left their places.
    pub fn close(&self, on: Waited) {
        let ended = {
            let mut places = self.lock();
            [Direction::Read, Direction::Write].map(|direction| places.remove(&(on, direction)))
        };
        // First all descriptors, then all tasks: a waker may run its task here and now.
        let wakers = ended.map(|place| place.and_then(|place| place.end()));
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    /// Whether nobody waits, and no clone of this exists.
    pub fn is_unused(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Waited, Direction), Arc<Place>>> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WaitPlace {
    /// Waits by `wait` from now on. It is dropped as soon as the wait is over, by whomever, and with it what it holds.
    pub fn begin(&mut self, wait: BoxFuture<'static, io::Result<()>>) {
        let mut state = self.place.lock();
        let unused = match &*state {
            State::Over => State::Waiting(wait, None), // closed before it began
            _ => mem::replace(&mut *state, State::Waiting(wait, None)),
        };
        drop(state);
        drop(unused);
    }
}

impl Future for WaitPlace {
    type Output = Result<(), WaitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let first = !mem::replace(&mut self.polled, true);
        if first && self.waits.0.begun.fetch_add(1, Ordering::Relaxed) % TURN == TURN - 1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut state = self.place.lock();
        let State::Waiting(wait, waker) = &mut *state else {
            return Poll::Ready(Err(WaitError::Closed));
        };
        // Under the lock, so that a close finds the wait where it can end it. What runs here is a source and its system
        // call; of wakers it sees only that of this task, which is running.
        match wait.as_mut().poll(cx) {
            Poll::Ready(result) => {
                let over = mem::replace(&mut *state, State::Over);
                drop(state);
                drop(over);
                Poll::Ready(result.map_err(|error| WaitError::Broken(error.into())))
            }
            Poll::Pending => {
                let earlier = match waker {
                    Some(waker) if waker.will_wake(cx.waker()) => None,
                    waker => waker.replace(cx.waker().clone()),
                };
                drop(state);
                drop(earlier); // outside the lock: with a waker its task may go, and what that holds
                Poll::Pending
            }
        }
    }
}

impl Drop for WaitPlace {
    fn drop(&mut self) {
        self.place.end();
        let mut places = self.waits.lock();
        // After a close the place may be another's.
        if places
            .get(&self.key)
            .is_some_and(|place| Arc::ptr_eq(place, &self.place))
        {
            places.remove(&self.key);
        }
    }
}

impl fmt::Debug for WaitPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (waited, direction) = &self.key;
        f.debug_struct("WaitPlace")
            .field("waited", waited)
            .field("direction", direction)
            .finish_non_exhaustive()
    }
}

impl Place {
    /// Ends the wait, and says whom to wake.
    fn end(&self) -> Option<Waker> {
        let over = mem::replace(&mut *self.lock(), State::Over);
        match over {
            State::Waiting(wait, waker) => {
                drop(wait);
                waker
            }
            State::Taken | State::Over => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_lite::future::{block_on, poll_once};

    use super::*;

    const PIPE: Waited = Waited {
        number: 7,
        device: 1,
        inode: 1,
    };
    /// What has the number after the pipe was closed.
    const NEXT: Waited = Waited { inode: 2, ..PIPE };

    fn waiting(waits: &Waits, on: Waited, direction: Direction) -> WaitPlace {
        let mut place = waits.enter(on, direction).expect("nobody waits");
        place.begin(Box::pin(pending()));
        assert!(block_on(poll_once(&mut place)).is_none());
        place
    }

    #[test]
    fn a_place_is_taken_until_it_is_dropped() {
        let waits = Waits::new();
        let place = waiting(&waits, PIPE, Direction::Read);
        assert!(waits.enter(PIPE, Direction::Read).is_none());
        assert!(waits.enter(PIPE, Direction::Write).is_some());
        drop(place);
        assert!(waits.enter(PIPE, Direction::Read).is_some());
        assert!(waits.is_unused());
    }

    #[test]
    fn a_place_that_was_closed_does_not_take_its_successor_with_it() {
        let waits = Waits::new();
        let place = waiting(&waits, PIPE, Direction::Read);
        waits.close(PIPE);
        let successor = waiting(&waits, PIPE, Direction::Read);
        drop(place);
        assert!(waits.enter(PIPE, Direction::Read).is_none());
        drop(successor);
    }

    #[test]
    fn a_close_before_the_wait_began_is_heard() {
        let waits = Waits::new();
        let mut place = waits.enter(PIPE, Direction::Read).expect("nobody waits");
        waits.close(PIPE);
        let held = Arc::new(());
        let wait = held.clone();
        place.begin(Box::pin(async move {
            let _held = wait;
            pending().await
        }));
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(matches!(block_on(place), Err(WaitError::Closed)));
    }

    #[test]
    fn a_close_drops_the_wait_before_it_returns() {
        let waits = Waits::new();
        let held = Arc::new(());
        let mut place = waits.enter(PIPE, Direction::Write).expect("nobody waits");
        let wait = held.clone();
        place.begin(Box::pin(async move {
            let _held = wait;
            pending().await
        }));
        assert!(block_on(poll_once(&mut place)).is_none());
        waits.close(PIPE);
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(matches!(block_on(place), Err(WaitError::Closed)));
    }

    #[test]
    fn a_number_that_was_given_again_is_another_descriptor() {
        let waits = Waits::new();
        let mut earlier = waiting(&waits, PIPE, Direction::Read);
        let mut later = waiting(&waits, NEXT, Direction::Read);
        waits.close(NEXT);
        assert!(block_on(poll_once(&mut earlier)).is_none());
        assert!(matches!(
            block_on(poll_once(&mut later)),
            Some(Err(WaitError::Closed))
        ));
    }

    #[test]
    fn waits_that_are_always_ready_let_others_run() {
        let waits = Waits::new();
        let gave_way = (0..2 * TURN).filter(|_| {
            let mut place = waits.enter(PIPE, Direction::Read).expect("nobody waits");
            place.begin(Box::pin(ready(Ok(()))));
            block_on(poll_once(&mut place)).is_none()
        });
        assert_eq!(gave_way.count(), 2);
    }
}
