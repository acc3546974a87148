//! <!-- The crate's documentation is its README, whose examples need a runtime. -->
#![cfg_attr(any(feature = "tokio", feature = "smol"), doc = include_str!("links.md"))]
#![cfg_attr(any(feature = "tokio", feature = "smol"), doc = include_str!("../README.md"))]
#![cfg_attr(not(any(feature = "tokio", feature = "smol")), doc = include_str!("no_runtime.md"))]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(feature = "tokio-or-smol", not(any(feature = "tokio", feature = "smol"))))]
compile_error!(
    "pick a runtime: turn on the feature `tokio` or the feature `smol`, and not `tokio-or-smol` itself"
);

mod assertions;
#[cfg(any(feature = "tokio", feature = "smol"))]
mod current;
#[cfg(any(feature = "tokio", feature = "smol"))]
pub mod guide;
#[macro_use]
mod names;
pub mod runtime;

// The contract: the same for every stream, listener and network there is.
pub use anynet_core::{
    AcceptError, Address, AddressInfo, Attributes, AttributesExt, BindError, BoxDatagram, BoxExecutor,
    BoxFuture, BoxListener, BoxNetwork, BoxRuntime, BoxSleep, BoxStream, BoxTask, BoxUnixNetwork,
    ByteReceiveStream, ByteReceiveStreamExt, ByteSendStream, ByteSendStreamExt, ByteStream, Cause, Chunks,
    Close, Closer, ConnectError, Datagram, Error, Executor, FailedAttempt, Family, Latch, Listener,
    LocalAddress, Lookup, LookupFlags, NameFlags, NameInfo, Network, PeerAddress, PeerCredentials,
    ReceiveError, ReceiveExactlyError, Received, Request, ResolveError, Resolver, ResolverError, Result,
    Runtime, SendError, Service, SocketType, Task, TimeLimit, TimedOut, UnixAddress, UnixAddressError,
    UnixName, UnixNetwork, UnixPath, WaitError, WaitPlace, Waited, Waits, fmt_with_causes, future,
};
// Policy, over any network.
pub use anynet_util::{
    Counters, Guard, Guarded, GuardedStream, Listeners, Panic, Serve, ServeError, Server, ServerHandle,
    Statistics, TableResolver, Target, Wrapped, wrapped,
};

// Names: they need no runtime.
pub use anynet_sockets::{SystemResolver, look_up, look_up_name};

// What a socket can be set to, and what waits for any descriptor, on every runtime.
pub use anynet_sockets::Wait;
#[doc(inline)]
pub use anynet_sockets::options;
// What the raw socket takes and gives.
pub use anynet_sockets::{
    Control, ControlMessage, MessageFlags, ReceivedMessage, SocketAddress, SocketError,
};

// What comes with descriptors that travel over UNIX sockets.
pub use anynet_sockets::ReceivedFds;
// What taking sockets over, and giving them away, can fail with.
pub use anynet_sockets::{AdoptError, AdoptFault, IntoFdError};

#[doc(no_inline)]
pub use {anynet_sockets as sockets, anynet_util as util};

// The sockets, on the current runtime.
#[cfg(any(feature = "tokio", feature = "smol"))]
pub use current::{Current, CurrentSleep, CurrentSlot, CurrentSource, CurrentTask};
names!(
    #[cfg(any(feature = "tokio", feature = "smol"))]
    Current
);

/// Runs `future` to its end on **the only runtime that is compiled in**.
///
/// With several compiled in it refuses: a program must not change its runtime because a dependency turned a feature on.
/// Name the runtime then, which always works: `anynet::runtime::tokio::run`, `anynet::runtime::smol::run`.
///
/// ```no_run
/// async fn app() -> anynet::Result<()> {
///     Ok(())
/// }
///
/// fn main() -> anynet::Result<()> {
///     anynet::run(app())?
/// }
/// ```
///
/// # Errors
///
/// [`Unsupported`](std::io::ErrorKind::Unsupported) with several runtimes compiled in; else if the runtime cannot be started
/// here.
#[cfg(any(feature = "tokio", feature = "smol"))]
pub fn run<F: Future>(future: F) -> std::io::Result<F::Output> {
    current::run(future)
}
