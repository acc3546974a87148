//! The operating system's network as a [`Network`].

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anynet_core::{
    BindError, ConnectError, Executor, Network, ResolveError, Runtime, UnixAddress, UnixNetwork,
};

use crate::options::SocketOptions;
use crate::socket::BACKLOG;
use crate::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream, resolve, tcp, udp};

/// The operating system's network, on the runtime `R`: what makes a [`Network`] of any runtime.
#[derive(Clone, Debug)]
pub struct OsNetwork<R>(R);

impl<R: Runtime> OsNetwork<R> {
    /// The network on `runtime`.
    pub fn new(runtime: R) -> Self {
        Self(runtime)
    }

    /// The network on the current runtime.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn current() -> std::io::Result<Self> {
        R::current().map(Self)
    }

    /// The runtime that it is on.
    pub fn runtime(&self) -> &R {
        &self.0
    }
}

impl<R: Runtime> Executor for OsNetwork<R> {
    type Task<T: Send + 'static> = R::Task<T>;
    type Sleep = R::Sleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> R::Sleep {
        self.0.sleep(duration)
    }

    fn spawn<F>(&self, future: F) -> R::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.0.spawn(future)
    }
}

impl<R: Runtime> Network for OsNetwork<R> {
    type Stream = TcpStream<R>;
    type Listener = TcpListener<R>;
    type Datagram = UdpSocket<R>;

    async fn connect(&self, to: SocketAddr) -> Result<TcpStream<R>, ConnectError> {
        tcp::connect_one(&self.0, to, None, &SocketOptions::new()).await
    }

    async fn listen(&self, on: SocketAddr) -> Result<TcpListener<R>, BindError> {
        tcp::listen(&self.0, on, &SocketOptions::new(), BACKLOG)
    }

    async fn bind(&self, on: SocketAddr) -> Result<UdpSocket<R>, BindError> {
        udp::bind(&self.0, on, &SocketOptions::new())
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        resolve::lookup(host, port).await
    }
}

impl<R: Runtime> UnixNetwork for OsNetwork<R> {
    type UnixStream = UnixStream<R>;
    type UnixListener = UnixListener<R>;
    type UnixDatagram = UnixDatagram<R>;

    async fn connect_unix(&self, to: &UnixAddress) -> Result<UnixStream<R>, ConnectError> {
        UnixStream::connect_on(&self.0, to.clone()).await
    }

    async fn listen_unix(&self, on: &UnixAddress) -> Result<UnixListener<R>, BindError> {
        UnixListener::bind_on(&self.0, on.clone()).await
    }

    async fn bind_unix(&self, on: &UnixAddress) -> Result<UnixDatagram<R>, BindError> {
        UnixDatagram::bind_on(&self.0, on.clone()).await
    }
}
