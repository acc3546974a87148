//! UNIX sequential packets: messages over a connection.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anynet_core::{AcceptError, Attributes, Closer, Request, Runtime, UnixAddress};
use socket2::Type;

use super::connect::UnixConnection;
use super::{SocketFile, UnixBind, UnixConnect};
use crate::adopt::{AdoptError, Handle, IntoFdError, Role, adopt, give, on_current};
use crate::datagram::{Connected, DatagramSocket};
use crate::kind::Kind;
use crate::link::Link;
use crate::options::live_option_methods;
use crate::shared::{Ends, Shared};
use crate::stream::{Reserve, accept};

/// The kind of UNIX sequential-packet sockets.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no values")]
pub enum Seqpacket {}

impl Kind for Seqpacket {
    type Address = UnixAddress;
    const NAME: &'static str = "UNIX sequential-packet";
    const TYPE: Type = Type::SEQPACKET;
    const PROTOCOLS: &'static [i32] = &[];
    const SHORT_IS_DRAINED: bool = false;
    const MESSAGES_END: bool = true;
}

/// A connection on the runtime `R` that carries messages (`SOCK_SEQPACKET`, unix(7)): each arrives whole and in order, and
/// none is lost. Made by [`connect`](Self::connect) or [`pair`](Self::pair), or by a [`UnixSeqpacketListener`].
///
/// It has the methods of a connected datagram socket, and an end:
///
/// * once the peer has closed, its messages are received first, and then every receive says `EndOfStream`, or `Broken` if
///   the peer left something of ours unread; sends are `Broken`;
/// * a message may have no bytes. Linux tells such a one and the end alike, so it is taken for the end, and lost, if the
///   peer has closed and nothing but such messages follow. Protocols with an end do without them.
///
/// There is no half-close.
pub type UnixSeqpacket<R> = DatagramSocket<R, Seqpacket, Connected>;

/// Of UNIX sequential packets only.
impl<R: Runtime> DatagramSocket<R, Seqpacket, Connected> {
    /// Connects to `to`, which may be a path, on the current runtime.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then.
    ///
    /// # Errors
    ///
    /// As [`UnixStream::connect`](super::UnixStream::connect); the kind is that of `EPROTOTYPE` if another type of socket is
    /// there.
    pub fn connect(to: impl Into<UnixAddress>) -> UnixConnect<R, Seqpacket> {
        UnixConnect::new(None, to.into())
    }

    /// As [`connect`](Self::connect), on `runtime`.
    pub fn connect_on(runtime: &R, to: impl Into<UnixAddress>) -> UnixConnect<R, Seqpacket> {
        UnixConnect::new(Some(runtime.clone()), to.into())
    }
}

/// Accepts UNIX sequential-packet connections on the runtime `R`. Made by [`bind`](Self::bind).
///
/// Any number of tasks may accept on one listener. Dropping it, or [`close`](Self::close), stops the listening and frees the
/// address; a [`Closer`] closes it from another task.
#[derive(Debug)]
pub struct UnixSeqpacketListener<R: Runtime> {
    link: Link<R, Seqpacket>,
    reserve: Reserve,
}

impl<R: Runtime> UnixSeqpacketListener<R> {
    /// Listens on `on`, which may be a path, on the current runtime. Its file is treated as that of a
    /// [`UnixListener`](super::UnixListener) is.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then.
    ///
    /// # Errors
    ///
    /// As [`UnixListener::bind`](super::UnixListener::bind).
    pub fn bind(on: impl Into<UnixAddress>) -> UnixBind<R, Seqpacket> {
        UnixBind::new(None, on.into())
    }

    /// As [`bind`](Self::bind), on `runtime`.
    pub fn bind_on(runtime: &R, on: impl Into<UnixAddress>) -> UnixBind<R, Seqpacket> {
        UnixBind::new(Some(runtime.clone()), on.into())
    }

