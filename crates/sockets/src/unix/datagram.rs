//! UNIX datagrams.

mod bind;

use std::io;

use anynet_core::{PeerCredentials, Runtime, UnixAddress};
use socket2::Type;

pub use bind::{UnixDatagramBind, UnixDatagramConnect};

use super::socket;
use crate::adopt::{AdoptError, IntoFdError, standard_conversions};
use crate::datagram::{Connected, DatagramSocket, Unconnected};
use crate::kind::Kind;

/// The kind of UNIX datagram sockets.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no values")]
pub enum UnixDgram {}

impl Kind for UnixDgram {
    type Address = UnixAddress;
    const NAME: &'static str = "UNIX datagram";
    const TYPE: Type = Type::DGRAM;
    const PROTOCOLS: &'static [i32] = &[];
    const SHORT_IS_DRAINED: bool = false;
    const RECEIVERS_QUEUE: bool = true;
    const NAMELESS: bool = true;
}

/// A UNIX datagram socket on the runtime `R`, made by [`bind`](Self::bind) or [`unbound`](Self::unbound): it receives from
/// anybody who may write to its file, and says with each send to whom.
///
/// Datagrams are neither lost nor reordered. A receiver's queue is short (`net.unix.max_dgram_qlen`, 10 on many systems);
/// where it is full, a send waits for room. The system tells of that room only to who is connected, so each such wait
/// takes a second descriptor for as long as it lasts; [`send_ready`](Self::send_ready) speaks of our own buffer only. A
/// sender that is not bound is [`Unnamed`](UnixAddress::Unnamed), and cannot be answered.
pub type UnixDatagram<R> = DatagramSocket<R, UnixDgram, Unconnected>;

/// A UNIX datagram socket on the runtime `R` that is connected to one peer, made by [`connect`](Self::connect) or
/// [`pair`](Self::pair).
///
/// A send to a peer that is gone is `NotSent`, of the kind `ConnectionRefused` and later, once the system has let go of the
/// peer, `NotConnected`; a receive waits on. A send waits for room
/// in the peer's queue.
pub type ConnectedUnixDatagram<R> = DatagramSocket<R, UnixDgram, Connected>;

/// Of UNIX datagrams only.
impl<R: Runtime> DatagramSocket<R, UnixDgram, Unconnected> {
    /// Binds `on`, which may be a path, on the current runtime.
    ///
    /// A socket file that nobody has any more is replaced; one that somebody has, and a file of any other type, never. The
    /// file is removed with the socket, if it is still the socket's.
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
    /// See [`BindError`](anynet_core::BindError). The cause holds a [`PathInUse`](crate::PathInUse) if something is in the
    /// way, a [`UnixAddressError`](anynet_core::UnixAddressError) if no system could take the address.
    pub fn bind(on: impl Into<UnixAddress>) -> UnixDatagramBind<R> {
        UnixDatagramBind::new(None, on.into())
    }

    /// As [`bind`](Self::bind), on `runtime`.
    pub fn bind_on(runtime: &R, on: impl Into<UnixAddress>) -> UnixDatagramBind<R> {
        UnixDatagramBind::new(Some(runtime.clone()), on.into())
    }

    /// A socket without a name, on the current runtime: for sending.
    ///
    /// # Errors
    ///
    /// If there is no runtime here, or no descriptor left.
    pub fn unbound() -> io::Result<Self> {
        Self::unbound_on(&R::current()?)
    }

    /// As [`unbound`](Self::unbound), on `runtime`.
    ///
    /// # Errors
    ///
    /// As [`unbound`](Self::unbound).
    pub fn unbound_on(runtime: &R) -> io::Result<Self> {
        let fd = socket::new(Type::DGRAM)?.into();
        Self::unconnected(runtime.clone(), fd, Some(UnixAddress::Unnamed), None)
    }
}

/// Of UNIX datagrams only.
impl<R: Runtime> DatagramSocket<R, UnixDgram, Connected> {
    /// Connects to `peer`, which may be a path, on the current runtime.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then. Without a
    /// [`local_address`](UnixDatagramConnect::local_address) the peer cannot answer.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`](anynet_core::ConnectError). The cause is of the kind `NotFound` if there is no such file,
    /// `ConnectionRefused` if nobody has bound it, `PermissionDenied` if the file may not be written, or the peer is
    /// connected to another; it holds a [`UnixAddressError`](anynet_core::UnixAddressError) if no system could take the
    /// address.
    pub fn connect(peer: impl Into<UnixAddress>) -> UnixDatagramConnect<R> {
        UnixDatagramConnect::new(None, peer.into())
    }

    /// As [`connect`](Self::connect), on `runtime`.
    pub fn connect_on(runtime: &R, peer: impl Into<UnixAddress>) -> UnixDatagramConnect<R> {
        UnixDatagramConnect::new(Some(runtime.clone()), peer.into())
    }
}

/// Of UNIX datagrams and UNIX sequential packets.
impl<R: Runtime, K: Kind<Address = UnixAddress>> DatagramSocket<R, K, Connected> {
    /// Two sockets that are connected to each other, on the current runtime: socketpair(2).
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
        let (one, other) = socket::pair(K::TYPE)?;
        let end = |fd| {
            let (local, peer) = (UnixAddress::Unnamed, UnixAddress::Unnamed);
            Self::connected(runtime.clone(), fd, Some(local), peer, None)
        };
        Ok((end(one)?, end(other)?))
    }

    /// Who is at the other end, as the system says; for an end of a pair, who made the pair. Also an attribute.
    ///
    /// # Errors
    ///
    /// If the socket was closed, or the system does not tell: of datagrams it does not, if this was connected to an
    /// address.
    pub fn peer_credentials(&self) -> io::Result<PeerCredentials> {
        self.credentials()
    }
}

standard_conversions! {
    UnixDatagram = std::os::unix::net::UnixDatagram;
    ConnectedUnixDatagram = std::os::unix::net::UnixDatagram;
}
