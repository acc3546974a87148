//! The builder behind `TcpListener::bind_all` and `bind_port`.

use std::future::ready;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anynet_core::{BindError, BoxFuture, Cause, Runtime, SocketType};
use anynet_util::{Listeners, Target, listen_all};
use rustix::io::Errno;

use super::connect::listen;
use super::{TcpListener, TcpListeners};
use crate::OsNetwork;
use crate::current::named_or_current;
use crate::options::{ReusePort, SocketOptions, V6Only, builder_option_methods};
use crate::resolve::{Names, builder_resolver_method};
use crate::socket::BACKLOG;

/// Listeners to be made: [`TcpListener::bind_all`], [`TcpListener::bind_port`]. Awaiting it binds and listens.
///
/// ```
/// use anynet_core::{Error, Listener};
/// use anynet_smol::{Smol, run}; // in a program on smol, `anynet` has all of this
/// use anynet_sockets::{TcpListener, TcpStream};
///
/// run(async {
///     let listeners = TcpListener::<Smol>::bind_all(["127.0.0.1:0", "127.0.0.2:0"]).backlog(128).await?;
///     let addresses: Vec<_> = listeners.iter().map(TcpListener::local_address).collect();
///     assert_eq!(addresses[0].port(), addresses[1].port());
///
///     let _client = TcpStream::<Smol>::connect(addresses[1]).await?;
///     let stream = listeners.accept().await?; // of either; a `Server` has a loop for each
///     assert_eq!(stream.local_address(), addresses[1]);
///     Ok::<_, Error>(())
/// })??;
/// # Ok::<_, Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is bound before this is awaited"]
pub struct TcpBindAll<R> {
    runtime: Option<R>,
    on: Vec<Target>,
    options: SocketOptions,
    names: Names,
    backlog: i32,
    shards: usize,
    dual_stack: bool,
}

/// The wildcards of both families.
pub(super) fn every_host(port: u16) -> [SocketAddr; 2] {
    [
        (Ipv4Addr::UNSPECIFIED, port).into(),
        (Ipv6Addr::UNSPECIFIED, port).into(),
    ]
}

impl<R: Runtime> TcpBindAll<R> {
    pub(super) fn new(runtime: Option<R>, on: Vec<Target>) -> Self {
        Self {
            runtime,
            on,
            options: SocketOptions::new(),
            names: Names::of(SocketType::Stream),
            backlog: BACKLOG,
            shards: 1,
            dual_stack: false,
        }
    }

    /// How many connections may wait to be accepted, on each socket; see [`TcpBind::backlog`](super::TcpBind::backlog).
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = i32::try_from(connections).unwrap_or(i32::MAX);
        self
    }

    /// Makes so many `sockets` for each address, at least one, over which the system spreads the clients (`SO_REUSEPORT`): served by a
    /// [`Server`](anynet_util::Server), each has an accept loop of its own. Linux spreads by a hash of the addresses and
    /// ports (socket(7)); other systems may not.
    ///
    /// Another process of the same user that asks for the same can share the port then.
    pub fn shards(mut self, sockets: usize) -> Self {
        self.shards = sockets.max(1);
        self
    }

    /// Has IPv6 sockets take IPv4 clients too, where their address allows it: so one socket serves the wildcards of both
    /// families. Such a client's address is reported as IPv4. Without it every IPv6 socket is for IPv6 alone, whatever the
    /// system's default is.
    ///
    /// On a machine without IPv6 the IPv4 sockets are made all the same.
    pub fn dual_stack(mut self) -> Self {
        self.dual_stack = true;
        self
    }

    builder_resolver_method!();
    builder_option_methods!();

    async fn run(self) -> Result<TcpListeners<R>, BindError> {
        let runtime = named_or_current(self.runtime).map_err(BindError::NoRuntime)?;
        let network = OsNetwork::with_names(runtime.clone(), self.names);
        let mut addresses = Vec::new();
        for target in &self.on {
            addresses.extend(target.resolve(&network).await.map_err(BindError::Resolve)?);
        }
        let mut options = self.options;
        if self.shards > 1 {
            options = options.required(ReusePort(true));
        }
        let attempt = |on: SocketAddr| {
            let options = match on {
                SocketAddr::V6(_) if self.dual_stack => &options.clone().required(V6Only(false)),
                _ => &options,
            };
            ready(listen(&runtime, on, options, self.backlog))
        };
        let bound = if self.dual_stack {
            // An IPv6 wildcard stands for that of IPv4: if it cannot, neither is passed over.
            match listen_all(uncovered(&addresses), |_| false, attempt).await {
                Err(error) if is_lack(&error) => listen_all(addresses, lacks_family, attempt).await,
                bound => bound,
            }
        } else {
            listen_all(addresses, lacks_family, attempt).await
        }?;
        let mut listeners: Vec<TcpListener<R>> = Vec::new();
        for first in bound {
            let on = first.local_address();
            listeners.push(first);
            for _ in 1..self.shards {
                listeners.push(attempt(on).await?);
            }
        }
        let none = || BindError::Failed {
            target: None,
            attempts: Vec::new(),
        };
        Listeners::of(listeners).ok_or_else(none) // `listen_all` gives at least one
    }
}

impl<R: Runtime> IntoFuture for TcpBindAll<R> {
    type Output = Result<TcpListeners<R>, BindError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// The addresses without the IPv4 wildcards of ports that an IPv6 wildcard takes for both.
fn uncovered(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_covered = |address: &SocketAddr| {
        let both = SocketAddr::from((Ipv6Addr::UNSPECIFIED, address.port()));
        address.ip() == Ipv4Addr::UNSPECIFIED && addresses.contains(&both)
    };
    addresses
        .iter()
        .copied()
        .filter(|address| !is_covered(address))
        .collect()
}

/// Whether there is no such family on this machine.
fn lacks_family(cause: &Cause) -> bool {
    cause.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error())
}

fn is_lack(error: &BindError) -> bool {
    error
        .attempts()
        .iter()
        .any(|attempt| lacks_family(&attempt.cause))
}
