//! How long operations may wait while no byte moves.

use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use anynet_core::{Executor, TimeLimit, TimedOut};

use super::stream::Watch;

/// What may wait, one of each at a time: a proxy has several.
#[derive(Clone, Copy)]
pub(super) enum Operation {
    Receive,
    Send,
    /// What waits until everything was sent: a flush, an end, a close. It moves no byte, and says nothing of a send.
    Flush,
}

/// How long operations may wait without a byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stalls {
    /// One in either direction.
    pub(super) progress: Option<Duration>,
    /// One that is sent, where it is not a receive that waits.
    pub(super) send: Option<Duration>,
}

impl Stalls {
    pub(super) fn any(self) -> bool {
        self.progress.is_some() || self.send.is_some()
    }
}

/// The time that the operations of a stream have waited.
pub(super) struct Progress<E: Executor> {
    limits: Stalls,
    /// When a byte was sent last.
    sent: Duration,
    waits: [Wait<E>; 3],
}

/// One operation, by the time of the watch. Each has an alarm of its own, for each may wait in a task of its own.
struct Wait<E: Executor> {
    since: Option<Duration>,
    /// When it is looked at again. Left as it is when nobody waits any more: that costs a poll, and no timer for each wait.
    alarm: Option<(Duration, E::Sleep)>,
}

impl<E: Executor> Progress<E> {
    pub(super) fn new(limits: Stalls) -> Self {
        let wait = || Wait {
            since: None,
            alarm: None,
        };
        Self {
            limits,
            sent: Duration::ZERO,
            waits: [wait(), wait(), wait()],
        }
    }

    /// An operation is done, and has `moved` a byte at that time: the next one waits from its own begin.
    pub(super) fn done(&mut self, operation: Operation, moved: Option<Duration>) {
        self.waits[operation as usize].since = None;
        if let (Operation::Send, Some(moved)) = (operation, moved) {
            self.sent = moved;
        }
    }

    /// Which limit has run out for an operation that has to wait.
    pub(super) fn poll<S>(
        &mut self,
        operation: Operation,
        executor: &E,
        watch: &Watch<S>,
        cx: &mut Context<'_>,
    ) -> Option<TimedOut> {
        let (now, moved, sent) = (watch.now(executor), watch.moved(), self.sent);
        let Stalls { progress, send } = self.limits;
        let send = send.filter(|_| !matches!(operation, Operation::Receive));
        // What runs out first, and when.
        let due = |since: Duration| {
            let ends = [
                (TimeLimit::Progress, progress, moved),
                (TimeLimit::Send, send, sent),
            ];
            let ends = ends.into_iter().filter_map(|(which, limit, last)| {
                let limit = limit?;
                Some((since.max(last).saturating_add(limit), TimedOut::new(which, limit)))
            });
            ends.min_by_key(|(due, _)| *due)
        };
        let Wait { since, alarm } = &mut self.waits[operation as usize];
        let since = since.get_or_insert(now);
        // Whoever waits is woken when its time is over. One that comes much later is another operation, of a handler that
        // dropped the first and was busy.
        let (over, TimedOut { limit, .. }) = due(*since)?;
        if now.saturating_sub(over) > limit / 4 {
            *since = now;
        }
        let (due, timed_out) = due(*since)?;
        if due <= now {
            return Some(timed_out);
        }
        loop {
            let (at, sleep) = alarm.get_or_insert_with(|| (due, executor.sleep(due - now)));
            if Pin::new(sleep).poll(cx).is_pending() {
                return None;
            }
            let at = *at;
            *alarm = None;
            // One for this very time: it is over, or there is no clock any more. Else it was for an earlier one.
            if at == due {
                return Some(timed_out);
            }
        }
    }
}
