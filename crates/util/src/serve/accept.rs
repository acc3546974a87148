//! The policy of accepting: which errors are passed over, when to wait, and when to let others run.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use anynet_core::{AcceptError, Executor, Listener, Result};

use super::ServeError;
use super::hub::Hub;
use super::statistics::Tally;

/// The first wait after an accept for which no descriptor or memory was left; doubled until [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(5);
/// Long enough to cost nothing, short enough that a client hears within a second that descriptors have come back.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// How many connections in a row may be lost before the loop waits between accepts: an error that persists (`EPERM` of a
/// security module) must not make it spin.
const MOST_LOST: u32 = 16;

/// How many connections are taken in one turn, unless it is set.
pub(crate) const BATCH: usize = 64;

/// Accepts from one listener.
pub(crate) struct Accepting<'a, L> {
    listener: &'a L,
    hub: &'a Hub,
    batch: usize,
    /// Accepts in this turn of the task, whatever came of them.
    taken: usize,
    /// Connections in a row that were lost.
    lost: u32,
    wait: Duration,
}

impl<'a, L: Listener> Accepting<'a, L> {
    pub(crate) fn new(listener: &'a L, hub: &'a Hub, batch: usize) -> Self {
        Self {
            listener,
            hub,
            batch,
            taken: 0,
            lost: 0,
            wait: FIRST_WAIT,
        }
    }

    /// Waits for the next connection; `None` if the listener was closed. Errors that do not end the listener are counted
    /// and told. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<L::Stream>> {
        loop {
            let error = match self.accept().await {
                Ok(stream) => {
                    self.hub.counters.count(Tally::Accepted);
                    (self.wait, self.lost) = (FIRST_WAIT, 0);
                    return Ok(Some(stream));
                }
                Err(error) => error,
            };
            match &error {
                AcceptError::Closed => return Ok(None),
                AcceptError::Connection(_) => {
                    self.count(Tally::Lost, 1, error);
                    self.lost = self.lost.saturating_add(1);
                    if self.lost >= MOST_LOST {
                        self.sleep(FIRST_WAIT).await;
                    }
                }
                // Whoever waited has been told: there is nobody to wait for.
                &AcceptError::TurnedAway { clients, .. } => {
                    self.count(Tally::TurnedAway, clients, error);
                    self.taken = self.taken.saturating_add(clients);
                }
                AcceptError::Exhausted(_) => {
                    self.count(Tally::Exhausted, 1, error);
                    let wait = self.wait;
                    self.wait = LONGEST_WAIT.min(wait * 2);
                    self.sleep(wait).await;
                }
                _ => return Err(error.into()),
            }
        }
    }

    fn count(&self, tally: Tally, number: usize, error: AcceptError) {
        self.hub.counters.add(tally, number);
        self.hub.report(ServeError::Accept(error));
    }

    async fn sleep(&mut self, wait: Duration) {
        self.taken = 0;
        self.listener.executor().sleep(wait).await;
    }

    /// One accept, after others could run if a batch is full.
    async fn accept(&mut self) -> Result<L::Stream, AcceptError> {
        if self.taken >= self.batch {
            self.taken = 0;
            yield_now().await;
        }
        let taken = &mut self.taken;
        let mut accept = pin!(self.listener.accept());
        poll_fn(|cx| {
            let accepted = accept.as_mut().poll(cx);
            *taken = if accepted.is_ready() { *taken + 1 } else { 0 };
            accepted
        })
        .await
    }
}

/// Lets other tasks run, and goes on at once.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
