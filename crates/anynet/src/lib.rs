#![cfg_attr(any(feature = "tokio", feature = "smol"), doc = include_str!("../README.md"))]
#![cfg_attr(not(any(feature = "tokio", feature = "smol")), doc = include_str!("no_runtime.md"))]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod assertions;
#[cfg(any(feature = "tokio", feature = "smol"))]
mod current;
#[macro_use]
mod names;
pub mod runtime;

// The contract: the same for every stream, listener and network there is.
pub use anynet_core::{
    AcceptError, Address, Attributes, AttributesExt, BindError, BoxExecutor, BoxFuture, BoxListener,
    BoxNetwork, BoxRuntime, BoxSleep, BoxStream, BoxTask, ByteReceiveStream, ByteReceiveStreamExt,
    ByteSendStream, ByteSendStreamExt, ByteStream, Cause, Close, Closer, ConnectError, Error, Executor,
    FailedAttempt, Listener, LocalAddress, Network, PeerAddress, ReceiveError, ReceiveExactlyError, Request,
    ResolveError, Result, Runtime, SendError, Task, TimedOut, future,
};
// Policy, over any network.
pub use anynet_util::{Serve, ServeError, Target};
#[doc(no_inline)]
pub use {anynet_sockets as sockets, anynet_util as util};

// The sockets, on the current runtime.
#[cfg(any(feature = "tokio", feature = "smol"))]
pub use current::{Current, CurrentSleep, CurrentSlot, CurrentSource, CurrentTask};
#[cfg(any(feature = "tokio", feature = "smol"))]
names!(Current);
#[cfg(any(feature = "tokio", feature = "smol"))]
pub use current::run;
