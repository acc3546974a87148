//! Socket options: set before a socket is bound, connected or listening, and read and set on live ones.
//!
//! Each option is a type that holds its value, so that one pair of methods serves them all, and a program can bring
//! its own by implementing [`SocketOption`]. `docs/sockets.md` has them in one table.
//!
//! **Before**: [`SocketOptions`] lists what to set. Each option is required or best-effort, and they are set in the order
//! given, after the defaults (so that they win) and before the socket is bound, connected or listening.
//!
//! ```
//! use anynet_core::Runtime;
//! use anynet_sockets::options::{KeepAlive, KeepAliveTime, NoDelay, ReceiveBufferSize, SocketOptions, Tos};
//! use anynet_sockets::{TcpListener, TcpStream};
//! use std::time::Duration;
//!
//! # async fn example<R: Runtime>() -> anynet_core::Result<()> {
//! let stream = TcpStream::<R>::connect("example.com:80")
//!     .option(ReceiveBufferSize(1 << 20)) // an error if it cannot be set
//!     .best_effort(Tos(0x28)) // fine if not
//!     .await?;
//!
//! // One list for several sockets.
//! let patient = SocketOptions::new()
//!     .required(KeepAlive(true))
//!     .required(KeepAliveTime(Duration::from_secs(30)));
//! let listener = TcpListener::<R>::bind("localhost:0").options(patient.clone()).await?;
//!
//! // And on a live socket.
//! stream.set_option(&NoDelay(false))?;
//! assert_eq!(stream.option::<NoDelay>()?, NoDelay(false));
//! # Ok(())
//! # }
//! ```
//!
//! **No option is ignored.** One that the platform or the kind of socket lacks is
//! [`Unsupported`](io::ErrorKind::Unsupported), also where the system itself would take it without a use for it (Linux
//! takes `SO_KEEPALIVE` on UDP sockets). A value that cannot be expressed is
//! [`InvalidInput`](io::ErrorKind::InvalidInput), and not the nearest one that can. The error holds an [`OptionError`],
//! which names the option and keeps the system's error.
//!
//! Options that are not here are set by [a hook](SocketOptions::with) on the raw [`socket2::Socket`].

mod error;
mod ip;
mod kind;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
mod list;
mod methods;
mod multicast;
mod system;
mod table;
mod tcp;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use rustix::io::Errno;
use socket2::{SockRef, Socket};

pub use error::OptionError;
pub use ip::{Tos, Ttl, V6Only};
pub use list::SocketOptions;
pub use multicast::{MulticastAll, MulticastInterfaceV4, MulticastInterfaceV6, MulticastLoop, MulticastTtl};
pub use system::{
    Broadcast, Device, KeepAlive, LingerZero, Mark, ReceiveBufferSize, ReuseAddress, ReusePort,
    SendBufferSize,
};
pub use tcp::{
    Congestion, DeferAccept, FastOpen, FastOpenConnect, KeepAliveInterval, KeepAliveRetries, KeepAliveTime,
    NoDelay, NotSentLowWaterMark, UserTimeout,
};

pub(crate) use methods::{builder_option_methods, live_option_methods};

/// An option of sockets: a type that holds the option's value.
///
/// Its functions are what an option is made of; whoever uses it calls [`get`], [`set`] or the methods of a socket or
/// builder, which add the option's name to an error. An option of your own:
///
/// ```
/// use anynet_sockets::options::{self, SocketOption};
/// use socket2::{Domain, Socket, Type};
/// use std::io;
///
/// /// Urgent data is received with the rest (`SO_OOBINLINE`).
/// #[derive(Clone, Debug, PartialEq)]
/// struct UrgentInline(bool);
///
/// impl SocketOption for UrgentInline {
///     const NAME: &'static str = "UrgentInline";
///
///     fn get(socket: &Socket) -> io::Result<Self> {
///         socket.out_of_band_inline().map(Self)
///     }
///
///     fn set(&self, socket: &Socket) -> io::Result<()> {
///         socket.set_out_of_band_inline(self.0)
///     }
/// }
///
/// # fn main() -> io::Result<()> {
/// let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
/// options::set(&socket, &UrgentInline(true))?;
/// assert_eq!(options::get::<UrgentInline>(&socket)?, UrgentInline(true));
/// # Ok(())
/// # }
/// ```
pub trait SocketOption: Clone + fmt::Debug + Send + Sync + 'static {
    /// What errors call the option: the name of the type.
    const NAME: &'static str;

    /// Reads the option.
    ///
    /// # Errors
    ///
    /// What the system says, as it is; [`Unsupported`](io::ErrorKind::Unsupported) where the option does not exist.
    fn get(socket: &Socket) -> io::Result<Self>;

    /// Sets the option to this value.
    ///
    /// # Errors
    ///
    /// What the system says, as it is; [`Unsupported`](io::ErrorKind::Unsupported) where the option does not exist.
    fn set(&self, socket: &Socket) -> io::Result<()>;
}

/// Reads an option of any socket.
///
/// # Errors
///
/// See [`OptionError`], which each of them holds.
pub fn get<T: SocketOption>(socket: impl AsFd) -> io::Result<T> {
    on_socket(&socket, T::get).map_err(|error| OptionError::reading(T::NAME, error))
}

/// Sets an option of any socket.
///
/// # Errors
///
/// See [`OptionError`], which each of them holds.
pub fn set<T: SocketOption>(socket: impl AsFd, option: &T) -> io::Result<()> {
    on_socket(&socket, |socket| option.set(socket)).map_err(|error| OptionError::setting(T::NAME, error))
}

/// Lends the descriptor as a [`Socket`]. A closed handle has none, and `SockRef` would panic.
fn on_socket<T>(fd: &impl AsFd, f: impl FnOnce(&Socket) -> io::Result<T>) -> io::Result<T> {
    if fd.as_fd().as_raw_fd() < 0 {
        return Err(Errno::BADF.into());
    }
    f(&SockRef::from(fd))
}
