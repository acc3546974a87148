//! What was asked of the system's tables, and why there was no answer.

use std::error::Error as StdError;
use std::ffi::OsString;
use std::fmt;
use std::io;

use anynet_core::Cause;

/// A question to one of the system's tables.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameQuery {
    /// For the number of the interface of this name.
    InterfaceName(OsString),
    /// For the name of the interface with this number.
    InterfaceIndex(u32),
    /// For the number of the protocol of this name.
    Protocol(String),
    /// For the port of a service.
    Service {
        /// The service.
        name: String,
        /// The protocol that it is offered over.
        protocol: String,
    },
}

/// Why a name has no number, or a number no name. Says what was asked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum NameError {
    /// The name cannot be one, so nobody was asked.
    Malformed {
        /// What was asked.
        query: NameQuery,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The system knows nothing by this name or number.
    Unknown {
        /// What was asked.
        query: NameQuery,
    },
    /// The look-up itself failed.
    Failed {
        /// What was asked.
        query: NameQuery,
        /// What the system said.
        cause: Cause,
    },
}

impl NameError {
    /// What was asked.
    pub fn query(&self) -> &NameQuery {
        match self {
            Self::Malformed { query, .. } | Self::Unknown { query } | Self::Failed { query, .. } => query,
        }
    }

    /// What the failure amounts to.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Malformed { .. } => io::ErrorKind::InvalidInput,
            Self::Unknown { .. } => io::ErrorKind::NotFound,
            Self::Failed { cause, .. } => cause.kind(),
        }
    }
}

impl fmt::Display for NameQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InterfaceName(name) => write!(f, "interface {name:?}"),
            Self::InterfaceIndex(index) => write!(f, "interface number {index}"),
            Self::Protocol(name) => write!(f, "protocol {name:?}"),
            Self::Service { name, protocol } => write!(f, "service {name:?} over {protocol:?}"),
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { query, reason } => write!(f, "malformed {query}: {reason}"),
            Self::Unknown { query } => write!(f, "there is no {query}"),
            Self::Failed { query, .. } => write!(f, "cannot look up {query}"),
        }
    }
}

impl StdError for NameError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Failed { cause, .. } => Some(cause),
            Self::Malformed { .. } | Self::Unknown { .. } => None,
        }
    }
}

impl From<NameError> for io::Error {
    fn from(error: NameError) -> Self {
        Self::new(error.kind(), error)
    }
}

impl From<NameError> for anynet_core::Error {
    fn from(error: NameError) -> Self {
        Self::Io(error.into())
    }
}
