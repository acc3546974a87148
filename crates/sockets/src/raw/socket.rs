//! The raw socket: how it is made, what it is, and how it ends.

use std::io;
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anynet_core::{Direction, Runtime};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::{FdFlags, retry_on_intr};
use socket2::{Domain, Protocol, SockRef, Type};

use super::wait::Descriptor;
use super::{SocketAddress, SocketError};
use crate::identity::Identity;
use crate::socket;

/// A socket of any kind, with every operation of the system's, on the runtime `R`.
///
/// What the other sockets do for their user, this one leaves to him: no option is set, an error is the system's own, and
/// nothing is remembered but that it was closed. It is for what the others lack: another address family, a flag, control
/// data.
///
/// ```no_run
/// use anynet_core::Runtime;
/// use anynet_sockets::{MessageFlags, Socket, SocketAddress, SocketError};
/// use socket2::{Domain, Type};
/// use std::net::SocketAddr;
///
/// async fn ask<R: Runtime>(runtime: &R, server: SocketAddr) -> Result<Vec<u8>, SocketError> {
///     let socket = Socket::new_on(runtime, Domain::for_address(server), Type::DGRAM, None)?;
///     socket.send_to(b"what time is it?", MessageFlags::NONE, &server.into()).await?;
///     let mut buf = vec![0; 1024];
///     let (length, _sender) = socket.receive_from(&mut buf, MessageFlags::NONE).await?;
///     buf.truncate(length);
///     Ok(buf)
/// }
/// ```
///
/// **Any number of tasks** may use one socket at once, in any direction. **Closing** it, from whichever task, wakes all of
/// them with [`SocketError::Closed`]; it is not shut down for others who hold its descriptor. An operation first asks the
/// system, and waits only if that would block. It is **cancel-safe**, but for [`connect`](Self::connect).
///
/// Since any task may close it, it does not lend its descriptor for longer than a call: [`with_fd`](Self::with_fd).
/// Dropping it closes it.
#[derive(Debug)]
pub struct Socket<R: Runtime> {
    pub(super) descriptor: Descriptor<R>,
    identity: Identity,
    /// Whether the send side was shut down, by this socket or a duplicate of it.
    write_is_shut: Arc<AtomicBool>,
}

impl<R: Runtime> Socket<R> {
    /// A socket of this family, type and protocol (`None`: the type's own), on the current runtime. Close-on-exec.
    ///
    /// # Errors
    ///
    /// What the system says, such as `EAFNOSUPPORT`, `EPROTONOSUPPORT`, or `EPERM` where a privilege is needed; or that
    /// there is no current runtime.
    pub fn new(family: Domain, kind: Type, protocol: Option<Protocol>) -> Result<Self, SocketError> {
        Self::new_on(&current()?, family, kind, protocol)
    }

