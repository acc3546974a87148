//! What has become of connections, in numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts what becomes of connections, while they are served. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Counters(Arc<Tallies>);

/// What has become of connections so far: [`Counters::statistics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Connections that were taken from the listeners.
    pub accepted: u64,
    /// Connections whose handlers are running.
    pub open: u64,
    /// Handlers that returned `Ok`.
    pub finished: u64,
    /// Handlers that returned an error.
    pub failed: u64,
    /// Handlers that panicked.
    pub panicked: u64,
    /// Handlers that were dropped before their end: with the server, or when its patience was over.
    pub cancelled: u64,
    /// Connections beyond the limit of all.
    pub refused: u64,
    /// Connections beyond the limit of their peer.
    pub refused_to_peer: u64,
    /// Connections that failed before they were taken.
    pub lost: u64,
    /// Clients that were told by a close that descriptors or memory had run out.
    pub turned_away: u64,
    /// Accepts for which descriptors or memory had run out, and that left the client waiting.
    pub exhausted: u64,
}

#[derive(Debug, Default)]
struct Tallies([AtomicU64; Tally::Exhausted as usize + 1]);

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tally {
    Accepted,
    Finished,
    Failed,
    Panicked,
    Cancelled,
    Refused,
    RefusedToPeer,
    Lost,
    TurnedAway,
    Exhausted,
}

impl Counters {
    /// Counters at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counts at this moment. Each is exact; of two that change together, one may be read before and one after.
    pub fn statistics(&self) -> Statistics {
        // The ends are read before the beginnings: what ends in between then counts as open, and not as less than nothing.
        let [finished, failed, panicked, cancelled, refused, refused_to_peer] = [
            Tally::Finished,
            Tally::Failed,
            Tally::Panicked,
            Tally::Cancelled,
            Tally::Refused,
            Tally::RefusedToPeer,
        ]
        .map(|tally| self.read(tally));
        let accepted = self.read(Tally::Accepted);
        let ended = finished + failed + panicked + cancelled + refused + refused_to_peer;
        Statistics {
            accepted,
            open: accepted.saturating_sub(ended),
            finished,
            failed,
            panicked,
            cancelled,
            refused,
            refused_to_peer,
            lost: self.read(Tally::Lost),
            turned_away: self.read(Tally::TurnedAway),
            exhausted: self.read(Tally::Exhausted),
        }
    }

    pub(crate) fn count(&self, tally: Tally) {
        self.add(tally, 1);
    }

    pub(crate) fn add(&self, tally: Tally, number: usize) {
        // Released, so that whoever reads an end reads its beginning too.
        self.0.0[tally as usize].fetch_add(number as u64, Ordering::Release);
    }

    fn read(&self, tally: Tally) -> u64 {
        self.0.0[tally as usize].load(Ordering::Acquire)
    }
}
