//! A handle's link to its socket, until it lets go.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use anynet_core::{
    Address, Close, Closer, Family, LocalAddress, PeerAddress, PeerCredentials, Request, Runtime, Source,
};

use crate::adopt::Refusal;
use crate::kind::{Kind, KindAddress};
use crate::shared::{Ends, Shared};
use crate::unix::SocketFile;
use crate::{credentials, sys};

/// A handle's link to its socket. The last one to let go closes the descriptor.
pub(crate) struct Link<R: Runtime, K: Kind>(State<R, K>);

enum State<R: Runtime, K: Kind> {
    Open(Arc<Shared<R, K>>),
    Released(Box<Ends<R, K>>),
}

impl<R: Runtime, K: Kind> Link<R, K> {
    pub(crate) fn new(source: R::Source, ends: Ends<R, K>) -> Self {
        Self::with_file(source, ends, None)
    }

    /// A link to a socket that has bound `file`, which goes with the last handle.
    pub(crate) fn with_file(source: R::Source, ends: Ends<R, K>, file: Option<Box<SocketFile>>) -> Self {
        Self(State::Open(Arc::new(Shared::new(source, ends, file))))
    }

    /// What the handles share, unless this one let go or the socket was closed.
    #[inline]
    pub(crate) fn open(&self) -> Option<&Shared<R, K>> {
        match &self.0 {
            State::Open(shared) if !shared.latch.is_closed() => Some(shared),
            _ => None,
        }
    }

    /// A link for another handle.
    pub(crate) fn share(&self) -> Self {
        Self(match &self.0 {
            State::Open(shared) => State::Open(shared.share()),
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

    /// Closes the socket, of which this is the only handle.
    pub(crate) fn close(&mut self) {
        if let State::Open(shared) = &self.0 {
            shared.latch.close();
        }
        self.release();
    }

    /// Resets the connection, of which this is the only handle.
    pub(crate) fn abort(&mut self) {
        let Some(shared) = self.detach() else { return };
        shared.reset();
        if shared.leaves_last() {
            // What was received stays unread: where the system knows no reset, that tells the peer.
            drop(shared.alone());
        }
    }

    /// Lets go of the socket. If this was the last handle, the descriptor is closed, in order, when this returns.
    pub(crate) fn release(&mut self) {
        let Some(shared) = self.detach() else { return };
        if shared.leaves_last() {
            shared.discard_received();
            drop(shared.alone());
        }
    }

    /// Moves the link out. What stays behind still knows the addresses.
    pub(crate) fn take(&mut self) -> Self {
        match self.detach() {
            Some(shared) => Self(State::Open(shared)),
            None => self.share(),
        }
    }

    /// Moves what the handles share out, with this handle's place in it, if it has not let go.
    fn detach(&mut self) -> Option<Arc<Shared<R, K>>> {
        let State::Open(shared) = &self.0 else { return None };
        shared.local(); // nobody can be asked later
        let ends = Box::new(shared.ends.clone());
        match std::mem::replace(&mut self.0, State::Released(ends)) {
            State::Open(shared) => Some(shared),
            State::Released(_) => None,
        }
    }

    /// Whether the descriptor may be taken out: the socket is open, and this is its only handle.
    pub(crate) fn may_give(&self) -> Result<(), Refusal> {
        match self.open() {
            None => Err(Refusal::Closed),
            Some(shared) if !shared.has_one_handle() => Err(Refusal::Held),
            Some(_) => Ok(()),
        }
    }

    /// Stops watching the descriptor and moves it out, open and non-blocking. The caller has asked whether it may.
    pub(crate) fn give(&mut self) -> Result<OwnedFd, Refusal> {
        let shared = self.detach().ok_or(Refusal::Closed)?.alone();
        if shared.latch.is_closed() {
            shared.discard_received();
            return Err(Refusal::Closed);
        }
        if let Some(file) = shared.file {
            file.keep();
        }
        shared.source.into_fd().ok_or(Refusal::Lost)
    }

    /// Another descriptor of the socket, close-on-exec.
    pub(crate) fn duplicate(&self) -> io::Result<OwnedFd> {
        match self.open() {
            Some(shared) => shared.source.as_fd().try_clone_to_owned(),
            None => Err(Refusal::Closed.into()),
        }
    }

    pub(crate) fn local(&self) -> K::Address {
        match &self.0 {
            State::Open(shared) => shared.local(),
            State::Released(ends) => ends.local(),
        }
    }

    /// The peer's address. Only what is connected asks.
    pub(crate) fn peer(&self) -> K::Address {
        self.ends().peer.clone().unwrap_or_else(K::Address::unknown)
    }

    pub(crate) fn ends(&self) -> &Ends<R, K> {
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
            State::Released(_) => Closer::new(std::sync::Weak::<Shared<R, K>>::new()),
        }
    }

    /// A closer, if one was made before: a half that already waits could not hear the first.
    pub(crate) fn closer_if_armed(&self) -> Option<Closer> {
        match &self.0 {
            State::Open(shared) if shared.bell.is_armed() => Some(self.closer()),
            _ => None,
        }
    }

    /// Who is at the other end, as the system says.
    pub(crate) fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        match self.open() {
            Some(shared) => credentials::of_peer(&shared.source),
            None => Err(Refusal::Closed.into()),
        }
    }

    /// Answers what every handle of a socket knows.
    pub(crate) fn facts<'a>(&'a self, request: &mut Request<'_, 'a>) {
        request
            .provide(|| LocalAddress(self.local().into()))
            .provide_some(|| self.ends().peer.clone().map(|peer| PeerAddress(peer.into())))
            .provide(|| self.family())
            .offer_socket(|| self.open().map(|shared| shared.source.as_fd()));
        if K::Address::HAS_CREDENTIALS && self.ends().peer.is_some() {
            request.try_provide(|| self.peer_credentials());
        }
    }

