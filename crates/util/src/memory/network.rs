//! The network itself: names, ways, and whoever listens.

use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anynet_core::{
    Address, BindError, ConnectError, Executor, Lookup, Network, ResolveError, SocketType, UnixAddress,
    UnixNetwork,
};

use super::datagram::Inbox;
use super::executor::Core;
use super::lane::Lane;
use super::listener::Queue;
use super::stream::CAPACITY;
use super::table::{Table, Way, destination};
use super::{MemoryDatagram, MemoryListener, MemorySleep, MemoryStream, MemoryTask};

/// A network in memory, and the executor that it runs on: a [`Network`] for tests, without a system call.
///
/// * **Its clock jumps**: when every task waits, it is at once the time at which the next sleep ends. A test about an hour
///   takes no time, and takes exactly that hour.
/// * **Its order is fixed**: tasks run one at a time, on the thread that called [`run`](Self::run), in the order in which
///   they were woken. What a test sees, it sees in every run.
/// * **Every address is its own**, of IP and of UNIX. A connect is answered at once by whoever listens, and refused where
///   nobody does; [`set_delay`](Self::set_delay) and [`set_unreachable`](Self::set_unreachable) change that for an IP
///   address. A client's address is that of the server, with a port of its own.
/// * **Names** are those that [`add_name`](Self::add_name) was told.
///
/// Where all tasks wait, nobody sleeps and no other thread wakes any of them, the run would wait for ever: it panics
/// instead, after its [patience](Self::set_patience).
///
/// ```
/// use anynet_core::{ByteSendStreamExt, Executor, Listener, Network, Result};
/// use anynet_util::MemoryNetwork;
/// use std::time::Duration;
///
/// // What is to be tested: written over any network.
/// async fn greet_slowly<N: Network>(network: &N, listener: N::Listener) -> Result<()> {
///     let mut stream = listener.accept().await?;
///     network.sleep(Duration::from_secs(3600)).await;
///     Ok(stream.send(b"hello").await?)
/// }
///
/// MemoryNetwork::run(async |network| {
///     let server = "192.0.2.1:80".parse().unwrap();
///     let listener = network.listen(server).await?;
///     let greeting = network.clone();
///     let _server = network.spawn(async move { greet_slowly(&greeting, listener).await });
///
///     let start = network.now();
///     let mut stream = network.connect(server).await?;
///     let mut buf = [0; 5];
///     stream.receive_exactly(&mut buf).await?;
///     assert_eq!(&buf, b"hello");
///     assert_eq!(network.now() - start, Duration::from_secs(3600));
///     Ok::<_, anynet_core::Error>(())
/// })
/// .unwrap();
/// ```
#[derive(Clone)]
pub struct MemoryNetwork {
    core: Arc<Core>,
    table: Arc<Mutex<Table>>,
}

impl MemoryNetwork {
    /// Makes a network and runs `main` on it, on this thread, until it has ended.
    ///
    /// The network ends then: the tasks that are left are cancelled, and its sleeps are over. A panic of `main` is passed
    /// on; that of a task reaches whoever awaits it.
    ///
    /// # Panics
    ///
    /// If it waits for what nobody will do: see [`set_patience`](Self::set_patience).
    #[track_caller]
    pub fn run<F: Future>(main: impl FnOnce(Self) -> F) -> F::Output {
        let network = Self {
            core: Core::new(),
            table: Arc::new(Mutex::new(Table::new())),
        };
        let core = network.core.clone();
        core.run(|| main(network))
    }

    /// How long the run waits for other threads, by the time outside, where all of its own tasks wait and none of them
    /// sleeps; then it panics, for it waits for ever. Half a minute, unless it is set; [`Duration::MAX`] really is for ever.
    pub fn set_patience(&self, patience: Duration) {
        self.core.set_patience(patience);
    }

    /// Lets `name` stand for `addresses`, in this order. The last word on a name holds. Names are compared as a
    /// [`TableResolver`](crate::TableResolver) does.
    pub fn add_name<A: Into<IpAddr>>(&self, name: &str, addresses: impl IntoIterator<Item = A>) {
        self.table()
            .names
            .set_host(name, addresses.into_iter().map(Into::into));
    }

    /// Lets every connect to `ip` take so long, until it is answered or refused. [`Duration::MAX`]: it never is.
    pub fn set_delay(&self, ip: impl Into<IpAddr>, delay: Duration) {
        self.table().ways.insert(ip.into(), Way::Takes(delay));
    }

    /// Lets every connect to `ip` fail at once, with [`NetworkUnreachable`](ErrorKind::NetworkUnreachable).
    pub fn set_unreachable(&self, ip: impl Into<IpAddr>) {
        self.table().ways.insert(ip.into(), Way::None);
    }

