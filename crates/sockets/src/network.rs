//! The operating system's network as a [`Network`].

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anynet_core::{
    AddressInfo, BindError, ConnectError, Executor, Lookup, NameFlags, NameInfo, Network, ResolveError,
    Resolver, Runtime, SocketType, UnixAddress, UnixNetwork,
};

use crate::options::SocketOptions;
use crate::resolve::Names;
use crate::socket::BACKLOG;
use crate::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream, tcp, udp};

/// The operating system's network, on the runtime `R`: what makes a [`Network`] of any runtime.
///
/// ```
/// use anynet_core::{AttributesExt, ByteSendStreamExt, Error, Listener, LocalAddress, Network};
/// use anynet_smol::{Smol, run}; // in a program on smol, `anynet` has all of this
/// use anynet_sockets::OsNetwork;
///
/// /// For any network: the system's, or one in memory in a test.
/// async fn greet<N: Network>(network: &N, listener: &N::Listener) -> Result<(), Error> {
///     let Some(LocalAddress(address)) = listener.attribute() else { return Ok(()) };
///     let port = address.port().unwrap_or(0);
///     let mut client = anynet_util::connect(network, ("127.0.0.1", port)).await?;
///     let _server = listener.accept().await?;
///     Ok(client.send(b"hello").await?)
/// }
///
/// run(async {
///     let network = OsNetwork::<Smol>::current()?; // as `anynet::network()`
///     let listener = network.listen(([127, 0, 0, 1], 0).into()).await?;
///     greet(&network, &listener).await
/// })??;
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OsNetwork<R> {
    runtime: R,
    names: Names,
}

impl<R: Runtime> OsNetwork<R> {
    /// The network on `runtime`, with the system's resolver.
    pub fn new(runtime: R) -> Self {
        Self::with_names(runtime, Names::of(SocketType::Stream))
    }

    /// The network on the current runtime.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn current() -> std::io::Result<Self> {
        R::current().map(Self::new)
    }

    /// The same, with a resolver of one's own: it is asked for the addresses of names, here and by those who connect and
    /// listen through this network, and by nobody else.
    pub fn with_resolver(mut self, resolver: impl Resolver) -> Self {
        self.names.set_resolver(resolver);
        self
    }

    /// The network for connectors that have names of their own.
    pub(crate) fn with_names(runtime: R, names: Names) -> Self {
        Self { runtime, names }
    }

    /// The runtime that it is on.
    pub fn runtime(&self) -> &R {
        &self.runtime
    }

    /// The addresses that answer `lookup`, at least one, by the network's resolver.
    ///
    /// # Errors
    ///
    /// See [`ResolveError`].
    pub async fn look_up(&self, lookup: Lookup) -> Result<Vec<AddressInfo>, ResolveError> {
        self.names.look_up(&lookup).await
    }

    /// The names of `address`, by the network's resolver.
    ///
    /// # Errors
    ///
    /// See [`ResolveError`].
    pub async fn look_up_name(
        &self,
        address: SocketAddr,
        flags: NameFlags,
    ) -> Result<NameInfo, ResolveError> {
        self.names.look_up_name(address, flags).await
    }
}

impl<R: Runtime> Executor for OsNetwork<R> {
    type Task<T: Send + 'static> = R::Task<T>;
    type Sleep = R::Sleep;

    fn now(&self) -> Instant {
        self.runtime.now()
    }

    fn sleep(&self, duration: Duration) -> R::Sleep {
        self.runtime.sleep(duration)
    }

    fn spawn<F>(&self, future: F) -> R::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.runtime.spawn(future)
    }
}

impl<R: Runtime> Network for OsNetwork<R> {
    type Stream = TcpStream<R>;
    type Listener = TcpListener<R>;
    type Datagram = UdpSocket<R>;

    async fn connect(&self, to: SocketAddr) -> Result<TcpStream<R>, ConnectError> {
        tcp::connect_one(&self.runtime, to, None, &SocketOptions::new()).await
    }

    async fn listen(&self, on: SocketAddr) -> Result<TcpListener<R>, BindError> {
        tcp::listen(&self.runtime, on, &SocketOptions::new(), BACKLOG)
    }

    async fn bind(&self, on: SocketAddr) -> Result<UdpSocket<R>, BindError> {
        udp::bind(&self.runtime, on, &SocketOptions::new())
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        self.names.resolve(host, port).await
    }

    async fn resolve_service(&self, host: &str, service: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        self.names.resolve(host, service).await
    }
}

impl<R: Runtime> UnixNetwork for OsNetwork<R> {
    type UnixStream = UnixStream<R>;
    type UnixListener = UnixListener<R>;
    type UnixDatagram = UnixDatagram<R>;

    async fn connect_unix(&self, to: &UnixAddress) -> Result<UnixStream<R>, ConnectError> {
        UnixStream::connect_on(&self.runtime, to.clone()).await
    }

    async fn listen_unix(&self, on: &UnixAddress) -> Result<UnixListener<R>, BindError> {
        UnixListener::bind_on(&self.runtime, on.clone()).await
    }

    async fn bind_unix(&self, on: &UnixAddress) -> Result<UnixDatagram<R>, BindError> {
        UnixDatagram::bind_on(&self.runtime, on.clone()).await
    }
}
