//! How long operations may wait while no byte moves.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use anynet_core::Executor;

use super::stream::Watch;

/// What may wait, one of each at a time: a proxy has several.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Receive,
    Send,
    /// What waits until everything was sent: a flush, an end, a close. It moves no byte, and says nothing of a send.
    Flush,
}

/// The time that the operations of a stream have waited.
pub(super) struct Progress<E: Executor> {
    limit: Duration,
    /// Since when each operation waits, by the time of the watch.
    since: [Option<Duration>; 3],
    /// When the handler is woken to look again. Left as it is when nobody waits any more: that costs a poll, and no timer for
    /// each operation.
    alarm: Option<(Duration, E::Sleep)>,
}

impl<E: Executor> Progress<E> {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            since: [None; 3],
            alarm: None,
        }
    }

    /// An operation is done: the next one waits from its own begin.
    pub(super) fn done(&mut self, operation: Operation) {
        self.since[operation as usize] = None;
    }

    /// Whether an operation, which has to wait, has waited too long.
    pub(super) fn is_over<S>(
        &mut self,
        operation: Operation,
        executor: &E,
        watch: &Watch<S>,
        cx: &mut Context<'_>,
    ) -> bool {
        let (now, moved) = (watch.now(executor), watch.moved());
        let since = self.since[operation as usize].get_or_insert(now);
        let due = |since: Duration| since.max(moved).saturating_add(self.limit);
        // Whoever waits is woken when its time is over. One that comes much later is another operation, of a handler that
        // dropped the first and was busy.
        if now.saturating_sub(due(*since)) > self.limit / 4 {
            *since = now;
        }
        let due = due(*since);
        if due <= now {
            return true;
        }
        loop {
            let (at, sleep) = match &mut self.alarm {
                Some(alarm) if alarm.0 <= due => alarm,
                alarm => alarm.insert((due, executor.sleep(due - now))),
            };
            if Pin::new(sleep).poll(cx).is_pending() {
                return false;
            }
            // One for this very time: it is over, or there is no clock any more.
            if *at == due {
                return true;
            }
            self.alarm = None; // for an earlier one
        }
    }
}