    /// The family. The local address may be one that nobody knows, but not where there is no peer.
    fn family(&self) -> Family {
        let peer = self.ends().peer.clone();
        let address: Address = peer.unwrap_or_else(|| self.local()).into();
        address.family()
    }
}

impl<R: Runtime, K: Kind> Drop for Link<R, K> {
    fn drop(&mut self) {
        if let State::Open(shared) = &self.0
            && shared.leaves_last()
            && shared.latch.is_closed()
        {
            // Closed through a closer, and its owner has not called since: the end should be in order all the same.
            shared.discard_received();
        }
    }
}

/// What it is linked to, in one line: `TCP { fd: 9, local: 127.0.0.1:80, peer: 127.0.0.1:40000 }`.
impl<R: Runtime, K: Kind> fmt::Debug for Link<R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct(K::NAME);
        match self.open() {
            Some(shared) => f.field("fd", &shared.source.as_fd().as_raw_fd()),
            None => f.field("fd", &format_args!("closed")),
        };
        let local: Address = self.local().into();
        f.field("local", &format_args!("{local}"));
        if let Some(peer) = self.ends().peer.clone() {
            let peer: Address = peer.into();
            f.field("peer", &format_args!("{peer}"));
        }
        f.finish()
    }
}

/// `Debug` of a handle that keeps its link in a field `link`: what that says, and none of its own state.
macro_rules! debug_by_link {
    ($name:ident $(, $parameter:ident: $bound:path)?) => {
        impl<R: anynet_core::Runtime, K: $crate::kind::Kind $(, $parameter: $bound)?> std::fmt::Debug
            for $name<R, K $(, $parameter)?>
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.link).finish()
            }
        }
    };
}

pub(crate) use debug_by_link;

impl<R: Runtime, K: Kind> AsFd for Link<R, K> {
    /// The descriptor; after a close, a value that every system call answers with `EBADF`.
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.0 {
            State::Open(shared) => shared.source.as_fd(),
            State::Released(_) => sys::CLOSED,
        }
    }
}
