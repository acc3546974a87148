//! The contract of a datagram's receive.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use anynet_core::{Direction, ReceiveError, Received, Runtime, Source, Step};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SocketAddrAny};

use crate::descriptors::{self, ReceivedFds};
use crate::kind::Kind;
use crate::link::Link;
use crate::raw::SocketAddress;
use crate::shared::Shared;
use crate::socket;

/// What a receive gives: the datagram, and who sent it as the system says it.
pub(super) type Message = (Received, Option<SocketAddrAny>);

/// Waits for a datagram, which `PEEK` among the flags leaves where it is.
pub(super) async fn receive<R: Runtime, K: Kind>(
    link: &Link<R, K>,
    buf: &mut [u8],
    flags: RecvFlags,
) -> Result<Message, ReceiveError> {
    let shared = enter(link, buf)?;
    waiting(shared, |fd| socket::receive_datagram(fd, buf, flags)).await
}

/// Waits for a datagram, with at most `most` descriptors that come with it.
pub(super) async fn receive_fds<R: Runtime, K: Kind>(
    link: &Link<R, K>,
    buf: &mut [u8],
    most: usize,
) -> Result<(ReceivedFds, Option<SocketAddress>), ReceiveError> {
    let shared = enter(link, buf)?;
    if most == 0 {
        return Err(ReceiveError::NoDescriptors);
    }
    waiting(shared, |fd| descriptors::receive(fd, buf, most)).await
}

async fn waiting<R: Runtime, K: Kind, T: Send>(
    shared: &Shared<R, K>,
    mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T> + Send,
) -> Result<T, ReceiveError> {
    let receive = shared.source.io(Direction::Read, |fd| op(fd).map(Step::Done));
    match shared.bell.unless_closed(&shared.latch, receive).await {
        Some(received) => received.map_err(|error| failed(shared, error)),
        None => Err(ReceiveError::Closed),
    }
}

/// Takes a datagram that is there. `None`: none is, yet.
pub(super) fn try_receive<R: Runtime, K: Kind>(
    link: &Link<R, K>,
    buf: &mut [u8],
) -> Result<Option<Message>, ReceiveError> {
    let shared = enter(link, buf)?;
    match socket::receive_datagram(shared.source.as_fd(), buf, RecvFlags::empty()) {
        Ok(message) => Ok(Some(message)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(failed(shared, error)),
    }
}

/// The order of checks: closed, the arguments, what was seen before.
fn enter<'a, R: Runtime, K: Kind>(
    link: &'a Link<R, K>,
    buf: &[u8],
) -> Result<&'a Shared<R, K>, ReceiveError> {
    let shared = link.open().ok_or(ReceiveError::Closed)?;
    if buf.is_empty() {
        return Err(ReceiveError::EmptyBuffer);
    }
    match shared.latch.broken() {
        Some(cause) => Err(ReceiveError::Broken(cause)),
        None => Ok(shared),
    }
}

#[cold]
fn failed<R: Runtime, K: Kind>(shared: &Shared<R, K>, error: io::Error) -> ReceiveError {
    if shared.latch.is_closed() {
        return ReceiveError::Closed;
    }
    match Errno::from_io_error(&error) {
        Some(Errno::NOBUFS | Errno::NOMEM) => ReceiveError::Exhausted(error.into()),
        // Not a system call's error, or about the socket itself: it would be said again and again.
        None | Some(Errno::BADF | Errno::NOTSOCK | Errno::INVAL | Errno::FAULT | Errno::OPNOTSUPP) => {
            ReceiveError::Broken(shared.latch.break_with(error.into()))
        }
        // What the network has told of an earlier datagram. The system says it once.
        Some(_) => ReceiveError::Undelivered(error.into()),
    }
}
