//! What can go wrong while serving, without ending it.

use std::fmt;

use anynet_core::{AcceptError, Address, Error, fmt_with_causes};

use super::Panic;

/// Something that went wrong while serving, and did not end it.
///
/// Prints whose connection it was, where that is known: `the connection from 192.0.2.1:4711 failed`; with `{:#}` its causes
/// too: `… failed: idle for 60s`.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// A handler returned an error.
    #[non_exhaustive]
    Failed {
        /// The peer of the connection, if its stream knew one when it was accepted, and it has a name.
        peer: Option<Address>,
        /// What the handler returned.
        error: Error,
    },
    /// A handler panicked.
    #[non_exhaustive]
    Panicked {
        /// The peer, as above.
        peer: Option<Address>,
        /// What it panicked with.
        panic: Panic,
    },
    /// An accept failed in a way that does not end the listener.
    Accept(AcceptError),
}

impl ServeError {
    /// The peer whose connection it was, if that is known.
    pub fn peer(&self) -> Option<&Address> {
        match self {
            Self::Failed { peer, .. } | Self::Panicked { peer, .. } => peer.as_ref(),
            Self::Accept(_) => None,
        }
    }
}

/// Its own level; with `{:#}` its causes too.
impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_with_causes(self, f, |f| match self {
            Self::Failed { peer: None, .. } => f.write_str("a connection failed"),
            Self::Failed { peer: Some(peer), .. } => write!(f, "the connection from {peer} failed"),
            Self::Panicked { peer: None, panic } => write!(f, "a handler panicked: {panic}"),
            Self::Panicked {
                peer: Some(peer),
                panic,
            } => write!(f, "the handler of {peer} panicked: {panic}"),
            Self::Accept(_) => f.write_str("a connection could not be accepted"),
        })
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { error, .. } => Some(error),
            Self::Panicked { .. } => None,
            Self::Accept(error) => Some(error),
        }
    }
}
