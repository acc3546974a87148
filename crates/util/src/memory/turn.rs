//! Turns of sockets that are shared by reference: none is always ready.

use std::future::poll_fn;
use std::mem;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;

/// How many operations in a row may be ready before a socket lets other tasks run.
pub(super) const TURN: u8 = 64;

/// Counts the operations of a socket, whoever's they are.
#[derive(Debug, Default)]
pub(super) struct Turn(AtomicU8);

impl Turn {
    /// Begins an operation: when a turn is over, the other tasks have theirs first.
    pub(super) async fn begin(&self) {
        let mut waits = self.0.fetch_add(1, Ordering::Relaxed) % TURN == TURN - 1;
        poll_fn(|cx| {
            if mem::take(&mut waits) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}
