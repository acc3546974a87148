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
    waits: [Wait<E>; 3],
}

/// One operation, by the time of the watch. Each has an alarm of its own, for each may wait in a task of its own.
struct Wait<E: Executor> {
    since: Option<Duration>,
    /// When it is looked at again. Left as it is when nobody waits any more: that costs a poll, and no timer for each wait.
    alarm: Option<(Duration, E::Sleep)>,
}

impl<E: Executor> Progress<E> {
    pub(super) fn new(limit: Duration) -> Self {
        let wait = || Wait {
            since: None,
            alarm: None,
        };
        Self {
            limit,
            waits: [wait(), wait(), wait()],
        }
    }

    /// An operation is done: the next one waits from its own begin.
    pub(super) fn done(&mut self, operation: Operation) {
        self.waits[operation as usize].since = None;
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
        let Wait { since, alarm } = &mut self.waits[operation as usize];
        let since = since.get_or_insert(now);
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
            let (at, sleep) = alarm.get_or_insert_with(|| (due, executor.sleep(due - now)));
            if Pin::new(sleep).poll(cx).is_pending() {
                return false;
            }
            let at = *at;
            *alarm = None;
            // One for this very time: it is over, or there is no clock any more. Else it was for an earlier one.
            if at == due {
                return true;
            }
        }
    }
}
