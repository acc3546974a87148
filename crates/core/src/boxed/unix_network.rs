//! Any UNIX network as one type.

use std::fmt;
use std::sync::Arc;

use super::executor::executor_inside;
use super::{BoxDatagram, BoxExecutor, BoxFuture, BoxListener, BoxStream};
use crate::{BindError, ConnectError, UnixAddress, UnixNetwork};

/// Any [`UnixNetwork`] as one type, with boxed streams, listeners and datagram sockets.
#[derive(Clone)]
pub struct BoxUnixNetwork {
    network: Arc<dyn DynUnixNetwork>,
    executor: BoxExecutor,
}

impl BoxUnixNetwork {
    /// Erases the type of `network`.
    pub fn new<N: UnixNetwork>(network: N) -> Self {
        Self {
            executor: BoxExecutor::new(network.clone()),
            network: Arc::new(network),
        }
    }
}

executor_inside!(BoxUnixNetwork);

impl UnixNetwork for BoxUnixNetwork {
    type UnixStream = BoxStream;
    type UnixListener = BoxListener;
    type UnixDatagram = BoxDatagram;

    async fn connect_unix(&self, to: &UnixAddress) -> Result<BoxStream, ConnectError> {
        self.network.connect_dyn(to).await
    }

    async fn listen_unix(&self, on: &UnixAddress) -> Result<BoxListener, BindError> {
        self.network.listen_dyn(on).await
    }

    async fn bind_unix(&self, on: &UnixAddress) -> Result<BoxDatagram, BindError> {
        self.network.bind_dyn(on).await
    }
}

impl fmt::Debug for BoxUnixNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.executor.fmt(f)
    }
}

trait DynUnixNetwork: Send + Sync {
    fn connect_dyn<'a>(&'a self, to: &'a UnixAddress) -> BoxFuture<'a, Result<BoxStream, ConnectError>>;
    fn listen_dyn<'a>(&'a self, on: &'a UnixAddress) -> BoxFuture<'a, Result<BoxListener, BindError>>;
    fn bind_dyn<'a>(&'a self, on: &'a UnixAddress) -> BoxFuture<'a, Result<BoxDatagram, BindError>>;
}

impl<N: UnixNetwork> DynUnixNetwork for N {
    fn connect_dyn<'a>(&'a self, to: &'a UnixAddress) -> BoxFuture<'a, Result<BoxStream, ConnectError>> {
        Box::pin(async move {
            self.connect_unix(to)
                .await
                .map(|stream| Box::new(stream) as BoxStream)
        })
    }

    fn listen_dyn<'a>(&'a self, on: &'a UnixAddress) -> BoxFuture<'a, Result<BoxListener, BindError>> {
        Box::pin(async move { self.listen_unix(on).await.map(BoxListener::new) })
    }

    fn bind_dyn<'a>(&'a self, on: &'a UnixAddress) -> BoxFuture<'a, Result<BoxDatagram, BindError>> {
        Box::pin(async move { self.bind_unix(on).await.map(BoxDatagram::new) })
    }
}
