//! Why a descriptor was not taken over.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;

use anynet_core::Cause;

use super::Role;
use crate::kind::Kind;

/// Why a descriptor did not become a socket of anynet's; and the descriptor, as it was: neither its blocking mode nor its
/// close-on-exec flag is changed. (Where the [fault](Self::fault) is `Failed` it may have another number.)
///
/// As an [`io::Error`] or an [`anynet_core::Error`] it still holds the descriptor ([`io::Error::downcast`]), which is
/// closed when that is dropped.
#[derive(Debug)]
pub struct AdoptError {
    expected: String,
    found: String,
    fault: AdoptFault,
    fd: OwnedFd,
}

/// What was wrong with a descriptor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AdoptFault {
    /// It is not a socket.
    NotASocket,
    /// It is a socket of another family.
    Family,
    /// It is a socket of another type, such as a datagram socket offered as a stream.
    Type,
    /// It is a socket of another protocol, such as SCTP offered as TCP.
    Protocol,
    /// It is the right socket in another state: connected, listening, bound, or neither.
    State,
    /// There is no runtime here to put it on.
    NoRuntime(Cause),
    /// The system did not tell what it is, had no descriptor to spare (one is needed for a moment), or the runtime could
    /// not watch it.
    Failed(Cause),
}

impl AdoptError {
    /// `found` is empty where that is not what was wrong.
    pub(super) fn new<K: Kind>(role: Role, fault: AdoptFault, found: String, fd: OwnedFd) -> Self {
        Self {
            expected: role.expected::<K>(),
            found,
            fault,
            fd,
        }
    }

    /// Of a descriptor that was to become a raw socket, which is of any kind.
    pub(crate) fn raw(fault: AdoptFault, fd: OwnedFd) -> Self {
        let found = match fault {
            AdoptFault::NotASocket => "something else".to_owned(),
            _ => String::new(),
        };
        Self {
            expected: "a socket".to_owned(),
            found,
            fault,
            fd,
        }
    }

    /// What was wrong.
    pub fn fault(&self) -> &AdoptFault {
        &self.fault
    }

    /// What the descriptor should have been: "a connected TCP socket".
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What it is: "an IPv4 datagram socket of protocol 17". `None` where that was not what was wrong.
    pub fn found(&self) -> Option<&str> {
        Some(self.found.as_str()).filter(|found| !found.is_empty())
    }

    /// What the failure amounts to: [`InvalidInput`](io::ErrorKind::InvalidInput) for a descriptor of the wrong sort, else
    /// the kind of the cause.
    pub fn kind(&self) -> io::ErrorKind {
        match &self.fault {
            AdoptFault::NoRuntime(cause) | AdoptFault::Failed(cause) => cause.kind(),
            _ => io::ErrorKind::InvalidInput,
        }
    }

    /// The descriptor, as it was.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

impl fmt::Display for AdoptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, found, .. } = self;
        match self.fault {
            AdoptFault::NoRuntime(_) => write!(f, "no runtime to put {expected} on"),
            AdoptFault::Failed(_) => write!(f, "cannot take {expected} over"),
            _ => write!(f, "expected {expected}, found {found}"),
        }
    }
}

impl StdError for AdoptError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.fault {
            AdoptFault::NoRuntime(cause) | AdoptFault::Failed(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<AdoptError> for io::Error {
    fn from(error: AdoptError) -> Self {
        Self::new(error.kind(), error)
    }
}

impl From<AdoptError> for anynet_core::Error {
    fn from(error: AdoptError) -> Self {
        Self::Io(error.into())
    }
}
