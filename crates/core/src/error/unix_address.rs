//! Why something is no address of a UNIX socket.

use std::io;

/// Why a text, a path or a name is not the address of a UNIX socket. Each keeps it, as
/// [`UnixAddress`](crate::UnixAddress) prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnixAddressError {
    /// The text is not the text of an address.
    Malformed {
        /// The text, as it was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The path is empty.
    EmptyPath,
    /// The path contains NUL. Abstract names may, and have a variant of their own.
    Nul {
        /// The path.
        text: String,
    },
    /// The path or the abstract name is longer than the system's addresses are.
    TooLong {
        /// The address.
        text: String,
        /// How long the path or the name is, in bytes.
        length: usize,
        /// How long it may be, in bytes.
        limit: usize,
    },
    /// There are no abstract names on this system.
    NoAbstractNames {
        /// The address.
        text: String,
    },
}

impl UnixAddressError {
    /// What the failure amounts to.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::NoAbstractNames { .. } => io::ErrorKind::Unsupported,
            Self::Malformed { .. } | Self::EmptyPath | Self::Nul { .. } | Self::TooLong { .. } => {
                io::ErrorKind::InvalidInput
            }
        }
    }
}
