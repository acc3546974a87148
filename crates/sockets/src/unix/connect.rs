//! The builders behind `UnixStream::connect` and `UnixListener::bind`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use anynet_core::{BindError, BoxFuture, ConnectError, Runtime, UnixAddress};
use socket2::Type;

use super::address::to_system;
use super::file::{self, FileRules};
use super::{UnixListener, UnixStream};
use crate::options::{SocketOptions, builder_option_methods};
use crate::socket::{self, BACKLOG};

/// The first and the longest wait for a listener whose queue is full.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// A connection to be made: [`UnixStream::connect`]. Awaiting it connects.
///
/// Where the listener's queue is full it waits for room. The system gives no sign of that, so it asks again, at first
/// after a millisecond and at last every 50.
///
/// Cancel-safe: dropping the future ends the attempt and closes its socket.
#[derive(Clone, Debug)]
#[must_use = "a connection is not made before this is awaited"]
pub struct UnixConnect<R> {
    runtime: Option<R>,
    to: UnixAddress,
    local: UnixAddress,
    options: SocketOptions,
}

impl<R: Runtime> UnixConnect<R> {
    pub(super) fn new(runtime: Option<R>, to: UnixAddress) -> Self {
        Self {
            runtime,
            to,
            local: UnixAddress::Unnamed,
            options: SocketOptions::new(),
        }
    }

    /// Connects from `address`, which the peer then sees. Where that is a path, its file is made and removed as a
    /// listener's is.
    pub fn local_address(mut self, address: impl Into<UnixAddress>) -> Self {
        self.local = address.into();
        self
    }

    builder_option_methods!();

    async fn run(self) -> Result<UnixStream<R>, ConnectError> {
        let runtime = self.runtime.map_or_else(R::current, Ok);
        let runtime = runtime.map_err(|error| ConnectError::NoRuntime(error.into()))?;
        connect(&runtime, self.to, self.local, &self.options).await
    }
}

impl<R: Runtime> IntoFuture for UnixConnect<R> {
    type Output = Result<UnixStream<R>, ConnectError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A listener to be made: [`UnixListener::bind`]. Awaiting it binds and listens.
#[derive(Clone, Debug)]
#[must_use = "nothing is bound before this is awaited"]
pub struct UnixBind<R> {
    runtime: Option<R>,
    on: UnixAddress,
    options: SocketOptions,
    backlog: i32,
    file: FileRules,
}

impl<R: Runtime> UnixBind<R> {
    pub(super) fn new(runtime: Option<R>, on: UnixAddress) -> Self {
        Self {
            runtime,
            on,
            options: SocketOptions::new(),
            backlog: BACKLOG,
            file: FileRules::default(),
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

    async fn run(self) -> Result<UnixListener<R>, BindError> {
        let runtime = self.runtime.map_or_else(R::current, Ok);
        let runtime = runtime.map_err(|error| BindError::NoRuntime(error.into()))?;
        listen(&runtime, self.on, &self.options, self.backlog, self.file).await
    }
}

impl<R: Runtime> IntoFuture for UnixBind<R> {
    type Output = Result<UnixListener<R>, BindError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// Connects to one address, from `local` if that is a name, with a socket that has `options`.
async fn connect<R: Runtime>(
    runtime: &R,
    to: UnixAddress,
    local: UnixAddress,
    options: &SocketOptions,
) -> Result<UnixStream<R>, ConnectError> {
    try_connect(runtime, &to, &local, options)
        .await
        .map_err(|error| ConnectError::failed(to, error))
}

async fn try_connect<R: Runtime>(
    runtime: &R,
    to: &UnixAddress,
    local: &UnixAddress,
    options: &SocketOptions,
) -> io::Result<UnixStream<R>> {
    let peer = to_system(to)?;
    let socket = super::socket::new(Type::STREAM)?;
    options.apply(&socket)?;
    let file = if local.is_unnamed() {
        None
    } else {
        file::bind(runtime, &socket, local, FileRules::default()).await?
    };
    let fd = OwnedFd::from(socket);
    let (mut wait, longest) = BACKOFF;
    // A UNIX socket connects at once or not at all; "would block" says that the listener's queue is full.
    while let Err(error) = socket::connect(fd.as_fd(), &peer) {
        if error.kind() != io::ErrorKind::WouldBlock {
            return Err(error);
        }
        runtime.sleep(wait).await;
        wait = longest.min(wait * 2);
    }
    UnixStream::from_bound(runtime.clone(), fd, to.clone(), file)
}

/// Listens on one address, with a socket that has `options`.
async fn listen<R: Runtime>(
    runtime: &R,
    on: UnixAddress,
    options: &SocketOptions,
    backlog: i32,
    rules: FileRules,
) -> Result<UnixListener<R>, BindError> {
    try_listen(runtime, &on, options, backlog, rules)
        .await
        .map_err(|error| BindError::failed(on, error))
}

async fn try_listen<R: Runtime>(
    runtime: &R,
    on: &UnixAddress,
    options: &SocketOptions,
    backlog: i32,
    rules: FileRules,
) -> io::Result<UnixListener<R>> {
    let socket = super::socket::new(Type::STREAM)?;
    options.apply(&socket)?;
    let file = file::bind(runtime, &socket, on, rules).await?;
    socket.listen(backlog)?;
    UnixListener::from_listening(runtime.clone(), socket.into(), file)
}