    /// As [`new`](Self::new), on `runtime`.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn new_on(
        runtime: &R,
        family: Domain,
        kind: Type,
        protocol: Option<Protocol>,
    ) -> Result<Self, SocketError> {
        let socket = socket::new(family, kind, protocol)?;
        Ok(Self::own(runtime, socket)?)
    }

    /// Two sockets that are connected to each other, on the current runtime. Most systems have them for
    /// [`Domain::UNIX`] alone.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn pair(family: Domain, kind: Type, protocol: Option<Protocol>) -> Result<(Self, Self), SocketError> {
        Self::pair_on(&current()?, family, kind, protocol)
    }

    /// As [`pair`](Self::pair), on `runtime`.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn pair_on(
        runtime: &R,
        family: Domain,
        kind: Type,
        protocol: Option<Protocol>,
    ) -> Result<(Self, Self), SocketError> {
        let (one, other) = socket::pair(family, kind, protocol)?;
        Ok((Self::own(runtime, one)?, Self::own(runtime, other)?))
    }

    /// Takes a socket that is non-blocking and close-on-exec, and asks the system what it is.
    fn own(runtime: &R, socket: socket2::Socket) -> io::Result<Self> {
        let identity = Identity::of(&socket)?;
        Ok(Self::new_from(runtime.clone(), socket.into(), identity))
    }

    /// Takes a descriptor that is non-blocking and close-on-exec, and this.
    pub(super) fn new_from(runtime: R, fd: OwnedFd, identity: Identity) -> Self {
        Self {
            descriptor: Descriptor::new(runtime, fd),
            identity,
            write_is_shut: Arc::default(),
        }
    }

    /// A socket like this one, which it has accepted.
    pub(super) fn accepted(&self, fd: OwnedFd) -> Self {
        Self::new_from(self.runtime().clone(), fd, self.identity)
    }

    /// The address family, as the system says. Known after a close.
    pub fn family(&self) -> Domain {
        self.identity.family
    }

    /// The type, as the system says. Known after a close.
    pub fn kind(&self) -> Type {
        self.identity.kind
    }

    /// The protocol, as the system says: also where it was left to the system. `None` if the family has only one, or
    /// (outside Linux and FreeBSD) the system does not say. Known after a close.
    pub fn protocol(&self) -> Option<Protocol> {
        self.identity.protocol
    }

    /// The runtime that the socket is on.
    pub fn runtime(&self) -> &R {
        self.descriptor.runtime()
    }

    /// Lends the descriptor to `f`, for system calls that have no method here. It must not make the descriptor block, nor
    /// wait, nor use this socket: a close from another task waits until `f` is done.
    ///
    /// # Errors
    ///
    /// [`Closed`](SocketError::Closed).
    pub fn with_fd<T>(&self, f: impl FnOnce(BorrowedFd<'_>) -> T) -> Result<T, SocketError> {
        self.descriptor.with(f)
    }

    /// The address that the socket is bound to; one of zeros, or with no data, if it is not.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn local_address(&self) -> Result<SocketAddress, SocketError> {
        let address = self.with_fd(|fd| SockRef::from(&fd).local_addr())??;
        Ok(address.into())
    }

    /// The address that the socket is connected to.
    ///
    /// # Errors
    ///
    /// What the system says: `ENOTCONN` if it is not connected, or not any more.
    pub fn peer_address(&self) -> Result<SocketAddress, SocketError> {
        let address = self.with_fd(|fd| SockRef::from(&fd).peer_addr())??;
        Ok(address.into())
    }

    /// Ends receiving, sending or both, for everybody who has this socket: shutdown(2). A receive, on this side or the
    /// other, finds the end.
    ///
    /// # Errors
    ///
    /// What the system says: `ENOTCONN` if the socket is not connected.
    pub fn shutdown(&self, how: Shutdown) -> Result<(), SocketError> {
        self.with_fd(|fd| SockRef::from(&fd).shutdown(how))??;
        if how != Shutdown::Read {
            self.write_is_shut.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether the send side was [shut down](Self::shutdown) by this socket, or by a duplicate made with
    /// [`try_clone`](Self::try_clone). The system does not say, and a second time is an error on some.
    pub fn did_shutdown_write(&self) -> bool {
        self.write_is_shut.load(Ordering::Relaxed)
    }

    /// Whether a receive, or an accept, would not wait: there is data, an end or an error. Does not wait itself.
    ///
    /// For connections kept in a pool: one that is readable while nothing was asked of it is of no more use.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn is_readable(&self) -> Result<bool, SocketError> {
        Ok(self.with_fd(|fd| polled(fd, PollFlags::IN))??)
    }

    /// Waits until a receive, or an accept, would not wait. Takes nothing; another task may.
    ///
    /// # Errors
    ///
    /// What the system or the runtime says.
    pub async fn wait_readable(&self) -> Result<(), SocketError> {
        let ready = |fd: BorrowedFd<'_>| ready(fd, PollFlags::IN);
        self.descriptor.io(Direction::Read, ready).await
    }

    /// Waits until a send would not wait: there is room, or an error. Another task may take the room.
    ///
    /// # Errors
    ///
    /// What the system or the runtime says.
    pub async fn wait_writable(&self) -> Result<(), SocketError> {
        let ready = |fd: BorrowedFd<'_>| ready(fd, PollFlags::OUT);
        self.descriptor.io(Direction::Write, ready).await
    }

    /// Another socket on a duplicate of the descriptor, on the same runtime: dup(2), close-on-exec. Each is closed on its
    /// own; whatever else happens to one, options and [`shutdown`](Self::shutdown) among it, happens to both.
    ///
    /// # Errors
    ///
    /// What the system says: that no descriptor is left (`EMFILE`).
    pub fn try_clone(&self) -> Result<Self, SocketError> {
        let fd = self.with_fd(|fd| fd.try_clone_to_owned())??;
        Ok(Self {
            descriptor: Descriptor::new(self.runtime().clone(), fd),
            write_is_shut: self.write_is_shut.clone(),
            identity: self.identity,
        })
    }

    /// Whether child processes inherit the descriptor when they run a program: no, unless it was asked for.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn is_inheritable(&self) -> Result<bool, SocketError> {
        let flags = self
            .with_fd(|fd| rustix::io::fcntl_getfd(fd))?
            .map_err(io::Error::from)?;
        Ok(!flags.contains(FdFlags::CLOEXEC))
    }

    /// Sets whether child processes inherit the descriptor. It keeps its number there, and does not block.
    ///
    /// A program that another thread starts in the meantime inherits it too.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set_inheritable(&self, inheritable: bool) -> Result<(), SocketError> {
        let flags = if inheritable {
            FdFlags::empty()
        } else {
            FdFlags::CLOEXEC
        };
        let set = self.with_fd(|fd| rustix::io::fcntl_setfd(fd, flags))?;
        Ok(set.map_err(io::Error::from)?)
    }

    /// Hands the descriptor out, non-blocking as it is, and closes this socket. `None` if it was closed or detached before.
    ///
    /// Every task that waits on the socket is woken with [`Closed`](SocketError::Closed). Until they have gone they need
    /// the descriptor, so what is handed out then is a duplicate: the same socket under another number.
    ///
    /// # Errors
    ///
    /// That no descriptor is left for the duplicate (`EMFILE`); then nothing has happened.
    pub fn detach(&self) -> Result<Option<OwnedFd>, SocketError> {
        self.descriptor.detach()
    }

    /// Closes the socket: at once, or, where tasks wait on it, when the last of them has been woken, with
    /// [`Closed`](SocketError::Closed). Closing it again does nothing.
    ///
    /// What was sent is on its way. Whether the peer sees an end in order is for the system to say: unread data makes it a
    /// reset on TCP.
    pub fn close(&self) {
        self.descriptor.close();
    }

    /// Whether the socket was closed or detached.
    pub fn is_closed(&self) -> bool {
        self.with_fd(|_| ()).is_err()
    }
}

fn current<R: Runtime>() -> Result<R, SocketError> {
    R::current().map_err(|error| SocketError::NoRuntime(error.into()))
}

/// Asks whether the descriptor is ready: "would block" if not.
pub(super) fn ready(fd: BorrowedFd<'_>, flags: PollFlags) -> io::Result<()> {
    if polled(fd, flags)? {
        Ok(())
    } else {
        Err(io::ErrorKind::WouldBlock.into())
    }
}

/// Whether the descriptor is ready for one of `flags`, or has an error.
pub(super) fn polled(fd: BorrowedFd<'_>, flags: PollFlags) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd, flags)];
    Ok(retry_on_intr(|| rustix::event::poll(&mut fds, Some(&Timespec::default())))? > 0)
}
