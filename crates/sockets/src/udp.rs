//! UDP.

mod bind;
mod multicast;

use std::net::SocketAddr;

use anynet_core::Runtime;
use anynet_util::Target;
use socket2::Type;

pub use bind::{UdpBind, UdpConnect};

pub(crate) use bind::bind;

use crate::adopt::{AdoptError, IntoFdError, standard_conversions};
use crate::datagram::{Connected, DatagramSocket, Unconnected};
use crate::kind::Kind;

/// The kind of UDP sockets.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no values")]
pub enum Udp {}

impl Kind for Udp {
    type Address = SocketAddr;
    const NAME: &'static str = "UDP";
    const TYPE: Type = Type::DGRAM;
    const PROTOCOLS: &'static [i32] = &[libc::IPPROTO_UDP];
    const SHORT_IS_DRAINED: bool = false;
}

/// A UDP socket on the runtime `R`, made by [`bind`](Self::bind): it receives from anybody, and says with each send to
/// whom.
///
/// The network tells it nothing of datagrams that nobody received; a [`ConnectedUdpSocket`] it does.
pub type UdpSocket<R> = DatagramSocket<R, Udp, Unconnected>;

/// A UDP socket on the runtime `R` that is connected to one peer, made by [`connect`](Self::connect).
///
/// If nobody has the peer's port, the next receive says `Undelivered`, or the next send `NotSent`, once, of the kind
/// `ConnectionRefused`; the socket stays usable (udp(7)).
pub type ConnectedUdpSocket<R> = DatagramSocket<R, Udp, Connected>;

/// Of UDP only.
impl<R: Runtime> DatagramSocket<R, Udp, Unconnected> {
    /// Binds `on`: a socket address or several, `(host, port)` or a text `host:port`, on the current runtime. Port 0 lets the system
    /// choose; [`local_address`](Self::local_address) says which it was. The unspecified address of a family, as
    /// `(Ipv4Addr::UNSPECIFIED, port)`, is a port of every local host.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then. Of a name, the first address that can be bound is.
    ///
    /// # Errors
    ///
    /// See [`BindError`](anynet_core::BindError).
    pub fn bind(on: impl Into<Target>) -> UdpBind<R> {
        UdpBind::new(None, on.into())
    }

    /// As [`bind`](Self::bind), on `runtime`.
    pub fn bind_on(runtime: &R, on: impl Into<Target>) -> UdpBind<R> {
        UdpBind::new(Some(runtime.clone()), on.into())
    }
}

/// Of UDP only.
impl<R: Runtime> DatagramSocket<R, Udp, Connected> {
    /// Connects to `to`: a socket address or several, `(host, port)` or a text `host:port`, on the current runtime. Nothing is sent.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then. The first address of a name that there is a way to
    /// is taken; whether anybody is there, nobody can tell yet.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`](anynet_core::ConnectError).
    pub fn connect(to: impl Into<Target>) -> UdpConnect<R> {
        UdpConnect::new(None, to.into())
    }

    /// As [`connect`](Self::connect), on `runtime`.
    pub fn connect_on(runtime: &R, to: impl Into<Target>) -> UdpConnect<R> {
        UdpConnect::new(Some(runtime.clone()), to.into())
    }
}

standard_conversions! {
    UdpSocket = std::net::UdpSocket;
    ConnectedUdpSocket = std::net::UdpSocket;
}
