//! Why an operation on a raw socket failed.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use anynet_core::Cause;

use super::SocketAddress;

/// Why an operation on a raw [`Socket`](super::Socket) failed.
///
/// A raw socket remembers none of it but `Closed`: what the system says to the next operation is its own affair.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SocketError {
    /// Our side closed the socket or detached its descriptor, before the operation or while it waited; or gave up a
    /// connect. Final.
    Closed,
    /// The peer finished in order, and everything that it sent has been received. Only a receive says so, on a socket
    /// with connections (`SOCK_STREAM`, `SOCK_SEQPACKET`).
    EndOfStream,
    /// There is no runtime here to make a socket on.
    NoRuntime(Cause),
    /// The socket could not be connected to an address.
    Connect {
        /// The address.
        address: Box<SocketAddress>,
        /// What the system said.
        cause: Cause,
    },
    /// The socket could not be bound to an address.
    Bind {
        /// The address.
        address: Box<SocketAddress>,
        /// What the system said.
        cause: Cause,
    },
    /// The system refused another call.
    System(Cause),
}

impl SocketError {
    /// What the failure amounts to.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Closed => io::ErrorKind::NotConnected,
            Self::EndOfStream => io::ErrorKind::UnexpectedEof,
            _ => self.cause().map_or(io::ErrorKind::Other, Cause::kind),
        }
    }

    /// The operating system's error number (`errno`), if it comes from there.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.cause().and_then(Cause::raw_os_error)
    }

    fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Closed | Self::EndOfStream => None,
            Self::NoRuntime(cause)
            | Self::Connect { cause, .. }
            | Self::Bind { cause, .. }
            | Self::System(cause) => Some(cause),
        }
    }
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the socket was closed on this side"),
            Self::EndOfStream => f.write_str("end of stream"),
            Self::NoRuntime(_) => f.write_str("there is no runtime to make a socket on"),
            Self::Connect { address, .. } => write!(f, "cannot connect to {address}"),
            Self::Bind { address, .. } => write!(f, "cannot bind to {address}"),
            Self::System(_) => f.write_str("the system refused the operation"),
        }
    }
}

impl StdError for SocketError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause().map(|cause| cause as _)
    }
}

/// What the system says about a call that is about no address.
impl From<io::Error> for SocketError {
    fn from(error: io::Error) -> Self {
        Self::System(error.into())
    }
}

impl From<SocketError> for io::Error {
    fn from(error: SocketError) -> Self {
        match error {
            SocketError::System(cause) => cause.into(),
            error => Self::new(error.kind(), error),
        }
    }
}

impl From<SocketError> for anynet_core::Error {
    fn from(error: SocketError) -> Self {
        Self::Io(error.into())
    }
}
