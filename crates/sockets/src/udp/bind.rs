//! The builders behind `UdpSocket::bind` and `ConnectedUdpSocket::connect`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};

use anynet_core::{BindError, BoxFuture, ConnectError, FailedAttempt, Runtime, SocketType};
use anynet_util::Target;
use socket2::{Domain, Protocol, Socket, Type};

use super::{ConnectedUdpSocket, UdpSocket};
use crate::OsNetwork;
use crate::current::named_or_current;
use crate::options::{SocketOptions, builder_option_methods};
use crate::resolve::{Names, builder_resolver_method};
use crate::socket;
use crate::tcp::connected_to;

/// A UDP socket to be made: [`UdpSocket::bind`]. Awaiting it binds.
#[derive(Clone, Debug)]
#[must_use = "nothing is bound before this is awaited"]
pub struct UdpBind<R> {
    runtime: Option<R>,
    on: Target,
    options: SocketOptions,
    names: Names,
}

impl<R: Runtime> UdpBind<R> {
    pub(super) fn new(runtime: Option<R>, on: Target) -> Self {
        Self {
            runtime,
            on,
            options: SocketOptions::new(),
            names: Names::of(SocketType::Datagram),
        }
    }

    builder_resolver_method!();
    builder_option_methods!();

    async fn run(self) -> Result<UdpSocket<R>, BindError> {
        let runtime = named_or_current(self.runtime).map_err(BindError::NoRuntime)?;
        let network = OsNetwork::with_names(runtime.clone(), self.names);
        let addresses = self.on.resolve(&network).await.map_err(BindError::Resolve)?;
        first(addresses, |on| try_bind(&runtime, on, &self.options)).map_err(|attempts| BindError::Failed {
            target: self.on.name(),
            attempts,
        })
    }
}

impl<R: Runtime> IntoFuture for UdpBind<R> {
    type Output = Result<UdpSocket<R>, BindError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A connected UDP socket to be made: [`ConnectedUdpSocket::connect`]. Awaiting it connects.
#[derive(Clone, Debug)]
#[must_use = "nothing is connected before this is awaited"]
pub struct UdpConnect<R> {
    runtime: Option<R>,
    to: Target,
    local: Option<Local>,
    options: SocketOptions,
    names: Names,
}

/// Where to connect from.
#[derive(Clone, Copy, Debug)]
enum Local {
    Address(SocketAddr),
    /// A port of every local host, in the peer's family.
    Port(u16),
}

impl Local {
    fn address(self, peer: SocketAddr) -> SocketAddr {
        match self {
            Self::Address(address) => address,
            Self::Port(port) if peer.is_ipv4() => SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
            Self::Port(port) => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port),
        }
    }
}

impl<R: Runtime> UdpConnect<R> {
    pub(super) fn new(runtime: Option<R>, to: Target) -> Self {
        Self {
            runtime,
            to,
            local: None,
            options: SocketOptions::new(),
            names: Names::of(SocketType::Datagram),
        }
    }

    /// Sends from `address`: a local IP address, or an unspecified one, and a port, or 0 for any. Of the peer's addresses
    /// only those of the same family are taken: so the unspecified address and port 0 choose a family.
    pub fn local_address(mut self, address: SocketAddr) -> Self {
        self.local = Some(Local::Address(address));
        self
    }

    /// Sends from `port`, whatever the peer's family is.
    pub fn local_port(mut self, port: u16) -> Self {
        self.local = Some(Local::Port(port));
        self
    }

    builder_resolver_method!();
    builder_option_methods!();

    async fn run(self) -> Result<ConnectedUdpSocket<R>, ConnectError> {
        let runtime = named_or_current(self.runtime).map_err(ConnectError::NoRuntime)?;
        let network = OsNetwork::with_names(runtime.clone(), self.names);
        let addresses = self.to.resolve(&network).await.map_err(ConnectError::Resolve)?;
        first(addresses, |to| {
            try_connect(&runtime, to, self.local, &self.options)
        })
        .map_err(|attempts| ConnectError::Failed {
            target: self.to.name(),
            attempts,
        })
    }
}

impl<R: Runtime> IntoFuture for UdpConnect<R> {
    type Output = Result<ConnectedUdpSocket<R>, ConnectError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Binds one address, with a socket that has `options`.
pub(crate) fn bind<R: Runtime>(
    runtime: &R,
    on: SocketAddr,
    options: &SocketOptions,
) -> Result<UdpSocket<R>, BindError> {
    try_bind(runtime, on, options).map_err(|error| BindError::failed(on, error))
}

fn try_bind<R: Runtime>(runtime: &R, on: SocketAddr, options: &SocketOptions) -> io::Result<UdpSocket<R>> {
    let fd = bound(on, on, options)?;
    UdpSocket::unconnected(runtime.clone(), fd, None, None)
}

/// The socket of the first address that gives one: nobody answers, so there is nothing to wait for and to race.
fn first<S>(
    addresses: Vec<SocketAddr>,
    make: impl Fn(SocketAddr) -> io::Result<S>,
) -> Result<S, Vec<FailedAttempt>> {
    let mut attempts = Vec::new();
    for address in addresses {
        match make(address) {
            Ok(socket) => return Ok(socket),
            Err(error) => attempts.push(FailedAttempt::new(address, error)),
        }
    }
    Err(attempts)
}

fn try_connect<R: Runtime>(
    runtime: &R,
    to: SocketAddr,
    local: Option<Local>,
    options: &SocketOptions,
) -> io::Result<ConnectedUdpSocket<R>> {
    let fd = match local {
        Some(local) => bound(to, local.address(to), options)?,
        None => udp(to, options)?.into(),
    };
    socket::connect(fd.as_fd(), &to)?;
    let peer = connected_to(&fd, to);
    ConnectedUdpSocket::connected(runtime.clone(), fd, None, peer, None)
}

/// A UDP socket for the family of `family`, bound to `on`.
fn bound(family: SocketAddr, on: SocketAddr, options: &SocketOptions) -> io::Result<OwnedFd> {
    let socket = udp(family, options)?;
    socket.bind(&on.into())?;
    Ok(socket.into())
}

/// A UDP socket with `options`, for the family of `family`.
fn udp(family: SocketAddr, options: &SocketOptions) -> io::Result<Socket> {
    let socket = socket::new(Domain::for_address(family), Type::DGRAM, Some(Protocol::UDP))?;
    options.apply(&socket)?;
    Ok(socket)
}
