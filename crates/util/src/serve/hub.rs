//! What all connections of a server share: who hears of errors, and what is counted.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ServeError;
use super::statistics::{Counters, Tally};
use crate::events;

/// What all connections of a server share.
pub(crate) struct Hub {
    on_error: Box<dyn Fn(ServeError) + Send + Sync>,
    pub(crate) counters: Counters,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            on_error: Box::new(|_| ()),
            counters: Counters::new(),
        }
    }
}

impl Hub {
    pub(crate) fn set_hook(&mut self, hook: impl Fn(ServeError) + Send + Sync + 'static) {
        self.on_error = Box::new(hook);
    }

    /// Counts how a handler has ended, and tells the hook if it was not well.
    pub(crate) fn ended(&self, end: Result<(), ServeError>) {
        self.counters.count(match &end {
            Ok(()) => Tally::Finished,
            Err(ServeError::Panicked { .. }) => Tally::Panicked,
            Err(_) => Tally::Failed,
        });
        if let Err(error) = end {
            self.report(error);
        }
    }

    /// Tells the hook. It is the last resort for errors, so its own panic has nowhere to go.
    pub(crate) fn report(&self, error: ServeError) {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            events::serve_error(&error);
            (self.on_error)(error);
        }));
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counters.fmt(f)
    }
}
