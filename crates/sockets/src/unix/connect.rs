//! The builders behind `UnixStream::connect` and `UnixListener::bind`.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use anynet_core::{BindError, BoxFuture, ConnectError, Runtime, UnixAddress};

use super::address::to_system;
use super::file::{self, FileRules};
use super::pause::pause;
use super::{SocketFile, Unix, UnixListener, UnixStream};
use crate::current::named_or_current;
use crate::kind::Kind;
use crate::options::{SocketOptions, builder_option_methods};
use crate::socket::{self, BACKLOG};

/// The first and the longest wait for a listener whose queue is full.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// A kind of UNIX socket that has connections. Sealed, as kinds are.
pub trait UnixConnection: Kind<Address = UnixAddress> {
    /// A connection.
    type Socket<R: Runtime>;
    /// What accepts connections.
    type Listener<R: Runtime>;

    /// Registers a descriptor that is known to be connected, non-blocking and close-on-exec, and to have bound `file`.
    fn connected<R: Runtime>(
        runtime: R,
        fd: OwnedFd,
        peer: UnixAddress,
        file: Option<Box<SocketFile>>,
    ) -> io::Result<Self::Socket<R>>;

    /// Registers a descriptor that is known to be listening, non-blocking and close-on-exec, and to have bound `file`.
    fn listening<R: Runtime>(
        runtime: R,
        fd: OwnedFd,
        file: Option<Box<SocketFile>>,
    ) -> io::Result<Self::Listener<R>>;
}

impl UnixConnection for Unix {
    type Socket<R: Runtime> = UnixStream<R>;
    type Listener<R: Runtime> = UnixListener<R>;

    fn connected<R: Runtime>(
        runtime: R,
        fd: OwnedFd,
        peer: UnixAddress,
        file: Option<Box<SocketFile>>,
    ) -> io::Result<UnixStream<R>> {
        UnixStream::from_bound(runtime, fd, peer, file)
    }

    fn listening<R: Runtime>(
        runtime: R,
        fd: OwnedFd,
        file: Option<Box<SocketFile>>,
    ) -> io::Result<UnixListener<R>> {
        UnixListener::from_listening(runtime, fd, file)
    }
}

/// A connection to be made: [`UnixStream::connect`]. Awaiting it connects.
///
/// Where the listener's queue is full it waits for room. The system gives no sign of that, so it asks again, at first
/// after a millisecond and at last every 50.
///
/// Cancel-safe: dropping the future ends the attempt and closes its socket.
#[derive(Clone, Debug)]
#[must_use = "a connection is not made before this is awaited"]
pub struct UnixConnect<R, K = Unix> {
    runtime: Option<R>,
    to: UnixAddress,
    local: Option<UnixAddress>,
    options: SocketOptions,
    kind: PhantomData<K>,
}

impl<R: Runtime, K: UnixConnection> UnixConnect<R, K> {
    pub(super) fn new(runtime: Option<R>, to: UnixAddress) -> Self {
        Self {
            runtime,
            to,
            local: None,
            options: SocketOptions::new(),
            kind: PhantomData,
        }
    }

    /// Connects from `address`, which the peer then sees. Where that is a path, its file is made and removed as a
    /// listener's is; [`Unnamed`](UnixAddress::Unnamed) has the system choose an abstract name, as
    /// [`UnixListener::bind`](super::UnixListener::bind) says.
    pub fn local_address(mut self, address: impl Into<UnixAddress>) -> Self {
        self.local = Some(address.into());
        self
    }

    builder_option_methods!();

    async fn run(self) -> Result<K::Socket<R>, ConnectError> {
        let runtime = named_or_current(self.runtime).map_err(ConnectError::NoRuntime)?;
        connect::<R, K>(&runtime, self.to, self.local.as_ref(), &self.options).await
    }
}

