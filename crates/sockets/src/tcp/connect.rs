//! The builders behind `TcpStream::connect` and `TcpListener::bind`.

use std::future::ready;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use anynet_core::{BindError, BoxFuture, ConnectError, Direction, Runtime, SocketType, Source, Step};
use anynet_util::{Connected, HappyEyeballs, Target, listen_with};

use super::{TcpListener, TcpStream, socket as tcp};
use crate::OsNetwork;
use crate::current::named_or_current;
use crate::options::{SocketOptions, V6Only, builder_option_methods};
use crate::resolve::{Names, builder_resolver_method};
use crate::socket::{self, BACKLOG};

/// A connection to be made: [`TcpStream::connect`]. Awaiting it connects.
///
/// The addresses of a name are raced, as [`HappyEyeballs`] says: IPv4 and IPv6 take turns, 250 ms apart.
///
/// Cancel-safe: dropping the future ends every attempt and closes its socket.
///
/// ```
/// use anynet_core::Error;
/// use anynet_smol::{Smol, run}; // in a program on smol, `anynet` has all of this
/// use anynet_sockets::options::KeepAlive;
/// use anynet_sockets::{TcpListener, TcpStream};
/// use anynet_util::{Outcome, TableResolver};
/// use std::time::Duration;
///
/// run(async {
///     let listener = TcpListener::<Smol>::bind("127.0.0.1:0").await?;
///     let port = listener.local_address().port();
///     let names = TableResolver::new().host("server.test", [[127, 0, 0, 2], [127, 0, 0, 1]]); // nobody is at the first
///
///     let connected = TcpStream::<Smol>::connect(("server.test", port))
///         .resolver(names)
///         .option(KeepAlive(true))
///         .deadline(Duration::from_secs(10))
///         .with_attempts() // or just `.await?`, for the stream alone
///         .await?;
///     let [first, second] = &connected.attempts[..] else { panic!("one for each address") };
///     assert!(matches!(first.outcome, Outcome::Failed(_)));
///     assert!(matches!(second.outcome, Outcome::Connected));
///     assert_eq!(second.address, connected.stream.peer_address());
///     Ok::<_, Error>(())
/// })??;
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a connection is not made before this is awaited"]
pub struct TcpConnect<R> {
    runtime: Option<R>,
    to: Target,
    local: Locals,
    policy: HappyEyeballs,
    options: SocketOptions,
    names: Names,
}

/// Where to connect from, for each family.
#[derive(Clone, Copy, Debug, Default)]
struct Locals {
    ipv4: Option<SocketAddr>,
    ipv6: Option<SocketAddr>,
}

impl Locals {
    fn set(&mut self, address: SocketAddr) {
        *(if address.is_ipv4() {
            &mut self.ipv4
        } else {
            &mut self.ipv6
        }) = Some(address);
    }

    /// Where to connect to `to` from. If only the other family has an address, that one: the system refuses it.
    fn to(self, to: SocketAddr) -> Option<SocketAddr> {
        if to.is_ipv4() {
            self.ipv4.or(self.ipv6)
        } else {
            self.ipv6.or(self.ipv4)
        }
    }
}

impl<R: Runtime> TcpConnect<R> {
    pub(super) fn new(runtime: Option<R>, to: Target) -> Self {
        Self {
            runtime,
            to,
            local: Locals::default(),
            policy: HappyEyeballs::new(),
            options: SocketOptions::new(),
            names: Names::of(SocketType::Stream),
        }
    }

    /// Connects from `address`: a local IP address, or an unspecified one, and a port, or 0 for any. Where the system can
    /// (Linux), any is one that connections to other peers may have, too.
    ///
    /// A connection that the system would make to itself, because it chose the very port that is connected to, is refused
    /// (`ECONNREFUSED`): nobody else is there. With that port given here, it is made.
    ///
    /// It may be given once for each family. With one only, addresses of the other family fail, each with the cause that
    /// the system gives. Attempts that are under way together need a port each: one that is given serves the first.
    pub fn local_address(mut self, address: SocketAddr) -> Self {
        self.local.set(address);
        self
    }

    /// Connects from any local address of either family, and this port.
    pub fn local_port(self, port: u16) -> Self {
        self.local_address((Ipv4Addr::UNSPECIFIED, port).into())
            .local_address((Ipv6Addr::UNSPECIFIED, port).into())
    }

    /// How long an attempt at one address is given before an attempt at the next joins it: 250 ms, unless said otherwise,
    /// and at least 10 ms. See [`HappyEyeballs`].
    pub fn attempt_delay(mut self, delay: Duration) -> Self {
        self.policy = self.policy.attempt_delay(delay);
        self
    }

    /// How long all of it may take, the look-up of the name and every attempt. It is without limit, unless said otherwise.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.policy = self.policy.deadline(limit);
        self
    }

    builder_resolver_method!();
    builder_option_methods!();

    /// Connects, as awaiting it does, and says which addresses were tried, for how long, and what came of it.
    ///
    /// # Errors
    ///
    /// As awaiting it; a [`ConnectError`] names the attempts, too.
    pub async fn with_attempts(self) -> Result<Connected<TcpStream<R>>, ConnectError> {
        let runtime = named_or_current(self.runtime).map_err(ConnectError::NoRuntime)?;
        let network = OsNetwork::with_names(runtime.clone(), self.names);
        let attempt = |to| connect_one(&runtime, to, self.local.to(to), &self.options);
        self.policy.connect(&network, self.to, attempt).await
    }
}

impl<R: Runtime> IntoFuture for TcpConnect<R> {
    type Output = Result<TcpStream<R>, ConnectError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async { Ok(self.with_attempts().await?.stream) })
    }
}

/// A listener to be made: [`TcpListener::bind`]. Awaiting it binds and listens.
#[derive(Clone, Debug)]
#[must_use = "nothing is bound before this is awaited"]
pub struct TcpBind<R> {
    runtime: Option<R>,
    on: Target,
    options: SocketOptions,
    names: Names,
    backlog: i32,
}

impl<R: Runtime> TcpBind<R> {
    pub(super) fn new(runtime: Option<R>, on: Target) -> Self {
        Self {
            runtime,
            on,
            options: SocketOptions::new(),
            names: Names::of(SocketType::Stream),
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

    builder_resolver_method!();
    builder_option_methods!();

    async fn run(self) -> Result<TcpListener<R>, BindError> {
        let runtime = named_or_current(self.runtime).map_err(BindError::NoRuntime)?;
        let network = OsNetwork::with_names(runtime.clone(), self.names);
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
            let (local, peer) = tcp::connected(&fd, local, to)?;
            TcpStream::from_connected(runtime.clone(), fd, local, peer, false)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            let source = runtime.register(fd)?;
            source
                .io(Direction::Write, |fd| socket::connect(fd, &to).map(Step::Done))
                .await?;
            let (local, peer) = tcp::connected(&source, local, to)?;
            Ok(TcpStream::from_source(runtime.clone(), source, local, peer))
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
