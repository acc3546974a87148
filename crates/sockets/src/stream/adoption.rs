//! Taking streams and listeners over, and giving them away.

use std::io;
use std::os::fd::OwnedFd;

use anynet_core::Runtime;

use super::{StreamListener, StreamReceiveHalf, StreamSendHalf, StreamSocket};
use crate::adopt::{AdoptError, Handle, IntoFdError, Role, adopt, give, on_current};
use crate::kind::Kind;
use crate::link::Link;
use crate::receive::Receiver;
use crate::send::Sender;
use crate::shared::Ends;

impl<R: Runtime, K: Kind> StreamSocket<R, K> {
    /// Takes over a connected socket, which is set non-blocking (for its duplicates too) and close-on-exec. Its options,
    /// `TCP_NODELAY` among them, stay as they are. Needs one more descriptor for a moment.
    ///
    /// # Errors
    ///
    /// If it is not a connected socket of this kind, or cannot be registered. The error has the descriptor, as it was.
    pub fn from_fd(runtime: R, fd: OwnedFd) -> Result<Self, AdoptError> {
        let (source, addresses) = adopt::<R, K>(&runtime, fd, Role::Connected)?;
        let ends = Ends::new(runtime, Some(addresses.local), addresses.peer);
        let link = Link::new(source, ends);
        Ok(Self::from_parts(Receiver::new(false), Sender::new(false), link))
    }

    /// Stops watching the descriptor and moves it out: open, non-blocking and close-on-exec. What has arrived and was not
    /// received is still there.
    ///
    /// # Errors
    ///
    /// If the stream was closed, here or through a [`Closer`](anynet_core::Closer). It comes back with the error.
    pub fn into_fd(self) -> Result<OwnedFd, IntoFdError<Self>> {
        give(self)
    }

    /// A stream of its own on the same connection: dup(2). The two share the connection, in the system, and nothing else:
    /// each byte goes to whichever receives it, an end that one sends is the end of both, and a close of one drops what
    /// has arrived for both; but neither knows of the other's `Closed`, and a [`Closer`](anynet_core::Closer) closes one.
    ///
    /// # Errors
    ///
    /// If the stream was closed, no descriptor is left, or the duplicate cannot be registered.
    pub fn try_clone(&self) -> io::Result<Self> {
        let fd = self.link.duplicate()?;
        let local = Some(self.local_address());
        Self::from_connected(self.runtime().clone(), fd, local, self.peer_address(), false)
    }
}

/// On the current runtime; see [`from_fd`](Self::from_fd).
impl<R: Runtime, K: Kind> TryFrom<OwnedFd> for StreamSocket<R, K> {
    type Error = AdoptError;

    fn try_from(fd: OwnedFd) -> Result<Self, AdoptError> {
        on_current::<R, K, Self>(fd, Role::Connected, Self::from_fd)
    }
}

impl<R: Runtime, K: Kind> StreamListener<R, K> {
    /// Takes over a listening socket, which is set non-blocking (for its duplicates too) and close-on-exec. Its options
    /// stay as they are. Needs one more descriptor for a moment.
    ///
    /// # Errors
    ///
    /// If it is not a listening socket of this kind, or cannot be registered. The error has the descriptor, as it was.
    pub fn from_fd(runtime: R, fd: OwnedFd) -> Result<Self, AdoptError> {
        let (source, addresses) = adopt::<R, K>(&runtime, fd, Role::Listening)?;
        let ends = Ends::new(runtime, Some(addresses.local), None);
        Ok(Self::from_link(Link::new(source, ends)))
    }

    /// Stops watching the descriptor and moves it out: open, non-blocking and close-on-exec. It goes on listening, and
    /// connections that wait stay in its queue.
    ///
    /// # Errors
    ///
    /// If the listener was closed, here or through a [`Closer`](anynet_core::Closer). It comes back with the error.
    pub fn into_fd(self) -> Result<OwnedFd, IntoFdError<Self>> {
        give(self)
    }

    /// A listener of its own on the same queue of connections: dup(2). Each connection goes to whichever accepts it, and
    /// closing one leaves the other listening. The file of a UNIX listener goes with the one that bound it.
    ///
    /// # Errors
    ///
    /// If the listener was closed, no descriptor is left, or the duplicate cannot be registered.
    pub fn try_clone(&self) -> io::Result<Self> {
        Self::from_listening(self.runtime().clone(), self.link.duplicate()?, None)
    }
}

/// On the current runtime; see [`from_fd`](Self::from_fd).
impl<R: Runtime, K: Kind> TryFrom<OwnedFd> for StreamListener<R, K> {
    type Error = AdoptError;

    fn try_from(fd: OwnedFd) -> Result<Self, AdoptError> {
        on_current::<R, K, Self>(fd, Role::Listening, Self::from_fd)
    }
}

impl<R: Runtime, K: Kind> StreamReceiveHalf<R, K> {
    /// As [`StreamSocket::into_fd`], once the other half is gone.
    ///
    /// # Errors
    ///
    /// If the other half holds the connection, or this one was closed. It comes back with the error.
    pub fn into_fd(self) -> Result<OwnedFd, IntoFdError<Self>> {
        give(self)
    }
}

impl<R: Runtime, K: Kind> StreamSendHalf<R, K> {
    /// As [`StreamSocket::into_fd`], once the other half is gone. No end is sent.
    ///
    /// # Errors
    ///
    /// If the other half holds the connection, or this one was closed. It comes back with the error.
    pub fn into_fd(self) -> Result<OwnedFd, IntoFdError<Self>> {
        give(self)
    }
}

/// [`Handle`] for a type with a `link`, and these fields that may wait.
macro_rules! handle {
    ($($handle:ident { $($field:ident = $fresh:expr),* })*) => {$(
        impl<R: Runtime, K: Kind> Handle for $handle<R, K> {
            type Runtime = R;
            type Kind = K;

            fn link(&mut self) -> &mut Link<R, K> {
                &mut self.link
            }

            fn forget_waits(&mut self) {
                $(self.$field = $fresh;)*
            }
        }
    )*};
}

handle! {
    StreamSocket { receiver = Receiver::new(false), sender = Sender::new(false) }
    StreamListener {}
    StreamReceiveHalf { receiver = Receiver::new(false) }
    StreamSendHalf { sender = Sender::new(false) }
}