    /// A datagram socket that is connected to `peer`, as `ConnectedUdpSocket` is: it receives from there only, and
    /// [`send`](anynet_core::Datagram::send) goes there. Its address is that of `peer` with a port of its own, or none for
    /// a UNIX address.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Failed`], of kind `InvalidInput` for port 0, or `ConnectionRefused` if nobody has a UNIX address.
    pub fn connect_datagram(&self, peer: impl Into<Address>) -> Result<MemoryDatagram, ConnectError> {
        let to = peer.into();
        let peer = to
            .socket_addr()
            .map_or_else(|| to.clone(), |ip| destination(ip).into());
        let own = match peer.socket_addr() {
            Some(ip) if ip.port() == 0 => Err(ErrorKind::InvalidInput),
            Some(ip) => Ok(SocketAddr::new(ip.ip(), 0).into()),
            None if self.table().inboxes.at(&peer).is_none() => Err(ErrorKind::ConnectionRefused),
            None => Ok(UnixAddress::Unnamed.into()),
        };
        own.and_then(|own| self.datagram(own, Some(peer)))
            .map_err(|kind| ConnectError::failed(to, kind))
    }

    /// Locked for single look-ups and changes; nobody is woken meanwhile.
    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connects `from` with whoever listens on `to`.
    async fn connect_from(&self, from: Address, to: Address) -> Result<MemoryStream, ErrorKind> {
        let queue = self.table().listeners.at(&to);
        let queue = queue.ok_or(ErrorKind::ConnectionRefused)?;
        let lanes = [Lane::new(CAPACITY, false), Lane::new(CAPACITY, false)];
        let (near, far) = MemoryStream::connected(lanes, from, to);
        queue.connect(far).await?;
        Ok(near)
    }

    async fn connect_ip(&self, to: SocketAddr) -> Result<MemoryStream, ErrorKind> {
        let to = destination(to);
        let way = self.table().ways.get(&to.ip()).copied();
        match way {
            Some(Way::None) => return Err(ErrorKind::NetworkUnreachable),
            Some(Way::Takes(delay)) => self.sleep(delay).await,
            None => {}
        }
        let from = self.table().client(to);
        self.connect_from(from.into(), to.into()).await
    }

    fn listen_on(&self, on: Address) -> Result<MemoryListener, BindError> {
        let queue = self
            .table()
            .listen(on.clone(), |address| Queue::new(address, self.clone()));
        queue
            .map(|queue| MemoryListener::new(queue, self.clone()))
            .map_err(|kind| BindError::failed(on, kind))
    }

    fn bind_on(&self, on: Address) -> Result<MemoryDatagram, BindError> {
        self.datagram(on.clone(), None)
            .map_err(|kind| BindError::failed(on, kind))
    }

    fn datagram(&self, on: Address, peer: Option<Address>) -> Result<MemoryDatagram, ErrorKind> {
        let make = |address| Inbox::new(address, peer, self.clone());
        let inbox = self.table().bind(on, make)?;
        Ok(MemoryDatagram::new(inbox, self.clone()))
    }
}

impl Executor for MemoryNetwork {
    type Task<T: Send + 'static> = MemoryTask<T>;
    type Sleep = MemorySleep;

    fn now(&self) -> Instant {
        self.core.now()
    }

    fn sleep(&self, duration: Duration) -> MemorySleep {
        self.core.sleep(duration)
    }

    fn spawn<F>(&self, future: F) -> MemoryTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.core.spawn(future)
    }
}

impl Network for MemoryNetwork {
    type Stream = MemoryStream;
    type Listener = MemoryListener;
    type Datagram = MemoryDatagram;

    async fn connect(&self, to: SocketAddr) -> Result<MemoryStream, ConnectError> {
        let connected = self.connect_ip(to).await;
        connected.map_err(|kind| ConnectError::failed(to, kind))
    }

    async fn listen(&self, on: SocketAddr) -> Result<MemoryListener, BindError> {
        self.listen_on(on.into())
    }

    async fn bind(&self, on: SocketAddr) -> Result<MemoryDatagram, BindError> {
        self.bind_on(on.into())
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        let lookup = Lookup::new(host, port).kind(SocketType::Stream);
        let found = self.table().names.addresses(&lookup)?;
        Ok(found.into_iter().map(|found| found.address).collect())
    }
}

impl UnixNetwork for MemoryNetwork {
    type UnixStream = MemoryStream;
    type UnixListener = MemoryListener;
    type UnixDatagram = MemoryDatagram;

    async fn connect_unix(&self, to: &UnixAddress) -> Result<MemoryStream, ConnectError> {
        let connected = self
            .connect_from(UnixAddress::Unnamed.into(), to.clone().into())
            .await;
        connected.map_err(|kind| ConnectError::failed(to.clone(), kind))
    }

    async fn listen_unix(&self, on: &UnixAddress) -> Result<MemoryListener, BindError> {
        self.listen_on(on.clone().into())
    }

    async fn bind_unix(&self, on: &UnixAddress) -> Result<MemoryDatagram, BindError> {
        self.bind_on(on.clone().into())
    }
}

impl fmt::Debug for MemoryNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryNetwork").finish_non_exhaustive()
    }
}
