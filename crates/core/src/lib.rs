#![doc = include_str!("../README.md")]

mod address;
mod assertions;
mod attributes;
mod boxed;
mod cause;
mod closer;
mod credentials;
mod datagram;
mod error;
mod ext;
mod forward;
mod latch;
mod listener;
mod lookup;
mod network;
mod resolver;
mod runtime;
mod stream;
mod unix_network;
mod waits;

pub use address::{Address, Family, LocalAddress, PeerAddress, UnixAddress, UnixName, UnixPath};
pub use attributes::{Attributes, AttributesExt, Request};
pub use boxed::{
    BoxDatagram, BoxExecutor, BoxFuture, BoxListener, BoxNetwork, BoxRuntime, BoxSleep, BoxSlot, BoxSource,
    BoxStream, BoxTask, BoxUnixNetwork,
};
pub use cause::Cause;
pub use closer::{Close, Closer};
pub use credentials::PeerCredentials;
pub use datagram::{Datagram, Received};
pub use error::{
    AcceptError, BindError, ConnectError, Error, FailedAttempt, ReceiveError, ReceiveExactlyError,
    ResolveError, ResolverError, Result, SendError, TimeLimit, TimedOut, UnixAddressError, WaitError,
    fmt_with_causes,
};
pub use ext::{ByteReceiveStreamExt, ByteSendStreamExt, Chunks};
pub use latch::Latch;
pub use listener::Listener;
pub use lookup::{AddressInfo, Lookup, LookupFlags, NameFlags, NameInfo, Service, SocketType};
pub use network::Network;
pub use resolver::Resolver;
pub use runtime::{Direction, Executor, Runtime, Source, Step, Task};
pub use stream::{ByteReceiveStream, ByteSendStream, ByteStream};
pub use unix_network::UnixNetwork;
pub use waits::{WaitPlace, Waited, Waits};

pub use ext::future;
