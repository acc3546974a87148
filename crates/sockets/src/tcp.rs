//! TCP.

mod connect;
mod socket;

use std::io;
use std::net::SocketAddr;

use anynet_core::Runtime;
use anynet_util::Target;
use socket2::Type;

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
    /// Connects to `to`: a socket address, `(host, port)` or a text `host:port`, on the current runtime.
    ///
    /// Returns a builder to be awaited; the runtime is looked up then. The addresses of a name are tried in order.
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

/// Of TCP only.
impl<R: Runtime> StreamListener<R, Tcp> {
    /// Listens on `on`: a socket address, `(host, port)` or a text `host:port`, on the current runtime. Port 0 lets the
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
}

standard_conversions! {
    TcpStream = std::net::TcpStream;
    TcpListener = std::net::TcpListener;
}
