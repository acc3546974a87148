//! What a case is given.

use std::env;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::pin::Pin;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context as TaskContext, Poll, Wake, Waker};

use anynet_core::{BoxNetwork, BoxRuntime, Network, UnixAddress};
use anynet_sockets::{
    ConnectedUdpSocket, Kind, OsNetwork, StreamSocket, TcpListener, TcpStream, UdpSocket, UnixListener,
    UnixStream,
};
use socket2::{Domain, SockRef, Socket, Type};

use crate::case::NotApplicable;
use crate::{Backend, Ground, Second};

/// Shuts a runtime down.
pub(crate) type ShutDown = Box<dyn FnOnce() + Send>;

/// What a case about sockets is given: the runtime, beside what every case stands on.
#[derive(Clone, Debug)]
pub struct Context {
    pub(crate) ground: Ground,
    pub(crate) runtime: BoxRuntime,
    pub(crate) backend: Backend,
    /// Whether UNIX addresses are abstract names, for cases about UNIX sockets; else they are paths.
    pub(crate) abstract_names: bool,
}

impl Deref for Context {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

/// IPv4's loopback address, and any port.
pub(crate) const LOOPBACK_4: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// IPv6's loopback address, and any port.
pub(crate) const LOOPBACK_6: SocketAddr = SocketAddr::new(std::net::IpAddr::V6(Ipv6Addr::LOCALHOST), 0);

impl Context {
    /// The runtime under test.
    pub fn runtime(&self) -> &BoxRuntime {
        &self.runtime
    }

    /// The operating system's network on the runtime.
    pub(crate) fn network(&self) -> OsNetwork<BoxRuntime> {
        OsNetwork::new(self.runtime.clone())
    }

    /// A listener on the case's loopback address.
    pub(crate) async fn listener(&self) -> TcpListener<BoxRuntime> {
        self.within(self.network().listen(self.loopback))
            .await
            .expect("loopback can be listened on")
    }

    /// Two ends of one TCP connection: the one that connected, and the one that was accepted.
    pub(crate) async fn tcp_pair(&self) -> (TcpStream<BoxRuntime>, TcpStream<BoxRuntime>) {
        let listener = self.listener().await;
        let connected = self
            .network()
            .connect(listener.local_address())
            .await
            .expect("the listener is there");
        (
            connected,
            self.within(listener.accept()).await.expect("a connection waits"),
        )
    }

    /// An address for a UNIX socket that nobody else has: a path or an abstract name.
    pub(crate) fn unix_address(&self) -> UnixAddress {
        let name = unique_name();
        if self.abstract_names {
            UnixAddress::from_abstract_name(name)
        } else {
            UnixAddress::from(env::temp_dir().join(name))
        }
    }

    /// A listener on an address of its own.
    pub(crate) async fn unix_listener(&self) -> UnixListener<BoxRuntime> {
        let bind = UnixListener::bind_on(&self.runtime, self.unix_address());
        self.within(bind.into_future())
            .await
            .expect("the address is free")
    }

    /// Two ends of one UNIX connection: the one that connected, and the one that was accepted.
    pub(crate) async fn unix_pair(&self) -> (UnixStream<BoxRuntime>, UnixStream<BoxRuntime>) {
        let listener = self.unix_listener().await;
        let connect = UnixStream::connect_on(&self.runtime, listener.local_address());
        let connected = self.within(connect.into_future()).await;
        let accepted = self.within(listener.accept()).await;
        (
            connected.expect("the listener is there"),
            accepted.expect("a connection waits"),
        )
    }

    /// A UDP socket on the case's loopback address.
    pub(crate) async fn udp(&self) -> UdpSocket<BoxRuntime> {
        self.within(self.network().bind(self.loopback))
            .await
            .expect("loopback can be bound")
    }

    /// A UDP socket that is connected to `to`.
    pub(crate) async fn connected_udp(&self, to: SocketAddr) -> ConnectedUdpSocket<BoxRuntime> {
        let connect = ConnectedUdpSocket::connect_on(&self.runtime, to);
        self.within(connect.into_future())
            .await
            .expect("there is a way to loopback")
    }

