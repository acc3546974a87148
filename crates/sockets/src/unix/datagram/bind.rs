//! The builders behind `UnixDatagram::bind` and `ConnectedUnixDatagram::connect`.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use anynet_core::{BindError, BoxFuture, ConnectError, Runtime, UnixAddress};
use socket2::{Socket, Type};

use super::super::file::{self, FileRules, SocketFile};
use super::super::{socket as unix, to_system};
use super::{ConnectedUnixDatagram, UnixDatagram};
use crate::current::named_or_current;
use crate::options::{SocketOptions, builder_option_methods};
use crate::socket;

/// A UNIX datagram socket to be made: [`UnixDatagram::bind`]. Awaiting it binds.
#[derive(Clone, Debug)]
#[must_use = "nothing is bound before this is awaited"]
pub struct UnixDatagramBind<R> {
    runtime: Option<R>,
    on: UnixAddress,
    options: SocketOptions,
    file: FileRules,
}

impl<R: Runtime> UnixDatagramBind<R> {
    pub(super) fn new(runtime: Option<R>, on: UnixAddress) -> Self {
        Self {
            runtime,
            on,
            options: SocketOptions::new(),
            file: FileRules::default(),
        }
    }

    /// Gives the socket's file these permissions, such as `0o600`; whoever may write it may send. Without this, it has
    /// what the process's mask leaves. At no instant does the file permit more. Nothing happens where there is no file.
    pub fn mode(mut self, mode: u32) -> Self {
        self.file.mode = Some(mode);
        self
    }

    /// Leaves the socket's file where it is when the socket goes.
    pub fn keep_file(mut self) -> Self {
        self.file.keep = true;
        self
    }

    builder_option_methods!();

    async fn run(self) -> Result<UnixDatagram<R>, BindError> {
        let runtime = named_or_current(self.runtime).map_err(BindError::NoRuntime)?;
        let bound = bind(runtime, &self.on, &self.options, self.file).await;
        bound.map_err(|error| BindError::failed(self.on, error))
    }
}

impl<R: Runtime> IntoFuture for UnixDatagramBind<R> {
    type Output = Result<UnixDatagram<R>, BindError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A connected UNIX datagram socket to be made: [`ConnectedUnixDatagram::connect`]. Awaiting it connects.
#[derive(Clone, Debug)]
#[must_use = "nothing is connected before this is awaited"]
pub struct UnixDatagramConnect<R> {
    runtime: Option<R>,
    peer: UnixAddress,
    local: Option<UnixAddress>,
    file: FileRules,
    options: SocketOptions,
}

impl<R: Runtime> UnixDatagramConnect<R> {
    pub(super) fn new(runtime: Option<R>, peer: UnixAddress) -> Self {
        Self {
            runtime,
            peer,
            local: None,
            file: FileRules::default(),
            options: SocketOptions::new(),
        }
    }

    /// Sends from `address`, which the peer then sees and can answer. Where that is a path, its file is made and removed as
    /// that of a [`UnixDatagram`] is; [`Unnamed`](UnixAddress::Unnamed) has the system choose an abstract name, as
    /// [`UnixDatagram::bind`] says.
    pub fn local_address(mut self, address: impl Into<UnixAddress>) -> Self {
        self.local = Some(address.into());
        self
    }

    /// Gives the file of the [local address](Self::local_address) these permissions, as [`UnixDatagramBind::mode`](UnixDatagramBind::mode) does.
    /// Nothing happens where there is no file.
    pub fn local_mode(mut self, mode: u32) -> Self {
        self.file.mode = Some(mode);
        self
    }

    builder_option_methods!();

    async fn run(self) -> Result<ConnectedUnixDatagram<R>, ConnectError> {
        let runtime = named_or_current(self.runtime).map_err(ConnectError::NoRuntime)?;
        let connected = connect(runtime, &self.peer, self.local.as_ref(), self.file, &self.options).await;
        connected.map_err(|error| ConnectError::failed(self.peer, error))
    }
}

impl<R: Runtime> IntoFuture for UnixDatagramConnect<R> {
    type Output = Result<ConnectedUnixDatagram<R>, ConnectError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

async fn bind<R: Runtime>(
    runtime: R,
    on: &UnixAddress,
    options: &SocketOptions,
    rules: FileRules,
) -> io::Result<UnixDatagram<R>> {
    let (fd, file) = bound(&runtime, on, options, rules).await?;
    UnixDatagram::unconnected(runtime, fd, None, file)
}

async fn connect<R: Runtime>(
    runtime: R,
    peer: &UnixAddress,
    local: Option<&UnixAddress>,
    file: FileRules,
    options: &SocketOptions,
) -> io::Result<ConnectedUnixDatagram<R>> {
    let to = to_system(peer)?;
    let (fd, file) = match local {
        None => (new(options)?.into(), None),
        Some(local) => bound(&runtime, local, options, file).await?,
    };
    socket::connect(fd.as_fd(), &to)?;
    ConnectedUnixDatagram::connected(runtime, fd, None, peer.clone(), file)
}

/// A socket with `options` that is bound to `on`, and its file.
async fn bound<R: Runtime>(
    runtime: &R,
    on: &UnixAddress,
    options: &SocketOptions,
    rules: FileRules,
) -> io::Result<(OwnedFd, Option<Box<SocketFile>>)> {
    let socket = new(options)?;
    let file = file::bind(runtime, &socket, on, rules).await?;
    Ok((socket.into(), file))
}

fn new(options: &SocketOptions) -> io::Result<Socket> {
    let socket = unix::new(Type::DGRAM)?;
    options.apply(&socket)?;
    Ok(socket)
}
