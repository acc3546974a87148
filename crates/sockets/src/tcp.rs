//! TCP.

mod bind_all;
mod connect;
mod socket;

use std::io;
use std::net::SocketAddr;

use anynet_core::Runtime;
use anynet_util::{Listeners, Target};
use socket2::Type;

pub use bind_all::TcpBindAll;
pub use connect::{TcpBind, TcpConnect};

pub(crate) use connect::{connect_one, listen};
pub(crate) use socket::connected_to;

use crate::adopt::{AdoptError, IntoFdError, standard_conversions};
use crate::kind::Kind;
use crate::options::NoDelay;
use crate::stream::{StreamListener, StreamReceiveHalf, StreamSendHalf, StreamSocket};

/// The kind of TCP sockets.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no values")]
pub enum Tcp {}

impl Kind for Tcp {
    type Address = SocketAddr;
    const NAME: &'static str = "TCP";
    const TYPE: Type = Type::STREAM;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const PROTOCOLS: &'static [i32] = &[libc::IPPROTO_TCP, libc::IPPROTO_MPTCP];
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const PROTOCOLS: &'static [i32] = &[libc::IPPROTO_TCP];
    const SHORT_IS_DRAINED: bool = true;
}

/// A TCP connection on the runtime `R`.
///
/// Made by [`connect`](Self::connect), or by a [`TcpListener`]. `TCP_NODELAY` is on.
pub type TcpStream<R> = StreamSocket<R, Tcp>;

/// The receiving half of a [`TcpStream`].
pub type TcpReceiveHalf<R> = StreamReceiveHalf<R, Tcp>;

/// The sending half of a [`TcpStream`].
pub type TcpSendHalf<R> = StreamSendHalf<R, Tcp>;

/// Accepts TCP connections on the runtime `R`. Made by [`bind`](Self::bind).
pub type TcpListener<R> = StreamListener<R, Tcp>;

/// Of TCP only.
impl<R: Runtime> StreamSocket<R, Tcp> {
    /// Connects to `to`: a socket address or several, `(host, port)` or a text `host:port`, on the current runtime.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then. The addresses of a name are raced.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`](anynet_core::ConnectError).
    pub fn connect(to: impl Into<Target>) -> TcpConnect<R> {
        TcpConnect::new(None, to.into())
    }

    /// As [`connect`](Self::connect), on `runtime`.
    pub fn connect_on(runtime: &R, to: impl Into<Target>) -> TcpConnect<R> {
        TcpConnect::new(Some(runtime.clone()), to.into())
    }

    /// Whether small sends go out at once (`TCP_NODELAY`). It is on unless it was turned off.
    ///
    /// # Errors
    ///
    /// As [`option`](Self::option).
    pub fn nodelay(&self) -> io::Result<bool> {
        self.option().map(|NoDelay(on)| on)
    }

    /// Lets small sends go out at once, or wait for the acknowledgement of earlier ones (Nagle's algorithm).
    ///
    /// # Errors
    ///
    /// As [`set_option`](Self::set_option).
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.set_option(&NoDelay(on))
    }
}

/// Several TCP listeners as one. Made by [`bind_all`](TcpListener::bind_all) and [`bind_port`](TcpListener::bind_port).
pub type TcpListeners<R> = Listeners<TcpListener<R>>;

/// Of TCP only.
impl<R: Runtime> StreamListener<R, Tcp> {
    /// Listens on `on`: a socket address or several, `(host, port)` or a text `host:port`, on the current runtime. Port 0 lets the
    /// system choose; [`local_address`](Self::local_address) says which it was.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then.
    ///
    /// # Errors
    ///
    /// See [`BindError`](anynet_core::BindError).
    pub fn bind(on: impl Into<Target>) -> TcpBind<R> {
        TcpBind::new(None, on.into())
    }

    /// As [`bind`](Self::bind), on `runtime`.
    pub fn bind_on(runtime: &R, on: impl Into<Target>) -> TcpBind<R> {
        TcpBind::new(Some(runtime.clone()), on.into())
    }

    /// Listens on every address of every target in `on`, one socket each, on the current runtime. Those with port 0 get
    /// one port, the same for all.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then.
    ///
    /// # Errors
    ///
    /// [`BindError`](anynet_core::BindError), if one of them cannot be bound; then none is left. A family that the machine
    /// lacks is left out, unless it is the only one.
    pub fn bind_all<T: Into<Target>>(on: impl IntoIterator<Item = T>) -> TcpBindAll<R> {
        TcpBindAll::new(None, on.into_iter().map(Into::into).collect())
    }

    /// As [`bind_all`](Self::bind_all), on `runtime`.
    pub fn bind_all_on<T: Into<Target>>(runtime: &R, on: impl IntoIterator<Item = T>) -> TcpBindAll<R> {
        TcpBindAll::new(Some(runtime.clone()), on.into_iter().map(Into::into).collect())
    }

    /// Listens on `port` of every host address there is, one socket for IPv4 and one for IPv6: as
    /// [`bind_all`](Self::bind_all) with the two wildcards.
    ///
    /// # Errors
    ///
    /// As [`bind_all`](Self::bind_all).
    pub fn bind_port(port: u16) -> TcpBindAll<R> {
        Self::bind_all(bind_all::every_host(port))
    }

    /// As [`bind_port`](Self::bind_port), on `runtime`.
    pub fn bind_port_on(runtime: &R, port: u16) -> TcpBindAll<R> {
        Self::bind_all_on(runtime, bind_all::every_host(port))
    }
}

standard_conversions! {
    TcpStream = std::net::TcpStream;
    TcpListener = std::net::TcpListener;
}
