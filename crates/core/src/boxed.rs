//! The boxed twins: the same traits, with the types erased.
//!
//! For code that would rather be compiled once than for every runtime, such as the conformance suite, and for choosing a
//! network at run time. Each twin *is* the trait, so generic code takes it as it takes anything else. They allocate per
//! connect, accept, datagram, spawn and sleep, never per byte.

mod datagram;
mod executor;
mod network;
mod runtime;
mod unix_network;

pub use datagram::BoxDatagram;
pub use executor::{BoxExecutor, BoxSleep, BoxTask};
pub use network::{BoxListener, BoxNetwork};
pub use runtime::{BoxRuntime, BoxSlot, BoxSource};
pub use unix_network::BoxUnixNetwork;

use std::pin::Pin;

use crate::ByteStream;

/// A boxed future that can be sent to another thread.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A boxed byte stream. Not `Sync`: a future that holds `&stream` across an await is not `Send`; lend it by `&mut`.
pub type BoxStream = Box<dyn ByteStream + Send>;
