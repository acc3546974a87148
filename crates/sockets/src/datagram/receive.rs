//! The contract of a datagram's receive.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::pin;
use std::sync::atomic::Ordering;

use anynet_core::{Direction, ReceiveError, Received, Runtime, Source, Step};
use rustix::io::{Errno, ioctl_fionread};
use rustix::net::RecvFlags;

use crate::descriptors::{self, ReceivedFds};
use crate::kind::Kind;
use crate::link::Link;
use crate::raw::{self, SocketAddress};
use crate::shared::Shared;
use crate::socket;

/// What a receive gives: the datagram, and who sent it.
pub(super) type Message<K> = (Received, <K as Kind>::Address);

/// Waits for a datagram, which `PEEK` among the flags leaves where it is.
pub(super) async fn receive<R: Runtime, K: Kind>(
    link: &Link<R, K>,
    buf: &mut [u8],
    flags: RecvFlags,
) -> Result<Message<K>, ReceiveError> {
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

async fn waiting<R: Runtime, K: Kind, T: Arrived + Send>(
    shared: &Shared<R, K>,
    mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T> + Send,
) -> Result<T, ReceiveError> {
    let receive = pin!(shared.source.io(Direction::Read, |fd| {
        unless_ended(shared, fd, &mut op).map(Step::Done)
    }));
    match shared.bell.unless_closed(&shared.latch, receive).await {
        Some(received) => finish(shared, received),
        None => Err(ReceiveError::Closed),
    }
}

fn finish<R: Runtime, K: Kind, T>(
    shared: &Shared<R, K>,
    received: io::Result<Option<T>>,
) -> Result<T, ReceiveError> {
    match received {
        Ok(Some(message)) => Ok(message),
        Ok(None) => {
            let mut ended = false;
            let error = shared.end_of_stream(&mut ended);
            shared.ended.fetch_or(ended, Ordering::Relaxed);
            Err(error)
        }
        Err(error) => Err(failed(shared, error)),
    }
}

/// What a receive gives.
trait Arrived {
    /// Whether it may be an end as well.
    fn is_nothing(&self) -> bool;
}

impl<A> Arrived for (Received, A) {
    fn is_nothing(&self) -> bool {
        self.0.length == 0
    }
}

impl Arrived for (ReceivedFds, Option<SocketAddress>) {
    fn is_nothing(&self) -> bool {
        self.0.length == 0 && self.0.fds.is_empty() && !self.0.fds_truncated
    }
}

/// Receives with `op`. `None` at the end of a connection.
fn unless_ended<R: Runtime, K: Kind, T: Arrived>(
    shared: &Shared<R, K>,
    fd: BorrowedFd<'_>,
    op: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
) -> io::Result<Option<T>> {
    let message = past_reset(shared, fd, op)?;
    // Nothing is a message without bytes, or the end. It is none while the peer may send more, or bytes follow.
    let is_end =
        K::MESSAGES_END && message.is_nothing() && raw::has_finished(fd)? && ioctl_fionread(fd)? == 0;
    Ok((!is_end).then_some(message))
}

/// Receives with `op`, and again after a reset, which the system tells of before the messages that came before it. It stays
/// in the latch, to be told of at the end.
fn past_reset<R: Runtime, K: Kind, T>(
    shared: &Shared<R, K>,
    fd: BorrowedFd<'_>,
    mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
) -> io::Result<T> {
    match shared.exchanging(|| op(fd)) {
        Err(error) if K::MESSAGES_END && Errno::from_io_error(&error) == Some(Errno::CONNRESET) => op(fd),
        result => result,
    }
}

/// Takes a datagram that is there. `None`: none is, yet.
pub(super) fn try_receive<R: Runtime, K: Kind>(
    link: &Link<R, K>,
    buf: &mut [u8],
) -> Result<Option<Message<K>>, ReceiveError> {
    let shared = enter(link, buf)?;
    let op = |fd: BorrowedFd<'_>| socket::receive_datagram::<K::Address>(fd, buf, RecvFlags::empty());
    match unless_ended(shared, shared.source.as_fd(), op) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        received => finish(shared, received).map(Some),
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
    if K::MESSAGES_END && shared.ended.load(Ordering::Relaxed) {
        return Err(ReceiveError::EndOfStream);
    }
    let broken = if K::MESSAGES_END {
        shared.broken_by_runtime() // what arrived before a connection broke is received first
    } else {
        shared.latch.broken()
    };
    broken.map_or(Ok(shared), |cause| Err(ReceiveError::Broken(cause)))
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
