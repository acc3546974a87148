//! UNIX sockets.

mod address;
mod connect;
mod datagram;
mod file;
mod pause;
mod seqpacket;
mod socket;

use std::io;

use anynet_core::{PeerCredentials, Runtime, UnixAddress};
use socket2::Type;

pub use connect::{UnixBind, UnixConnect};
pub use datagram::{ConnectedUnixDatagram, UnixDatagram, UnixDatagramBind, UnixDatagramConnect, UnixDgram};
pub use file::PathInUse;
pub use seqpacket::{Seqpacket, UnixSeqpacket, UnixSeqpacketListener};

pub(crate) use address::to_system;
pub(crate) use file::SocketFile;
pub(crate) use socket::new as new_socket;

use crate::adopt::{AdoptError, IntoFdError, standard_conversions};
use crate::kind::Kind;
use crate::stream::{StreamListener, StreamReceiveHalf, StreamSendHalf, StreamSocket};

/// The kind of UNIX stream sockets.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no values")]
pub enum Unix {}

impl Kind for Unix {
    type Address = UnixAddress;
    const NAME: &'static str = "UNIX stream";
    const TYPE: Type = Type::STREAM;
    const PROTOCOLS: &'static [i32] = &[];
    // A message that carries descriptors, or credentials, ends a receive early.
    const SHORT_IS_DRAINED: bool = false;
}

/// A UNIX stream connection on the runtime `R`.
///
/// Made by [`connect`](Self::connect) or [`pair`](Self::pair), or by a [`UnixListener`].
///
/// The system knows no reset here: [`abort`](Self::abort) closes at once, and the peer is told `Broken` if it left us
/// something unread, else `EndOfStream`.
pub type UnixStream<R> = StreamSocket<R, Unix>;

/// The receiving half of a [`UnixStream`].
pub type UnixReceiveHalf<R> = StreamReceiveHalf<R, Unix>;

/// The sending half of a [`UnixStream`].
pub type UnixSendHalf<R> = StreamSendHalf<R, Unix>;

/// Accepts UNIX stream connections on the runtime `R`. Made by [`bind`](Self::bind).
pub type UnixListener<R> = StreamListener<R, Unix>;

/// Of UNIX streams only.
impl<R: Runtime> StreamSocket<R, Unix> {
    /// Connects to `to`, which may be a path, on the current runtime.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`](anynet_core::ConnectError). The cause is of the kind `NotFound` if there is no such file,
    /// `ConnectionRefused` if nobody listens there, `PermissionDenied` if the file may not be written; it holds a
    /// [`UnixAddressError`](anynet_core::UnixAddressError) if no system could take the address.
    pub fn connect(to: impl Into<UnixAddress>) -> UnixConnect<R> {
        UnixConnect::new(None, to.into())
    }

    /// As [`connect`](Self::connect), on `runtime`.
    pub fn connect_on(runtime: &R, to: impl Into<UnixAddress>) -> UnixConnect<R> {
        UnixConnect::new(Some(runtime.clone()), to.into())
    }

    /// Two streams that are connected to each other, on the current runtime: socketpair(2).
    ///
    /// # Errors
    ///
    /// If there is no runtime here, or no descriptor left.
    pub fn pair() -> io::Result<(Self, Self)> {
        Self::pair_on(&R::current()?)
    }

    /// As [`pair`](Self::pair), on `runtime`.
    ///
    /// # Errors
    ///
    /// As [`pair`](Self::pair).
    pub fn pair_on(runtime: &R) -> io::Result<(Self, Self)> {
        let (one, other) = socket::pair(Type::STREAM)?;
        let stream = |fd| {
            let (local, peer) = (UnixAddress::Unnamed, UnixAddress::Unnamed);
            Self::from_connected(runtime.clone(), fd, Some(local), peer, true)
        };
        Ok((stream(one)?, stream(other)?))
    }

    /// Who is at the other end, as the system says. Also an attribute.
    ///
    /// # Errors
    ///
    /// If the stream was closed, or the system does not tell.
    pub fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        self.link.peer_credentials()
    }
}

/// Of UNIX streams only.
impl<R: Runtime> StreamListener<R, Unix> {
    /// Listens on `on`, which may be a path, on the current runtime.
    ///
    /// A socket file that nobody listens on any more is replaced; one that somebody listens on, and a file of any other
    /// type, never. Whether somebody listens is asked by connecting: he accepts a connection that ends at once. The file is
    /// removed with the listener, if it is still the listener's.
    ///
    /// [`Unnamed`](UnixAddress::Unnamed) has the system choose an abstract name that nobody has, which
    /// [`local_address`](Self::local_address) tells (autobind, [unix(7)][man]; Linux and Android, elsewhere `Unsupported`).
    ///
    /// [man]: https://man7.org/linux/man-pages/man7/unix.7.html
    ///
    /// Returns a builder to be awaited; the runtime is looked up then.
    ///
    /// # Errors
    ///
    /// See [`BindError`](anynet_core::BindError). The cause holds a [`PathInUse`] if something is in the way, a
    /// [`UnixAddressError`](anynet_core::UnixAddressError) if no system could take the address.
    pub fn bind(on: impl Into<UnixAddress>) -> UnixBind<R> {
        UnixBind::new(None, on.into())
    }

    /// As [`bind`](Self::bind), on `runtime`.
    pub fn bind_on(runtime: &R, on: impl Into<UnixAddress>) -> UnixBind<R> {
        UnixBind::new(Some(runtime.clone()), on.into())
    }
}

standard_conversions! {
    UnixStream = std::os::unix::net::UnixStream;
    UnixListener = std::os::unix::net::UnixListener;
}
