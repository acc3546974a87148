//! Giving a descriptor away.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;

use anynet_core::Runtime;

use crate::kind::Kind;
use crate::link::Link;

/// A handle that a descriptor can be taken out of.
pub(crate) trait Handle {
    type Runtime: Runtime;
    type Kind: Kind;

    fn link(&mut self) -> &mut Link<Self::Runtime, Self::Kind>;

    /// Gives up the waits of operations that were dropped: on some runtimes they hold on to the descriptor.
    fn forget_waits(&mut self);
}

/// Takes the descriptor out of a socket that has no other handle.
pub(crate) fn give<H: Handle>(mut socket: H) -> Result<OwnedFd, IntoFdError<H>> {
    let given = match socket.link().may_give() {
        Ok(()) => {
            socket.forget_waits();
            socket.link().give()
        }
        Err(Refusal::Closed) => {
            socket.forget_waits();
            socket.link().release();
            Err(Refusal::Closed)
        }
        Err(refusal) => Err(refusal),
    };
    given.map_err(|refusal| IntoFdError { socket, refusal })
}

/// Why a descriptor was not taken out of a socket; and the socket, as it was.
#[derive(Debug)]
pub struct IntoFdError<S> {
    socket: S,
    refusal: Refusal,
}

/// Why a descriptor is not given away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Refusal {
    Closed,
    Held,
    Lost,
}

impl<S> IntoFdError<S> {
    /// What it amounts to: [`ResourceBusy`](io::ErrorKind::ResourceBusy) if another handle holds the socket, the other half
    /// of a stream; [`NotConnected`](io::ErrorKind::NotConnected) if it was closed, here or through a
    /// [`Closer`](anynet_core::Closer); `Other` if the runtime failed to give the descriptor back, and the socket is closed.
    pub fn kind(&self) -> io::ErrorKind {
        self.refusal.kind()
    }

    /// The socket.
    pub fn into_socket(self) -> S {
        self.socket
    }
}

impl Refusal {
    pub(crate) fn kind(self) -> io::ErrorKind {
        match self {
            Self::Closed => io::ErrorKind::NotConnected,
            Self::Held => io::ErrorKind::ResourceBusy,
            Self::Lost => io::ErrorKind::Other,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the socket was closed on this side",
            Self::Held => "another handle holds the socket",
            Self::Lost => "the runtime did not give the descriptor back",
        })
    }
}

impl StdError for Refusal {}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.kind(), refusal)
    }
}

impl<S> fmt::Display for IntoFdError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl<S: fmt::Debug> StdError for IntoFdError<S> {}

/// The socket is dropped.
impl<S> From<IntoFdError<S>> for io::Error {
    fn from(error: IntoFdError<S>) -> Self {
        error.refusal.into()
    }
}

/// The socket is dropped.
impl<S> From<IntoFdError<S>> for anynet_core::Error {
    fn from(error: IntoFdError<S>) -> Self {
        Self::Io(error.into())
    }
}
