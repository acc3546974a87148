//! Serving connections: one task each, in a structure that ends together.

mod accept;
mod connections;
mod error;
mod guard;
mod hub;
mod limits;
mod panic;
mod peer;
mod server;
mod statistics;
#[cfg(test)]
mod tests;
mod wrapped;

use std::fmt;
use std::sync::Arc;

use anynet_core::{BoxFuture, Listener, Result};

pub use error::ServeError;
pub use guard::{Guard, Guarded, GuardedStream};
pub use panic::Panic;
pub use server::{Server, ServerHandle};
pub use statistics::{Counters, Statistics};
pub use wrapped::{Wrapped, wrapped};

use accept::{Accepting, BATCH};
use connections::Connections;
use hub::Hub;

/// Accepts connections from `listener` and runs `handler` on each, in a task of its own.
///
/// The returned [`Serve`] is awaited. **It is structured**: dropping it cancels the connections that it has open. A
/// handler that fails or panics ends its own connection and is reported to [`on_error`](Serve::on_error); its siblings
/// and the accept loop go on. So they do after an accept error that does not end the listener. What limits connections and
/// ends them in time is in [`Server`].
///
/// **Errors of accepting**: when descriptors or memory run out and the listener cannot tell those who wait
/// ([`AcceptError::TurnedAway`](anynet_core::AcceptError::TurnedAway)), the loop waits before it tries again, from 5 ms up
/// to 250 ms. After 16 lost connections in a row it also waits, 5 ms each time. At most 64 connections, or as many as
/// [`batch`](Serve::batch) says, are taken before other tasks may run.
///
/// To the peer, a handler that fails looks like one that is done: its stream is dropped, which ends it in order. A handler
/// that must not let a cut-off answer look whole calls `abort` on its stream before it returns the error, or is run under
/// [`Guard::abort_on_failure`].
///
/// When the listener is closed (see [`Closer`](anynet_core::Closer)), `serve` waits for the open connections and then
/// returns `Ok`. The listener is borrowed, so the system goes on completing connections until its owner drops it;
/// [`Server`] owns its listeners and releases them first.
///
/// ```
/// use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt, Error, Executor, Network};
/// use anynet_util::{MemoryNetwork, MemoryStream, serve};
///
/// async fn greet(mut stream: MemoryStream) -> Result<(), Error> {
///     stream.send(b"hello").await?;
///     Ok(stream.close().await?)
/// }
///
/// MemoryNetwork::run(async |network| {
///     let address = "192.0.2.1:7".parse().unwrap();
///     let listener = network.listen(address).await?;
///     let report = |error| eprintln!("{error:#}"); // with its causes
///     let _serving = network.spawn(async move { serve(&listener, greet).on_error(report).await });
///
///     let mut client = network.connect(address).await?;
///     let mut buf = [0; 5];
///     client.receive_exactly(&mut buf).await?;
///     assert_eq!(&buf, b"hello");
///     Ok::<_, Error>(())
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// [`AcceptError::Broken`](anynet_core::AcceptError::Broken), once the open connections have ended, if the listener itself
/// fails.
pub fn serve<L, H, F>(listener: &L, handler: H) -> Serve<'_, L, H>
where
    L: Listener,
    H: Fn(L::Stream) -> F,
    F: Future<Output = Result<()>> + Send + 'static,
{
    Serve {
        listener,
        handler,
        hub: Hub::default(),
        batch: BATCH,
    }
}

/// What [`serve()`] returns; to be awaited.
#[must_use = "serving does not start before it is awaited"]
pub struct Serve<'a, L, H> {
    listener: &'a L,
    handler: H,
    hub: Hub,
    batch: usize,
}

impl<L, H> Serve<'_, L, H> {
    /// What to do with errors that do not end the serving. The default is nothing.
    ///
    /// Called from the connection's task, or from the one that serves; a panic in it is swallowed.
    pub fn on_error(mut self, hook: impl Fn(ServeError) + Send + Sync + 'static) -> Self {
        self.hub.set_hook(hook);
        self
    }

    /// How many connections are taken in one turn, before other tasks may run: at least one, and 64 unless it is set. After a full batch the
    /// next one is begun at once.
    pub fn batch(mut self, connections: usize) -> Self {
        self.batch = connections.max(1);
        self
    }

    /// Counts what becomes of the connections in `counters`.
    pub fn count_in(mut self, counters: &Counters) -> Self {
        self.hub.counters = counters.clone();
        self
    }
}

impl<'a, L, H, F> IntoFuture for Serve<'a, L, H>
where
    L: Listener,
    H: Fn(L::Stream) -> F + Send + 'a,
    F: Future<Output = Result<()>> + Send + 'static,
{
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'a, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<L, H, F> Serve<'_, L, H>
where
    L: Listener,
    H: Fn(L::Stream) -> F,
    F: Future<Output = Result<()>> + Send + 'static,
{
    async fn run(self) -> Result<()> {
        let hub = Arc::new(self.hub);
        let connections = Connections::new(self.listener.executor().clone(), hub.clone());
        let mut accepting = Accepting::new(self.listener, &hub, self.batch);
        let end = loop {
            match accepting.next().await {
                Ok(Some(stream)) => connections.handle(stream, &self.handler, ()),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        connections.finished().await;
        end
    }
}

impl<L, H> fmt::Debug for Serve<'_, L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").finish_non_exhaustive()
    }
}
