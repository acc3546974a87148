//! What can go wrong while serving, without ending it.

use std::fmt;

use anynet_core::{AcceptError, Error, fmt_with_causes};

use super::Panic;

/// Something that went wrong while serving, and did not end it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// A handler returned an error.
    Failed(Error),
    /// A handler panicked; this is what it panicked with.
    Panicked(Panic),
    /// An accept failed in a way that does not end the listener.
    Accept(AcceptError),
}

/// Its own level; with `{:#}` its causes too.
impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_with_causes(self, f, |f| match self {
            Self::Failed(_) => f.write_str("a connection failed"),
            Self::Panicked(panic) => write!(f, "a handler panicked: {panic}"),
            Self::Accept(_) => f.write_str("a connection could not be accepted"),
        })
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Panicked(_) => None,
            Self::Accept(error) => Some(error),
        }
    }
}