    /// Takes over a listening socket, which is set non-blocking (for its duplicates too) and close-on-exec. Its options
    /// stay as they are. Needs one more descriptor for a moment.
    ///
    /// # Errors
    ///
    /// If it is not a listening socket of this kind, or cannot be registered. The error has the descriptor, as it was.
    pub fn from_fd(runtime: R, fd: OwnedFd) -> Result<Self, AdoptError> {
        let (source, addresses) = adopt::<R, Seqpacket>(&runtime, fd, Role::Listening)?;
        let ends = Ends::new(runtime, Some(addresses.local), None);
        Ok(Self {
            link: Link::new(source, ends),
            reserve: Reserve::new(),
        })
    }

    /// Stops watching the descriptor and moves it out: open, non-blocking and close-on-exec. It goes on listening.
    ///
    /// # Errors
    ///
    /// If the listener was closed, here or through a [`Closer`]. It comes back with the error.
    pub fn into_fd(self) -> Result<OwnedFd, IntoFdError<Self>> {
        give(self)
    }

    live_option_methods!();

    /// Waits for the next connection. Cancel-safe: a connection is never taken and lost.
    ///
    /// # Errors
    ///
    /// [`AcceptError`] says which of them end the listener and which do not.
    pub async fn accept(&self) -> Result<UnixSeqpacket<R>, AcceptError> {
        accept(
            &self.link,
            &self.reserve,
            |listener: &Shared<R, Seqpacket>, fd, peer| {
                UnixSeqpacket::connected(
                    listener.ends.runtime.clone(),
                    fd,
                    Some(listener.local()),
                    peer,
                    None,
                )
            },
        )
        .await
    }

    /// Stops listening and frees the address. Connections that wait to be accepted are reset by the system.
    pub fn close(&mut self) {
        self.link.close();
        self.reserve.release();
    }

    /// What closes this listener from another task. The address is free once the listener is dropped.
    pub fn closer(&self) -> Closer {
        self.link.closer()
    }

    /// The address that it listens on. Known after a close.
    pub fn local_address(&self) -> UnixAddress {
        self.link.local()
    }

    /// The runtime that the listener is on.
    pub fn runtime(&self) -> &R {
        &self.link.ends().runtime
    }
}

impl UnixConnection for Seqpacket {
    type Socket<R: Runtime> = UnixSeqpacket<R>;
    type Listener<R: Runtime> = UnixSeqpacketListener<R>;

    fn connected<R: Runtime>(
        runtime: R,
        fd: OwnedFd,
        peer: UnixAddress,
        file: Option<Box<SocketFile>>,
    ) -> io::Result<UnixSeqpacket<R>> {
        UnixSeqpacket::connected(runtime, fd, None, peer, file)
    }

    fn listening<R: Runtime>(
        runtime: R,
        fd: OwnedFd,
        file: Option<Box<SocketFile>>,
    ) -> io::Result<UnixSeqpacketListener<R>> {
        let source = runtime.register(fd)?;
        Ok(UnixSeqpacketListener {
            link: Link::with_file(source, Ends::new(runtime, None, None), file),
            reserve: Reserve::new(),
        })
    }
}

impl<R: Runtime> Handle for UnixSeqpacketListener<R> {
    type Runtime = R;
    type Kind = Seqpacket;

    fn link(&mut self) -> &mut Link<R, Seqpacket> {
        &mut self.link
    }

    /// Waits borrow the listener: there are none.
    fn forget_waits(&mut self) {}
}

/// On the current runtime; see [`from_fd`](Self::from_fd).
impl<R: Runtime> TryFrom<OwnedFd> for UnixSeqpacketListener<R> {
    type Error = AdoptError;

    fn try_from(fd: OwnedFd) -> Result<Self, AdoptError> {
        on_current::<R, Seqpacket, Self>(fd, Role::Listening, Self::from_fd)
    }
}

/// Answers its local address and a [`Closer`].
impl<R: Runtime> Attributes for UnixSeqpacketListener<R> {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.link.facts(request);
        request.provide(|| self.link.closer());
    }
}

/// The descriptor; after a close, a value that every system call answers with `EBADF`.
impl<R: Runtime> AsFd for UnixSeqpacketListener<R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}
