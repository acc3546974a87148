//! A flag that many can wait for.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::Waiters;

/// A flag that is set once, and that many can wait for.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    is_set: AtomicBool,
    waiters: Waiters,
}

impl Signal {
    /// Sets the flag and wakes everybody.
    pub(crate) fn set(&self) {
        self.is_set.store(true, Ordering::SeqCst);
        self.waiters.wake();
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    /// Awaits `future`, or the flag: then it is `None`, and the future is dropped.
    pub(crate) async fn unless_set<F: Future>(&self, future: F) -> Option<F::Output> {
        self.waiters.unless(|| self.is_set(), future).await
    }
}
