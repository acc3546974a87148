//! Taking datagram sockets over, and giving them away.

use std::io;
use std::os::fd::OwnedFd;

use anynet_core::Runtime;

use super::{Connection, DatagramSocket};
use crate::adopt::{AdoptError, Handle, IntoFdError, Role, adopt, give, on_current};
use crate::kind::Kind;
use crate::link::Link;
use crate::shared::Ends;

impl<R: Runtime, K: Kind, C: Connection> DatagramSocket<R, K, C> {
    /// Takes over a socket, which is set non-blocking (for its duplicates too) and close-on-exec. Its options stay as they
    /// are. Needs one more descriptor for a moment.
    ///
    /// # Errors
    ///
    /// If it is not a socket of this kind that is connected, or for an [`Unconnected`](super::Unconnected) one not
    /// connected and, for UDP, bound; or if it cannot be registered. The error has the descriptor, as it was.
    pub fn from_fd(runtime: R, fd: OwnedFd) -> Result<Self, AdoptError> {
        let (source, addresses) = adopt::<R, K>(&runtime, fd, role::<C>())?;
        let ends = Ends::new(runtime, Some(addresses.local), addresses.peer);
        Ok(Self::new(source, ends, None))
    }

    /// Stops watching the descriptor and moves it out: open, non-blocking and close-on-exec. What has arrived and was not
    /// received is still there.
    ///
    /// # Errors
    ///
    /// If the socket was closed, here or through a [`Closer`](anynet_core::Closer). It comes back with the error.
    pub fn into_fd(self) -> Result<OwnedFd, IntoFdError<Self>> {
        give(self)
    }

    /// A socket of its own with the same address: dup(2). Each datagram goes to whichever receives it, and closing one
    /// leaves the other open. The file of a UNIX socket goes with the one that bound it.
    ///
    /// To share one socket between tasks, share a reference: each operation takes `&self`.
    ///
    /// # Errors
    ///
    /// If the socket was closed, no descriptor is left, or the duplicate cannot be registered.
    pub fn try_clone(&self) -> io::Result<Self> {
        let source = self.runtime().register(self.link.duplicate()?)?;
        let peer = self.link.ends().peer.clone();
        let ends = Ends::new(self.runtime().clone(), Some(self.local_address()), peer);
        Ok(Self::new(source, ends, None))
    }
}

/// On the current runtime; see [`from_fd`](Self::from_fd).
impl<R: Runtime, K: Kind, C: Connection> TryFrom<OwnedFd> for DatagramSocket<R, K, C> {
    type Error = AdoptError;

    fn try_from(fd: OwnedFd) -> Result<Self, AdoptError> {
        on_current::<R, K, Self>(fd, role::<C>(), Self::from_fd)
    }
}

impl<R: Runtime, K: Kind, C: Connection> Handle for DatagramSocket<R, K, C> {
    type Runtime = R;
    type Kind = K;

    fn link(&mut self) -> &mut Link<R, K> {
        &mut self.link
    }

    /// Waits borrow the socket: there are none.
    fn forget_waits(&mut self) {}
}

/// What is asked of a socket that is taken over.
fn role<C: Connection>() -> Role {
    if C::CONNECTED {
        Role::Connected
    } else {
        Role::Unconnected
    }
}
