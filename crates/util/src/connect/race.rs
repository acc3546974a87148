//! Futures that race: each has a start of its own, and the first to succeed ends all.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anynet_core::{Cause, ConnectError, Executor, TimeLimit, TimedOut};

use super::attempt::{Log, Outcome};

/// Begins an attempt at the first of `addresses`, and at the next whenever `delay` has passed or an attempt has failed.
/// The first that succeeds is returned, `None` if all have failed; the others are dropped.
pub(super) async fn race<E, S, F>(
    executor: &E,
    addresses: Vec<SocketAddr>,
    delay: Duration,
    attempt: impl Fn(SocketAddr) -> F,
    log: &mut Log,
) -> Result<Option<S>, ConnectError>
where
    E: Executor,
    F: Future<Output = Result<S, ConnectError>>,
{
    if let [address] = addresses[..] {
        // The commonest race by far: there is nobody to race against, and nothing to keep lists of.
        let number = log.begin(address, executor.now());
        let result = attempt(address).await;
        return end(log, number, executor.now(), result);
    }
    let mut race = Race {
        executor,
        addresses: addresses.into(),
        running: Vec::new(),
        next_is_due: None,
    };
    poll_fn(|cx| race.poll(cx, delay, &attempt, log)).await
}

struct Race<'a, E: Executor, F> {
    executor: &'a E,
    /// Those that were not tried yet.
    addresses: VecDeque<SocketAddr>,
    /// The attempts under way, with their numbers in the log.
    running: Vec<(usize, Pin<Box<F>>)>,
    /// When the next attempt begins, unless one fails before. `None`: at once.
    next_is_due: Option<E::Sleep>,
}

impl<E, S, F> Race<'_, E, F>
where
    E: Executor,
    F: Future<Output = Result<S, ConnectError>>,
{
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        delay: Duration,
        attempt: &impl Fn(SocketAddr) -> F,
        log: &mut Log,
    ) -> Poll<Result<Option<S>, ConnectError>> {
        // Those under way come first: whoever has succeeded by now makes a further attempt needless.
        let mut unseen = 0;
        loop {
            while let Some((number, running)) = self.running.get_mut(unseen) {
                match running.as_mut().poll(cx) {
                    Poll::Pending => unseen += 1,
                    Poll::Ready(result) => match end(log, *number, self.executor.now(), result) {
                        Ok(None) => {
                            self.running.remove(unseen);
                            self.next_is_due = None;
                        }
                        decided => return Poll::Ready(decided),
                    },
                }
            }
            if self.addresses.is_empty() && self.running.is_empty() {
                return Poll::Ready(Ok(None));
            }
            if let Some(sleep) = &mut self.next_is_due {
                ready!(Pin::new(sleep).poll(cx));
            }
            let Some(address) = self.addresses.pop_front() else {
                return Poll::Pending;
            };
            let number = log.begin(address, self.executor.now());
            self.running.push((number, Box::pin(attempt(address))));
            self.next_is_due = (!self.addresses.is_empty()).then(|| self.executor.sleep(delay));
        }
    }
}

/// Writes down what came of an attempt. `None`: it failed, as others may not; an error of any other kind ends the race.
fn end<S>(
    log: &mut Log,
    number: usize,
    now: Instant,
    result: Result<S, ConnectError>,
) -> Result<Option<S>, ConnectError> {
    match result {
        Ok(stream) => {
            log.end(number, now, Outcome::Connected);
            Ok(Some(stream))
        }
        Err(error) => {
            log.end(number, now, Outcome::Failed(cause(error)?));
            Ok(None)
        }
    }
}

/// Why an attempt at one address failed.
///
/// # Errors
///
/// What is wrong with more than this address.
fn cause(error: ConnectError) -> Result<Cause, ConnectError> {
    match error {
        ConnectError::Failed { attempts, .. } => {
            let last = attempts.into_iter().next_back();
            // One that tried none has no cause to tell.
            Ok(last.map_or_else(|| io::ErrorKind::Other.into(), |attempt| attempt.cause))
        }
        ConnectError::TimedOut { limit, .. } => {
            Ok(io::Error::from(TimedOut::new(TimeLimit::Deadline, limit)).into())
        }
        error => Err(error),
    }
}