    /// A connection to `to`, where somebody listens.
    pub(crate) async fn connect(&self, to: SocketAddr) -> TcpStream<BoxRuntime> {
        self.within(self.network().connect(to))
            .await
            .expect("somebody listens there")
    }

    /// The same on a further runtime, and what shuts that down. Its timers are gone then: what may hang is to be awaited
    /// within the first.
    pub(crate) fn second(&self) -> Result<(Self, ShutDown), NotApplicable> {
        let make = self
            .backend
            .second
            .ok_or(NotApplicable("the runtime never ends"))?;
        let Second { runtime, shut_down } = make();
        let there = Self {
            ground: Ground {
                network: BoxNetwork::new(OsNetwork::new(runtime.clone())),
                ..self.ground.clone()
            },
            runtime,
            ..self.clone()
        };
        Ok((there, shut_down))
    }

    /// Asserts that the two ends of a connection reach each other.
    pub(crate) async fn assert_talks<K: Kind>(
        &self,
        one: &mut StreamSocket<BoxRuntime, K>,
        other: &mut StreamSocket<BoxRuntime, K>,
    ) {
        let mut buf = [0; 4];
        self.within(one.send(b"ping")).await.unwrap();
        self.within(other.receive_exactly(&mut buf)).await.unwrap();
        assert_eq!(&buf, b"ping");
        self.within(other.send(b"pong")).await.unwrap();
        self.within(one.receive_exactly(&mut buf)).await.unwrap();
        assert_eq!(&buf, b"pong");
    }
}

/// A name that no other case of any process has.
pub(crate) fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("anynet-{}-{count}", process::id())
}

/// Polls a future once, with a waker that wakes nobody.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut TaskContext::from_waker(Waker::noop()))
}

/// An address that refuses connections for as long as the socket is kept: it is taken, but nobody listens.
pub(crate) fn refusing(loopback: SocketAddr) -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::for_address(loopback), Type::STREAM, None).expect("a socket");
    socket.bind(&loopback.into()).expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    (socket, address.as_socket().expect("an IP address"))
}

/// Polls a future once, with a waker that remembers.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, woken: &Arc<Woken>) -> Poll<F::Output> {
    Pin::new(future).poll(&mut TaskContext::from_waker(&woken.clone().into()))
}

/// A waker that remembers whether it was called.
#[derive(Debug, Default)]
pub(crate) struct Woken(AtomicBool);

impl Woken {
    pub(crate) fn was_called(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A descriptor of a socket, known by its number and by the socket behind it: the number alone may be given again.
#[derive(Debug)]
pub(crate) struct Descriptor {
    number: PathBuf,
    socket: PathBuf,
}

impl Descriptor {
    pub(crate) fn of(fd: impl AsFd) -> Result<Self, NotApplicable> {
        let number = PathBuf::from(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd()));
        let socket = number
            .read_link()
            .map_err(|_| NotApplicable("the system does not tell what is behind a descriptor"))?;
        Ok(Self { number, socket })
    }

    pub(crate) fn is_open(&self) -> bool {
        self.number.read_link().is_ok_and(|socket| socket == self.socket)
    }

    /// Whether the same socket is behind both.
    pub(crate) fn is_same_socket(&self, other: &Self) -> bool {
        self.socket == other.socket
    }

    /// How many descriptors of the process have the same socket behind them.
    pub(crate) fn count(&self) -> usize {
        let all = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
        let links = all.filter_map(|entry| entry.path().read_link().ok());
        links.filter(|link| *link == self.socket).count()
    }
}

/// Lets the system keep little of what is on its way between the two.
pub(crate) fn narrow(one: &TcpStream<BoxRuntime>, other: &TcpStream<BoxRuntime>) {
    for stream in [one, other] {
        SockRef::from(stream).set_send_buffer_size(64 << 10).unwrap();
        SockRef::from(stream).set_recv_buffer_size(64 << 10).unwrap();
    }
}
