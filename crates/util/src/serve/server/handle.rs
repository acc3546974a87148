//! What shuts a server down from elsewhere.

use std::future::pending;
use std::sync::Arc;

use super::super::{Counters, Statistics};
use crate::signal::Signal;

/// Shuts a [`Server`](super::Server) down, and tells its statistics. Clones are of the same server; they keep nothing alive.
///
/// A handler that would wait for its client's next words leaves when the server does:
///
/// ```
/// use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt, Error, Executor, Network, ReceiveError};
/// use anynet_util::{MemoryNetwork, Server};
///
/// MemoryNetwork::run(async |network| {
///     let address = "192.0.2.1:7".parse().unwrap();
///     let server = Server::new(network.listen(address).await?);
///     let handle = server.handle();
///     let of_handler = handle.clone();
///     let serving = network.spawn(server.serve(move |mut stream| {
///         let server = of_handler.clone();
///         async move {
///             let mut buf = [0; 64];
///             loop {
///                 match server.unless_shutting_down(stream.receive(&mut buf)).await {
///                     Some(Ok(n)) => stream.send(&buf[..n]).await?,
///                     Some(Err(ReceiveError::EndOfStream)) | None => return Ok(stream.close().await?),
///                     Some(Err(error)) => return Err(error.into()),
///                 }
///             }
///         }
///     }));
///
///     let mut client = network.connect(address).await?;
///     client.send(b"hi").await?;
///     client.receive_exactly(&mut [0; 2]).await?;
///     handle.shut_down();
///     serving.await?;
///     assert!(matches!(client.receive(&mut [0]).await, Err(ReceiveError::EndOfStream)));
///     assert_eq!(handle.statistics().finished, 1);
///     Ok::<_, Error>(())
/// })
/// .unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct ServerHandle {
    stop: Arc<Signal>,
    counters: Counters,
}

impl ServerHandle {
    pub(super) fn new(stop: Arc<Signal>, counters: Counters) -> Self {
        Self { stop, counters }
    }

    /// Has the server stop accepting, and end once its connections have, or its grace is over. Does not wait for that:
    /// whoever awaits the server does. Again does nothing.
    pub fn shut_down(&self) {
        self.stop.set();
    }

    /// Waits until the server begins to shut down, or is dropped: for handlers whose connections would go on without need.
    /// Cancel-safe.
    pub async fn shutting_down(&self) {
        self.stop.unless_set(pending::<()>()).await;
    }

    /// Awaits `future`, unless the server shuts down first: then it is `None`, and the future is dropped. A shutdown that
    /// has begun already comes first.
    ///
    /// Cancel-safe if `future` is, and if it is not, what it has done is lost with it: [`receive`] is, a `send` is not.
    ///
    /// [`receive`]: anynet_core::ByteReceiveStreamExt::receive
    pub async fn unless_shutting_down<F: Future>(&self, future: F) -> Option<F::Output> {
        self.stop.unless_set(future).await
    }

    /// What has become of the server's connections so far.
    pub fn statistics(&self) -> Statistics {
        self.counters.statistics()
    }
}
