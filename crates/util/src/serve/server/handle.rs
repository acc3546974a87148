//! What shuts a server down from elsewhere.

use std::future::pending;
use std::sync::Arc;

use super::super::signal::Signal;
use super::super::{Counters, Statistics};

/// Shuts a [`Server`](super::Server) down, and tells its statistics. Clones are of the same server; they keep nothing alive.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    stop: Arc<Signal>,
    counters: Counters,
}

impl ServerHandle {
    pub(super) fn new(stop: Arc<Signal>, counters: Counters) -> Self {
        Self { stop, counters }
    }

    /// Has the server stop accepting, and end once its connections have, or its grace is over. Does not wait for that:
    /// whoever awaits the server does. Again does nothing.
    pub fn shut_down(&self) {
        self.stop.set();
    }

    /// Waits until the server begins to shut down: for handlers whose connections would go on without need. Cancel-safe.
    pub async fn shutting_down(&self) {
        self.stop.unless_set(pending::<()>()).await;
    }

    /// What has become of the server's connections so far.
    pub fn statistics(&self) -> Statistics {
        self.counters.statistics()
    }
}
