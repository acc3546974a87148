//! Raw sockets from descriptors, and from the sockets of others.

use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use anynet_core::Runtime;
use rustix::io::Errno;
use socket2::SockRef;

use super::Socket;
use crate::adopt::{AdoptError, AdoptFault};
use crate::identity::Identity;

impl<R: Runtime> Socket<R> {
    /// Takes a descriptor over, whatever kind of socket it is; the system is asked which. It becomes close-on-exec, and
    /// non-blocking for everybody who has the same socket. To leave it to its owner, give a duplicate
    /// (`BorrowedFd::try_clone_to_owned`), which does not change that the two are one socket.
    ///
    /// # Errors
    ///
    /// [`NotASocket`](AdoptFault::NotASocket). The descriptor comes back as it was.
    pub fn from_fd(runtime: R, fd: OwnedFd) -> Result<Self, AdoptError> {
        match prepare(&fd) {
            Ok(identity) => Ok(Self::new_from(runtime, fd, identity)),
            Err(error) => {
                let fault = match Errno::from_io_error(&error) {
                    Some(Errno::NOTSOCK) => AdoptFault::NotASocket,
                    _ => AdoptFault::Failed(error.into()),
                };
                Err(AdoptError::raw(fault, fd))
            }
        }
    }

    /// As [`from_fd`](Self::from_fd), from a socket of the standard library, of socket2, or of others who give theirs away.
    ///
    /// # Errors
    ///
    /// As for [`from_fd`](Self::from_fd).
    pub fn from_std(runtime: R, socket: impl Into<OwnedFd>) -> Result<Self, AdoptError> {
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

/// `TryFrom`, on the current runtime, for what gives its descriptor away.
macro_rules! from_sockets {
    ($($socket:ty),* $(,)?) => {$(
        /// On the current runtime.
        impl<R: Runtime> TryFrom<$socket> for Socket<R> {
            type Error = AdoptError;

            fn try_from(socket: $socket) -> Result<Self, AdoptError> {
                let fd = OwnedFd::from(socket);
                match R::current() {
                    Ok(runtime) => Self::from_fd(runtime, fd),
                    Err(error) => Err(AdoptError::raw(AdoptFault::NoRuntime(error.into()), fd)),
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
