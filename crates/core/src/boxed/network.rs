//! Any network as one type.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::executor::executor_inside;
use super::{BoxDatagram, BoxExecutor, BoxFuture, BoxStream};
use crate::{AcceptError, Attributes, BindError, ConnectError, Listener, Network, Request, ResolveError};

/// Any [`Network`] as one type, with boxed streams, listeners and datagram sockets.
#[derive(Clone)]
pub struct BoxNetwork {
    network: Arc<dyn DynNetwork>,
    executor: BoxExecutor,
}

impl BoxNetwork {
    /// Erases the type of `network`.
    pub fn new<N: Network>(network: N) -> Self {
        Self {
            executor: BoxExecutor::new(network.clone()),
            network: Arc::new(network),
        }
    }
}

executor_inside!(BoxNetwork);

impl Network for BoxNetwork {
    type Stream = BoxStream;
    type Listener = BoxListener;
    type Datagram = BoxDatagram;

    async fn connect(&self, to: SocketAddr) -> Result<BoxStream, ConnectError> {
        self.network.connect_dyn(to).await
    }

    async fn listen(&self, on: SocketAddr) -> Result<BoxListener, BindError> {
        self.network.listen_dyn(on).await
    }

    async fn bind(&self, on: SocketAddr) -> Result<BoxDatagram, BindError> {
        self.network.bind_dyn(on).await
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        self.network.resolve_dyn(host, port).await
    }

    async fn resolve_service(&self, host: &str, service: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        self.network.resolve_service_dyn(host, service).await
    }
}

impl fmt::Debug for BoxNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.executor.fmt(f)
    }
}

/// Any [`Listener`] as one type, with boxed streams.
///
/// ```
/// use anynet_core::{BoxListener, Listener};
///
/// /// Listeners of two kinds in one list, as a server of both takes them.
/// fn both(tcp: impl Listener, unix: impl Listener) -> [BoxListener; 2] {
///     [BoxListener::new(tcp), BoxListener::new(unix)]
/// }
/// ```
pub struct BoxListener {
    listener: Box<dyn DynListener>,
    executor: BoxExecutor,
}

impl BoxListener {
    /// Erases the type of `listener`.
    pub fn new<L: Listener>(listener: L) -> Self {
        Self {
            executor: BoxExecutor::new(listener.executor().clone()),
            listener: Box::new(listener),
        }
    }
}

impl Attributes for BoxListener {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.listener.attributes(request);
    }
}

impl Listener for BoxListener {
    type Stream = BoxStream;
    type Executor = BoxExecutor;

    fn executor(&self) -> &BoxExecutor {
        &self.executor
    }

    async fn accept(&self) -> Result<BoxStream, AcceptError> {
        self.listener.accept_dyn().await
    }
}

impl fmt::Debug for BoxListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxListener")
            .field("executor", &self.executor)
            .finish_non_exhaustive()
    }
}

trait DynNetwork: Send + Sync {
    fn connect_dyn(&self, to: SocketAddr) -> BoxFuture<'_, Result<BoxStream, ConnectError>>;
    fn listen_dyn(&self, on: SocketAddr) -> BoxFuture<'_, Result<BoxListener, BindError>>;
    fn bind_dyn(&self, on: SocketAddr) -> BoxFuture<'_, Result<BoxDatagram, BindError>>;
    fn resolve_dyn<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, ResolveError>>;
    fn resolve_service_dyn<'a>(
        &'a self,
        host: &'a str,
        service: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, ResolveError>>;
}

impl<N: Network> DynNetwork for N {
    fn connect_dyn(&self, to: SocketAddr) -> BoxFuture<'_, Result<BoxStream, ConnectError>> {
        Box::pin(async move { self.connect(to).await.map(|stream| Box::new(stream) as BoxStream) })
    }

    fn listen_dyn(&self, on: SocketAddr) -> BoxFuture<'_, Result<BoxListener, BindError>> {
        Box::pin(async move { self.listen(on).await.map(BoxListener::new) })
    }

    fn bind_dyn(&self, on: SocketAddr) -> BoxFuture<'_, Result<BoxDatagram, BindError>> {
        Box::pin(async move { self.bind(on).await.map(BoxDatagram::new) })
    }

    fn resolve_dyn<'a>(
        &'a self,
        host: &'a str,
        port: u16,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, ResolveError>> {
        Box::pin(self.resolve(host, port))
    }

    fn resolve_service_dyn<'a>(
        &'a self,
        host: &'a str,
        service: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, ResolveError>> {
        Box::pin(self.resolve_service(host, service))
    }
}

trait DynListener: Attributes + Send + Sync {
    fn accept_dyn(&self) -> BoxFuture<'_, Result<BoxStream, AcceptError>>;
}

impl<L: Listener> DynListener for L {
    fn accept_dyn(&self) -> BoxFuture<'_, Result<BoxStream, AcceptError>> {
        Box::pin(async move { self.accept().await.map(|stream| Box::new(stream) as BoxStream) })
    }
}
