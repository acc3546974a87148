//! Where connections come from.

use crate::{AcceptError, Attributes, ByteStream, Executor};

/// Accepts connections.
///
/// Any number of tasks may accept on one listener. A [`Closer`](crate::Closer), asked for as an attribute, closes it
/// from another task.
pub trait Listener: Attributes + Send + Sync + 'static {
    /// An accepted connection. Its peer is an [attribute](crate::PeerAddress) of it.
    type Stream: ByteStream + Send + 'static;
    /// What [`executor`](Self::executor) returns.
    type Executor: Executor;

    /// The executor that the listener belongs to: where `serve` runs the handlers.
    fn executor(&self) -> &Self::Executor;

    /// Waits for the next connection. Cancel-safe: a connection is never taken and lost.
    ///
    /// # Errors
    ///
    /// [`AcceptError`] says which of them end the listener and which do not.
    fn accept(&self) -> impl Future<Output = Result<Self::Stream, AcceptError>> + Send;
}