impl<R: Runtime, K: UnixConnection> IntoFuture for UnixConnect<R, K> {
    type Output = Result<K::Socket<R>, ConnectError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A listener to be made: [`UnixListener::bind`]. Awaiting it binds and listens.
#[derive(Clone, Debug)]
#[must_use = "nothing is bound before this is awaited"]
pub struct UnixBind<R, K = Unix> {
    runtime: Option<R>,
    on: UnixAddress,
    options: SocketOptions,
    backlog: i32,
    file: FileRules,
    kind: PhantomData<K>,
}

impl<R: Runtime, K: UnixConnection> UnixBind<R, K> {
    pub(super) fn new(runtime: Option<R>, on: UnixAddress) -> Self {
        Self {
            runtime,
            on,
            options: SocketOptions::new(),
            backlog: BACKLOG,
            file: FileRules::default(),
            kind: PhantomData,
        }
    }

    /// How many connections may wait to be accepted; who comes then has to wait. The system lowers the number to its own
    /// limit (`net.core.somaxconn`, listen(2)), which is also the default.
    pub fn backlog(mut self, connections: u32) -> Self {
        self.backlog = i32::try_from(connections).unwrap_or(i32::MAX);
        self
    }

    /// Gives the socket's file these permissions, such as `0o600`; whoever may write it may connect. Without this, it has
    /// what the process's mask leaves. At no instant does the file permit more. Nothing happens where there is no file.
    pub fn mode(mut self, mode: u32) -> Self {
        self.file.mode = Some(mode);
        self
    }

    /// Leaves the socket's file where it is when the listener goes.
    pub fn keep_file(mut self) -> Self {
        self.file.keep = true;
        self
    }

    builder_option_methods!();

    async fn run(self) -> Result<K::Listener<R>, BindError> {
        let runtime = named_or_current(self.runtime).map_err(BindError::NoRuntime)?;
        listen::<R, K>(&runtime, self.on, &self.options, self.backlog, self.file).await
    }
}

impl<R: Runtime, K: UnixConnection> IntoFuture for UnixBind<R, K> {
    type Output = Result<K::Listener<R>, BindError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Connects to one address, from `local` if given, with a socket that has `options`.
async fn connect<R: Runtime, K: UnixConnection>(
    runtime: &R,
    to: UnixAddress,
    local: Option<&UnixAddress>,
    options: &SocketOptions,
) -> Result<K::Socket<R>, ConnectError> {
    try_connect::<R, K>(runtime, &to, local, options)
        .await
        .map_err(|error| ConnectError::failed(to, error))
}

async fn try_connect<R: Runtime, K: UnixConnection>(
    runtime: &R,
    to: &UnixAddress,
    local: Option<&UnixAddress>,
    options: &SocketOptions,
) -> io::Result<K::Socket<R>> {
    let peer = to_system(to)?;
    let socket = super::socket::new(K::TYPE)?;
    options.apply(&socket)?;
    let file = match local {
        None => None,
        Some(local) => file::bind(runtime, &socket, local, FileRules::default()).await?,
    };
    let fd = OwnedFd::from(socket);
    let (mut wait, longest) = BACKOFF;
    // A UNIX socket connects at once or not at all; "would block" says that the listener's queue is full.
    while let Err(error) = socket::connect(fd.as_fd(), &peer) {
        if error.kind() != io::ErrorKind::WouldBlock {
            return Err(error);
        }
        pause(runtime, wait).await?;
        wait = longest.min(wait * 2);
    }
    K::connected(runtime.clone(), fd, to.clone(), file)
}

/// Listens on one address, with a socket that has `options`.
async fn listen<R: Runtime, K: UnixConnection>(
    runtime: &R,
    on: UnixAddress,
    options: &SocketOptions,
    backlog: i32,
    rules: FileRules,
) -> Result<K::Listener<R>, BindError> {
    try_listen::<R, K>(runtime, &on, options, backlog, rules)
        .await
        .map_err(|error| BindError::failed(on, error))
}

async fn try_listen<R: Runtime, K: UnixConnection>(
    runtime: &R,
    on: &UnixAddress,
    options: &SocketOptions,
    backlog: i32,
    rules: FileRules,
) -> io::Result<K::Listener<R>> {
    let socket = super::socket::new(K::TYPE)?;
    options.apply(&socket)?;
    let file = file::bind(runtime, &socket, on, rules).await?;
    socket.listen(backlog)?;
    K::listening(runtime.clone(), socket.into(), file)
}
