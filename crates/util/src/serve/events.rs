//! Events for `tracing`, with the feature of that name; else nothing. Never what is sent or received.

use super::ServeError;

/// Something went wrong while serving.
#[cfg(feature = "tracing")]
pub(super) fn error(error: &ServeError) {
    use anynet_core::AcceptError;

    let cause = std::error::Error::source(error);
    match error {
        ServeError::Failed(_) => tracing::info!(cause, "a connection failed"),
        ServeError::Panicked(panic) => tracing::error!(%panic, "a handler panicked"),
        ServeError::Accept(AcceptError::TurnedAway { clients, cause }) => {
            tracing::warn!(clients, %cause, "no descriptor is left: clients were turned away");
        }
        ServeError::Accept(AcceptError::Exhausted(cause)) => {
            tracing::warn!(%cause, "no descriptor or memory is left: clients wait");
        }
        ServeError::Accept(_) => tracing::info!(cause, "a connection could not be accepted"),
    }
}

/// Something went wrong while serving.
#[cfg(not(feature = "tracing"))]
pub(super) fn error(_: &ServeError) {}
