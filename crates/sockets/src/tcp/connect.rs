//! The builders behind `TcpStream::connect` and `TcpListener::bind`.

use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use anynet_core::{BindError, BoxFuture, ConnectError, Direction, Runtime, Source, Step};
use anynet_util::{Target, connect_with, listen_with};

use super::{TcpListener, TcpStream, socket as tcp};
use crate::OsNetwork;
use crate::options::{SocketOptions, V6Only, builder_option_methods};
use crate::socket::{self, BACKLOG};

/// A connection to be made: [`TcpStream::connect`]. Awaiting it connects.
///
/// Cancel-safe: dropping the future ends the attempt and closes its socket.
#[derive(Clone, Debug)]
#[must_use = "a connection is not made before this is awaited"]
pub struct TcpConnect<R> {
    runtime: Option<R>,
    to: Target,
    local: Option<SocketAddr>,
    options: SocketOptions,
}

impl<R: Runtime> TcpConnect<R> {
    pub(super) fn new(runtime: Option<R>, to: Target) -> Self {
        Self {
            runtime,
            to,
            local: None,
            options: SocketOptions::new(),
        }
    }

    /// Connects from `address`: a local IP address, or an unspecified one, and a port, or 0 for any.
    ///
    /// Addresses of the other family then fail, each with the cause that the system gives.
    pub fn local_address(mut self, address: SocketAddr) -> Self {
        self.local = Some(address);
        self
    }

    builder_option_methods!();

    async fn run(self) -> Result<TcpStream<R>, ConnectError> {
        let runtime = runtime(self.runtime).map_err(|error| ConnectError::NoRuntime(error.into()))?;
        let network = OsNetwork::new(runtime.clone());
        connect_with(&network, self.to, |to| {
            connect_one(&runtime, to, self.local, &self.options)
        })
        .await
    }
}

impl<R: Runtime> IntoFuture for TcpConnect<R> {
    type Output = Result<TcpStream<R>, ConnectError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A listener to be made: [`TcpListener::bind`]. Awaiting it binds and listens.
#[derive(Clone, Debug)]
#[must_use = "nothing is bound before this is awaited"]
pub struct TcpBind<R> {
    runtime: Option<R>,
    on: Target,
    options: SocketOptions,
    backlog: i32,
}

impl<R: Runtime> TcpBind<R> {
    pub(super) fn new(runtime: Option<R>, on: Target) -> Self {
        Self {
            runtime,
            on,
            options: SocketOptions::new(),
            backlog: BACKLOG,
        }
    }

    /// How many connections may wait to be accepted; the system turns others away, or lets them try again. It lowers
    /// the number to its own limit (`net.core.somaxconn`, listen(2)), which is also the default.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = i32::try_from(connections).unwrap_or(i32::MAX);
        self
    }

    /// Has an IPv6 wildcard take IPv4 clients too, whose addresses are reported as IPv4; an error on an IPv4 address.
    /// Without it the socket is for IPv6 alone, whatever the system's default is.
    pub fn dual_stack(self) -> Self {
        self.option(V6Only(false))
    }

    builder_option_methods!();

    async fn run(self) -> Result<TcpListener<R>, BindError> {
        let runtime = runtime(self.runtime).map_err(|error| BindError::NoRuntime(error.into()))?;
        let network = OsNetwork::new(runtime.clone());
        listen_with(&network, self.on, |on| {
            ready(listen(&runtime, on, &self.options, self.backlog))
        })
        .await
    }
}

impl<R: Runtime> IntoFuture for TcpBind<R> {
    type Output = Result<TcpListener<R>, BindError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

pub(super) fn runtime<R: Runtime>(named: Option<R>) -> io::Result<R> {
    named.map_or_else(R::current, Ok)
}

/// Connects to one address, from `local` if given, with a socket that has `options`.
pub(crate) async fn connect_one<R: Runtime>(
    runtime: &R,
    to: SocketAddr,
    local: Option<SocketAddr>,
    options: &SocketOptions,
) -> Result<TcpStream<R>, ConnectError> {
    try_connect(runtime, to, local, options)
        .await
        .map_err(|error| ConnectError::failed(to, error))
}

async fn try_connect<R: Runtime>(
    runtime: &R,
    to: SocketAddr,
    local: Option<SocketAddr>,
    options: &SocketOptions,
) -> io::Result<TcpStream<R>> {
    let fd = tcp::to_connect(to, local, options)?;
    // Before the reactor watches it: a socket that is not connecting yet counts as hung up.
    match socket::connect(fd.as_fd(), &to) {
        Ok(()) => {
            let peer = tcp::connected_to(&fd, to);
            TcpStream::from_connected(runtime.clone(), fd, None, peer, false)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let source = runtime.register(fd)?;
            source
                .io(Direction::Write, |fd| socket::connect(fd, &to).map(Step::Done))
                .await?;
            let peer = tcp::connected_to(&source, to);
            Ok(TcpStream::from_source(runtime.clone(), source, peer))
        }
        Err(error) => Err(error),
    }
}

/// Listens on one address, with a socket that has `options`.
pub(crate) fn listen<R: Runtime>(
    runtime: &R,
    on: SocketAddr,
    options: &SocketOptions,
    backlog: i32,
) -> Result<TcpListener<R>, BindError> {
    tcp::to_listen(on, options, backlog)
        .and_then(|fd| TcpListener::from_listening(runtime.clone(), fd, None))
        .map_err(|error| BindError::failed(on, error))
}
