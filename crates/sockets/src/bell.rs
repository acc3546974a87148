//! How a close reaches whoever waits: inside this process, without touching the socket.
//!
//! `shutdown(2)` would wake waiters too, and cut every duplicate of the descriptor, in every process. So closing is a flag
//! (in the latch) and this: the wakers of those who wait. It is entered only when an operation would wait.

use std::sync::atomic::{AtomicBool, Ordering};

use anynet_core::Latch;
use anynet_util::Waiters;

/// Those who wait on one socket.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    /// Whether anybody can ring. A stream without a closer does not even look at the list.
    armed: AtomicBool,
    pub(crate) waiters: Waiters,
}

impl Bell {
    /// From now on, waiters take a seat. Called before a closer is handed out.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed)
    }

    /// Awaits `future`, or the close: then it is `None`, and the future is dropped.
    pub(crate) async fn unless_closed<T>(&self, latch: &Latch, future: impl Future<Output = T>) -> Option<T> {
        self.waiters.unless(|| latch.is_closed(), future).await
    }
}
