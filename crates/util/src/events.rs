//! Events for `tracing`, with the feature of that name; else nothing. Never what is sent or received.
//!
//! Fields are formatted by whoever takes the event: without a subscriber there is one comparison, and no allocation.

use std::net::SocketAddr;
use std::time::Duration;

use crate::connect::Outcome;
use crate::serve::ServeError;

/// An attempt to connect to `address` begins.
#[cfg(feature = "tracing")]
pub(crate) fn attempt_begun(address: SocketAddr) {
    tracing::debug!(%address, "connecting");
}

/// An attempt to connect to `address` has ended so.
#[cfg(feature = "tracing")]
pub(crate) fn attempt_ended(address: SocketAddr, took: Duration, outcome: &Outcome) {
    match outcome {
        Outcome::Connected => tracing::debug!(%address, ?took, "connected"),
        Outcome::Failed(cause) => tracing::info!(%address, ?took, %cause, "an attempt to connect failed"),
        Outcome::GivenUp => tracing::debug!(%address, ?took, "an attempt to connect was given up"),
    }
}

/// Something went wrong while serving.
#[cfg(feature = "tracing")]
pub(crate) fn serve_error(error: &ServeError) {
    use anynet_core::AcceptError;

    let cause = std::error::Error::source(error);
    let peer = error.peer().map(tracing::field::display);
    match error {
        ServeError::Failed { .. } => tracing::info!(peer, cause, "a connection failed"),
        ServeError::Panicked { panic, .. } => tracing::error!(peer, %panic, "a handler panicked"),
        ServeError::Accept(AcceptError::TurnedAway { clients, cause }) => {
            tracing::warn!(clients, %cause, "no descriptor is left: clients were turned away");
        }
        ServeError::Accept(AcceptError::Exhausted(cause)) => {
            tracing::warn!(%cause, "no descriptor or memory is left: clients wait");
        }
        ServeError::Accept(_) => tracing::info!(cause, "a connection could not be accepted"),
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn attempt_begun(_: SocketAddr) {}

#[cfg(not(feature = "tracing"))]
pub(crate) fn attempt_ended(_: SocketAddr, _: Duration, _: &Outcome) {}

#[cfg(not(feature = "tracing"))]
pub(crate) fn serve_error(_: &ServeError) {}
