//! The runtime that a builder makes its socket on.

use anynet_core::{Cause, Runtime};

/// The runtime that was named, or else the one that this code runs on.
pub(crate) fn named_or_current<R: Runtime>(named: Option<R>) -> Result<R, Cause> {
    named.map_or_else(R::current, Ok).map_err(Cause::from)
}
