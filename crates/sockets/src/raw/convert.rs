//! Raw sockets from descriptors, and from the sockets of others.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use anynet_core::Runtime;
use socket2::SockRef;

use super::socket::{Identity, current};
use super::{Socket, SocketError};

impl<R: Runtime> Socket<R> {
    /// Takes a descriptor over, whatever kind of socket it is; the system is asked which. It becomes close-on-exec, and
    /// non-blocking for everybody who has the same socket. To leave it to its owner, give a duplicate
    /// (`BorrowedFd::try_clone_to_owned`), which does not change that the two are one socket.
    ///
    /// # Errors
    ///
    /// `ENOTSOCK` if it is no socket. The descriptor comes back as it was.
    pub fn from_fd(runtime: &R, fd: OwnedFd) -> Result<Self, SocketFromError> {
        match prepare(&fd) {
            Ok(identity) => Ok(Self::new_from(runtime.clone(), fd, identity)),
            Err(error) => Err(SocketFromError {
                fd,
                reason: error.into(),
            }),
        }
    }

    /// As [`from_fd`](Self::from_fd), from a socket of the standard library, of socket2, or of others who give theirs away.
    ///
    /// # Errors
    ///
    /// As for [`from_fd`](Self::from_fd).
    pub fn from_std(runtime: &R, socket: impl Into<OwnedFd>) -> Result<Self, SocketFromError> {
        Self::from_fd(runtime, socket.into())
    }
}

/// Asks what it is, and changes how it behaves only if it is a socket.
fn prepare(fd: &OwnedFd) -> io::Result<Identity> {
    let socket = SockRef::from(fd);
    let identity = Identity::of(&socket)?;
    socket.set_cloexec(true)?;
    #[cfg(target_vendor = "apple")]
    socket.set_nosigpipe(true)?; // there it is not a flag of each send
    socket.set_nonblocking(true)?;
    Ok(identity)
}

/// Why a descriptor did not become a [`Socket`], and the descriptor.
#[derive(Debug)]
pub struct SocketFromError {
    fd: OwnedFd,
    reason: SocketError,
}

impl SocketFromError {
    /// What was wrong.
    pub fn reason(&self) -> &SocketError {
        &self.reason
    }

    /// The descriptor, as it was.
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }
}

impl fmt::Display for SocketFromError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the descriptor cannot be used as a socket")
    }
}

impl StdError for SocketFromError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.reason)
    }
}

/// The descriptor is closed.
impl From<SocketFromError> for SocketError {
    fn from(error: SocketFromError) -> Self {
        error.reason
    }
}

/// The descriptor is closed.
impl From<SocketFromError> for io::Error {
    fn from(error: SocketFromError) -> Self {
        error.reason.into()
    }
}

/// The descriptor is closed.
impl From<SocketFromError> for anynet_core::Error {
    fn from(error: SocketFromError) -> Self {
        error.reason.into()
    }
}

/// `TryFrom`, on the current runtime, for what gives its descriptor away.
macro_rules! from_sockets {
    ($($socket:ty),* $(,)?) => {$(
        /// On the current runtime.
        impl<R: Runtime> TryFrom<$socket> for Socket<R> {
            type Error = SocketFromError;

            fn try_from(socket: $socket) -> Result<Self, SocketFromError> {
                let fd = OwnedFd::from(socket);
                match current() {
                    Ok(runtime) => Self::from_fd(&runtime, fd),
                    Err(reason) => Err(SocketFromError { fd, reason }),
                }
            }
        }
    )*};
}

from_sockets!(
    OwnedFd,
    TcpListener,
    TcpStream,
    UdpSocket,
    UnixDatagram,
    UnixListener,
    UnixStream,
    socket2::Socket,
);
