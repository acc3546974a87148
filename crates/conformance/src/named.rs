//! A network whose names all stand for what a case says.

use std::future::pending;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anynet_core::{
    BindError, BoxDatagram, BoxListener, BoxNetwork, BoxSleep, BoxStream, BoxTask, ConnectError, Executor,
    Network, ResolveError,
};

/// A network on which every name has the same addresses, or cannot be looked up to an end.
#[derive(Clone, Debug)]
pub struct Named {
    network: BoxNetwork,
    addresses: Option<Vec<SocketAddr>>,
}

impl Named {
    /// Every name stands for `addresses`, in this order.
    pub fn new(network: &BoxNetwork, addresses: Vec<SocketAddr>) -> Self {
        Self {
            network: network.clone(),
            addresses: Some(addresses),
        }
    }

    /// Every look-up hangs.
    pub fn hanging(network: &BoxNetwork) -> Self {
        Self {
            network: network.clone(),
            addresses: None,
        }
    }
}

impl Executor for Named {
    type Task<T: Send + 'static> = BoxTask<T>;
    type Sleep = BoxSleep;

    fn now(&self) -> Instant {
        self.network.now()
    }

    fn sleep(&self, duration: Duration) -> BoxSleep {
        self.network.sleep(duration)
    }

    fn spawn<F>(&self, future: F) -> BoxTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.network.spawn(future)
    }
}

impl Network for Named {
    type Stream = BoxStream;
    type Listener = BoxListener;
    type Datagram = BoxDatagram;

    async fn connect(&self, to: SocketAddr) -> Result<BoxStream, ConnectError> {
        self.network.connect(to).await
    }

    async fn listen(&self, on: SocketAddr) -> Result<BoxListener, BindError> {
        self.network.listen(on).await
    }

    async fn bind(&self, on: SocketAddr) -> Result<BoxDatagram, BindError> {
        self.network.bind(on).await
    }

    async fn resolve(&self, _: &str, _: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        match &self.addresses {
            Some(addresses) => Ok(addresses.clone()),
            None => pending().await,
        }
    }
}
