//! What was tried, and what came of it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anynet_core::{Address, Cause, FailedAttempt, TimeLimit, TimedOut};

use crate::events;

/// A connection, and the attempts that it took.
///
/// ```
/// # use anynet_core::{Error, Network};
/// use anynet_util::{Connected, HappyEyeballs, MemoryNetwork, Outcome};
///
/// fn tell<S>(connected: &Connected<S>) {
///     for attempt in &connected.attempts {
///         let (address, took) = (&attempt.address, attempt.took);
///         match &attempt.outcome {
///             Outcome::Connected => println!("{address}: connected after {took:?}"),
///             Outcome::Failed(cause) => println!("{address}: failed after {took:?}: {cause}"),
///             _ => println!("{address}: another one was faster, given up after {took:?}"),
///         }
///     }
/// }
///
/// # MemoryNetwork::run(async |network| {
/// #     let address = "192.0.2.1:80".parse().unwrap();
/// #     let _listener = network.listen(address).await?;
/// let attempt = |address| network.connect(address);
/// let connected = HappyEyeballs::new().connect(&network, "192.0.2.1:80", attempt).await?;
/// tell(&connected);
/// let stream = connected.stream;
/// #     drop(stream);
/// #     Ok::<_, Error>(())
/// # })
/// # .unwrap();
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Connected<S> {
    /// The stream.
    pub stream: S,
    /// Every attempt that was begun, in this order. One of them [connected](Outcome::Connected).
    pub attempts: Vec<Attempt>,
}

impl<S> Connected<S> {
    /// The same attempts, with another stream: what is made of the first.
    pub fn map<T>(self, make: impl FnOnce(S) -> T) -> Connected<T> {
        Connected {
            stream: make(self.stream),
            attempts: self.attempts,
        }
    }
}

/// One address that was tried.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// The address.
    pub address: Address,
    /// How long the attempt took, by the clock of the executor.
    pub took: Duration,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It was the first to succeed.
    Connected,
    /// It failed.
    Failed(Cause),
    /// Another one was faster.
    GivenUp,
}

/// The attempts of a race, from the begin of each.
#[derive(Debug, Default)]
pub(super) struct Log(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    address: SocketAddr,
    begun: Instant,
    /// How long it took and what came of it, once that is known.
    ended: Option<(Duration, Outcome)>,
}

impl Entry {
    /// How long it took if it ends now, and so. Tells of it.
    fn end(&self, now: Instant, outcome: Outcome) -> (Duration, Outcome) {
        let took = now.saturating_duration_since(self.begun);
        events::attempt_ended(self.address, took, &outcome);
        (took, outcome)
    }
}

impl Log {
    /// Writes down the begin of an attempt, tells of it, and gives its number.
    pub(super) fn begin(&mut self, address: SocketAddr, now: Instant) -> usize {
        events::attempt_begun(address);
        self.0.push(Entry {
            address,
            begun: now,
            ended: None,
        });
        self.0.len() - 1
    }

    pub(super) fn end(&mut self, number: usize, now: Instant, outcome: Outcome) {
        let entry = &mut self.0[number];
        entry.ended = Some(entry.end(now, outcome));
    }

    /// All of them; what is still under way is given up.
    pub(super) fn attempts(self, now: Instant) -> Vec<Attempt> {
        let attempt = |mut entry: Entry| {
            let ended = entry.ended.take();
            let (took, outcome) = ended.unwrap_or_else(|| entry.end(now, Outcome::GivenUp));
            Attempt {
                address: entry.address.into(),
                took,
                outcome,
            }
        };
        self.0.into_iter().map(attempt).collect()
    }

    /// All of them as failures; what is still under way has run out of time.
    pub(super) fn failed(self, now: Instant) -> Vec<FailedAttempt> {
        let failed = |attempt: Attempt| {
            let cause = match attempt.outcome {
                Outcome::Failed(cause) => cause,
                Outcome::Connected | Outcome::GivenUp => Cause::from(std::io::Error::from(TimedOut::new(
                    TimeLimit::Deadline,
                    attempt.took,
                ))),
            };
            FailedAttempt::new(attempt.address, cause).after(attempt.took)
        };
        self.attempts(now).into_iter().map(failed).collect()
    }
}
