//! A handle's link to its socket, until it lets go.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use anynet_core::{Close, Closer, LocalAddress, PeerAddress, Request, Runtime, Source};

use crate::shared::{Ends, Shared, UNSPECIFIED};
use crate::socket;

/// A handle's link to its socket. The last one to let go closes the descriptor.
#[derive(Debug)]
pub(crate) struct Link<R: Runtime>(State<R>);

#[derive(Debug)]
enum State<R: Runtime> {
    Open(Arc<Shared<R>>),
    Released(Box<Ends<R>>),
}

impl<R: Runtime> Link<R> {
    pub(crate) fn new(source: R::Source, ends: Ends<R>) -> Self {
        Self(State::Open(Arc::new(Shared::new(source, ends))))
    }

    /// What the handles share, unless this one let go or the socket was closed.
    #[inline]
    pub(crate) fn open(&self) -> Option<&Shared<R>> {
        match &self.0 {
            State::Open(shared) if !shared.latch.is_closed() => Some(shared),
            _ => None,
        }
    }

    /// A link for another handle.
    pub(crate) fn share(&self) -> Self {
        Self(match &self.0 {
            State::Open(shared) => State::Open(shared.clone()),
            State::Released(ends) => State::Released(ends.clone()),
        })
    }

    /// Whether both are open links to one socket.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (State::Open(one), State::Open(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Closes the socket for all its handles, and lets go of it.
    pub(crate) fn close(&mut self) {
        if let State::Open(shared) = &self.0 {
            Close::close(&**shared);
        }
        drop(self.take());
    }

    /// Resets the connection for all its handles, and lets go of it.
    pub(crate) fn abort(&mut self) {
        if let State::Open(shared) = &self.0 {
            Close::abort(&**shared);
        }
        drop(self.take());
    }

    /// Lets go of the socket; closes it, if this was the last handle.
    pub(crate) fn release(&mut self) {
        if let State::Open(shared) = &self.0 {
            if Arc::strong_count(shared) == 1 {
                shared.latch.close();
            }
            drop(self.take());
        }
    }

    /// Moves the link out. What stays behind still knows the addresses.
    pub(crate) fn take(&mut self) -> Self {
        let ends = match &self.0 {
            State::Open(shared) => {
                shared.local(); // nobody can be asked later
                Box::new(shared.ends.clone())
            }
            State::Released(ends) => ends.clone(),
        };
        Self(std::mem::replace(&mut self.0, State::Released(ends)))
    }

    /// Stops watching the descriptor and gives it back, open and non-blocking.
    pub(crate) fn into_fd(mut self) -> io::Result<OwnedFd> {
        let released = State::Released(Box::new(self.ends().clone()));
        match std::mem::replace(&mut self.0, released) {
            State::Open(shared) => Arc::into_inner(shared)
                .and_then(|shared| shared.source.into_fd())
                .ok_or_else(|| {
                    io::Error::new(
                        io::ErrorKind::ResourceBusy,
                        "another handle of the socket is in use",
                    )
                }),
            State::Released(_) => Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "the socket was closed",
            )),
        }
    }

    pub(crate) fn local(&self) -> SocketAddr {
        match &self.0 {
            State::Open(shared) => shared.local(),
            State::Released(ends) => ends.local(),
        }
    }

    /// The peer's address. Only streams ask; what has no peer answers with the unspecified address.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.ends().peer.unwrap_or(UNSPECIFIED)
    }

    pub(crate) fn ends(&self) -> &Ends<R> {
        match &self.0 {
            State::Open(shared) => &shared.ends,
            State::Released(ends) => ends,
        }
    }

    /// A closer; one that does nothing if this handle let go.
    pub(crate) fn closer(&self) -> Closer {
        match &self.0 {
            State::Open(shared) => {
                shared.bell.arm();
                let shared: Arc<dyn Close> = shared.clone();
                Closer::new(Arc::downgrade(&shared))
            }
            State::Released(_) => Closer::new(std::sync::Weak::<Shared<R>>::new()),
        }
    }

    /// A closer, if one was made before: a half that already waits could not hear the first.
    pub(crate) fn closer_if_armed(&self) -> Option<Closer> {
        match &self.0 {
            State::Open(shared) if shared.bell.is_armed() => Some(self.closer()),
            _ => None,
        }
    }

    /// Answers what every handle of a socket knows.
    pub(crate) fn addresses(&self, request: &mut Request<'_, '_>) {
        request
            .provide(|| LocalAddress(self.local().into()))
            .provide_some(|| self.ends().peer.map(|peer| PeerAddress(peer.into())));
    }
}

impl<R: Runtime> Drop for Link<R> {
    fn drop(&mut self) {
        // What has arrived goes first, or the system would answer the close with a reset.
        if let State::Open(shared) = &self.0
            && shared.latch.is_closed()
        {
            socket::discard_received(&shared.source);
        }
    }
}

impl<R: Runtime> AsFd for Link<R> {
    /// The descriptor; after a close, a value that every system call answers with `EBADF`.
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            State::Open(shared) => shared.source.as_fd(),
            State::Released(_) => rustix::fs::ABS,
        }
    }
}
