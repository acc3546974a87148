//! Binding, listening, accepting and connecting.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use anynet_core::{Direction, Runtime};
use rustix::event::PollFlags;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::SocketFlags;
#[cfg(any(target_os = "linux", target_os = "android"))]
use socket2::{Domain, Type};
use socket2::{SockAddr, SockRef};

use super::socket::ready;
use super::{Socket, SocketAddress, SocketError};
use crate::stream::taking;
use crate::sys;

impl<R: Runtime> Socket<R> {
    /// Binds the socket to `address`: bind(2). A UNIX path is made in the file system, which may take its time.
    ///
    /// # Errors
    ///
    /// [`Bind`](SocketError::Bind), with the address.
    pub fn bind(&self, address: &SocketAddress) -> Result<(), SocketError> {
        let bound = self.with_fd(|fd| SockRef::from(&fd).bind(address.as_system()))?;
        bound.map_err(|error| SocketError::Bind {
            address: Box::new(address.clone()),
            cause: error.into(),
        })
    }

    /// Listens, with so many connections waiting to be accepted at most, lowered to the system's own limit: listen(2).
    ///
    /// # Errors
    ///
    /// What the system says: `EOPNOTSUPP` where sockets of this type have no connections.
    pub fn listen(&self, backlog: u32) -> Result<(), SocketError> {
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        Ok(self.with_fd(|fd| SockRef::from(&fd).listen(backlog))??)
    }

    /// Takes the next connection and its peer's address, which has no data if the peer has no name. Cancel-safe: a connection is never taken and lost.
    ///
    /// # Errors
    ///
    /// What the system says, as it is: `EINVAL` at once if the socket does not listen, and on Linux also what has befallen
    /// the connection that was about to be taken (accept(2)).
    pub async fn accept(&self) -> Result<(Self, SocketAddress), SocketError> {
        let (fd, peer) = self.descriptor.io(Direction::Read, accept).await?;
        let peer = peer.map_or_else(|| SocketAddress::unnamed(self.family()), SocketAddress::from);
        Ok((self.accepted(fd), peer))
    }

    /// Connects to `address`: connect(2). A socket without connections (`SOCK_DGRAM`) gets a peer, at once.
    ///
    /// **Not cancel-safe**: the system may go on to connect a socket whose connect was given up. So dropping the future
    /// before it has finished, at whatever point, **closes the socket**. One that failed is left open.
    ///
    /// # Errors
    ///
    /// [`Connect`](SocketError::Connect), with the address. Its cause is `EALREADY` if another task is connecting the
    /// socket, and `EAGAIN` if a UNIX listener has no room for one more.
    pub fn connect(
        &self,
        address: &SocketAddress,
    ) -> impl Future<Output = Result<(), SocketError>> + Send + use<'_, R> {
        let (attempt, address) = (Attempt { socket: Some(self) }, address.clone());
        async move {
            let result = self.try_connect(&address).await;
            attempt.finish();
            result
        }
    }

    async fn try_connect(&self, address: &SocketAddress) -> Result<(), SocketError> {
        let connected = match self.with_fd(|fd| start(fd, address))? {
            Ok(true) => Ok(()),
            Ok(false) => {
                let outcome = self.descriptor.io(Direction::Write, outcome).await?;
                outcome.inspect_err(|_| self.forget_attempt())
            }
            Err(error) => Err(error),
        };
        connected.map_err(|error| SocketError::Connect {
            address: Box::new(address.clone()),
            cause: error.into(),
        })
    }

    /// After a connect that failed: the socket is as before, and can be connected again.
    fn forget_attempt(&self) {
        self.descriptor.unwatch();
        // Linux would answer the next connect(2) with `ECONNABORTED`, whose turn it was to tell.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if self.kind() == Type::STREAM && [Domain::IPV4, Domain::IPV6].contains(&self.family()) {
            let _ = self.with_fd(|fd| rustix::net::connect_unspec(fd));
        }
    }
}

/// Starts to connect, and says whether it is done already.
fn start(fd: BorrowedFd<'_>, address: &SocketAddress) -> io::Result<bool> {
    match SockRef::from(&fd).connect(address.as_system()) {
        Ok(()) => Ok(true),
        Err(error) => match Errno::from_io_error(&error) {
            // An interrupted connect goes on in the background.
            Some(Errno::INPROGRESS | Errno::INTR) => Ok(false),
            _ => Err(error),
        },
    }
}

/// How a connect went, as a value: "would block" says that it is under way.
fn outcome(fd: BorrowedFd<'_>) -> io::Result<io::Result<()>> {
    ready(fd, PollFlags::OUT)?;
    Ok(SockRef::from(&fd).take_error()?.map_or(Ok(()), Err))
}

/// Takes a connection, non-blocking and close-on-exec, with its peer's address if the system gives one.
fn accept(fd: BorrowedFd<'_>) -> io::Result<(OwnedFd, Option<SockAddr>)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (accepted, peer) = taking(|| retry_on_intr(|| rustix::net::acceptfrom_with(fd, flags)))?;
    let peer = peer.and_then(|peer| sys::address::from_bytes(sys::address::any_bytes(&peer)));
    Ok((accepted, peer))
}

/// A connect that closes its socket if it is given up.
struct Attempt<'a, R: Runtime> {
    socket: Option<&'a Socket<R>>,
}

impl<R: Runtime> Attempt<'_, R> {
    fn finish(mut self) {
        self.socket = None;
    }
}

impl<R: Runtime> Drop for Attempt<'_, R> {
    fn drop(&mut self) {
        if let Some(socket) = self.socket {
            socket.close();
        }
    }
}
