//! A time limit that ran out.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Something took longer than it may.
///
/// Prints what, and how long that was: `not done within 5s`, `idle for 60s`. Where it is the cause of a stream that is
/// `Broken`, it is inside the [`Cause`](crate::Cause)'s error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimedOut {
    /// Which limit it was.
    pub which: TimeLimit,
    /// How long that is.
    pub limit: Duration,
}

/// What is limited in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeLimit {
    /// An operation with a deadline.
    Deadline,
    /// A connection without a byte in either direction, whatever its handler is doing.
    Idle,
    /// A receive or a send that waits, without a byte in either direction.
    Progress,
    /// A send that waits, without a byte that is taken.
    Send,
    /// What comes before a connection can be used: that of TLS, say.
    Handshake,
}

impl TimedOut {
    /// Of `which`, after `limit`.
    pub const fn new(which: TimeLimit, limit: Duration) -> Self {
        Self { which, limit }
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        match self.which {
            TimeLimit::Deadline => write!(f, "not done within {limit:?}"),
            TimeLimit::Idle => write!(f, "idle for {limit:?}"),
            TimeLimit::Progress => write!(f, "no byte moved for {limit:?}"),
            TimeLimit::Send => write!(f, "the peer took no byte for {limit:?}"),
            TimeLimit::Handshake => write!(f, "the handshake took longer than {limit:?}"),
        }
    }
}

impl Error for TimedOut {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_took_too_long_and_how_long_that_was() {
        for (which, text) in [
            (TimeLimit::Deadline, "not done within 1.5s"),
            (TimeLimit::Idle, "idle for 1.5s"),
            (TimeLimit::Progress, "no byte moved for 1.5s"),
            (TimeLimit::Send, "the peer took no byte for 1.5s"),
            (TimeLimit::Handshake, "the handshake took longer than 1.5s"),
        ] {
            let timed_out = TimedOut::new(which, Duration::from_millis(1500));
            assert_eq!(timed_out.to_string(), text);
        }
    }
}
