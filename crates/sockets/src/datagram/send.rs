//! The contract of a datagram's send.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::pin;

use anynet_core::{Direction, Runtime, SendError, Source, Step, UnixAddress};
use rustix::io::Errno;

use super::room;
use crate::kind::{Kind, KindAddress};
use crate::link::Link;
use crate::shared::Shared;
use crate::{descriptors, raw, socket};

/// Sends to the peer that the socket is connected to; waits for room.
pub(super) async fn send<R: Runtime, K: Kind>(link: &Link<R, K>, data: &[u8]) -> Result<(), SendError> {
    let shared = enter(link)?;
    waiting(shared, |fd| socket::send(fd, data).map(drop)).await
}

/// Sends to `to`; waits for room, here and in the receiver's queue.
pub(super) async fn send_to<R: Runtime, K: Kind>(
    link: &Link<R, K>,
    data: &[u8],
    to: &K::Address,
) -> Result<(), SendError> {
    let shared = enter(link)?;
    let Some(to) = elsewhere(shared, to)? else {
        return waiting(shared, |fd| socket::send(fd, data).map(drop)).await;
    };
    let op = |fd: BorrowedFd<'_>| socket::send_datagram_to(fd, data, &to);
    if !K::RECEIVERS_QUEUE {
        return waiting(shared, op).await;
    }
    queueing(shared, &to, op).await
}

/// Sends descriptors with a datagram, to `to` or else to the peer.
pub(super) async fn send_fds<R: Runtime, K: Kind<Address = UnixAddress>>(
    link: &Link<R, K>,
    data: &[u8],
    fds: &[BorrowedFd<'_>],
    to: Option<&UnixAddress>,
) -> Result<(), SendError> {
    let shared = enter(link)?;
    if let Some(error) = descriptors::refusal(fds) {
        return Err(error);
    }
    let queue = match to {
        Some(to) => elsewhere(shared, to)?,
        None => None,
    };
    let sent = match (to, queue) {
        (Some(to), Some(queue)) => {
            let to = raw::SocketAddress::try_from(to);
            let to = to.map_err(|error| SendError::NotSent(io::Error::from(error).into()))?;
            queueing(shared, &queue, |fd| descriptors::send(fd, data, fds, Some(&to))).await
        }
        _ => waiting(shared, |fd| descriptors::send(fd, data, fds, None)).await,
    };
    sent?.map(drop)
}

/// Sends with `op`, and waits for room, here and in the queue of `to`.
async fn queueing<R: Runtime, K: Kind, T: Send>(
    shared: &Shared<R, K>,
    to: &<K::Address as KindAddress>::System,
    mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T> + Send,
) -> Result<T, SendError> {
    let sending = pin!(async {
        loop {
            if let Some(sent) = try_queue(shared, &mut op).await? {
                return Ok(sent);
            }
            room::wait(&shared.ends.runtime, to).await?;
        }
    });
    finish(shared, shared.bell.unless_closed(&shared.latch, sending).await)
}

/// Waits for room of our own, and sends. `None`: the receiver's queue is full.
async fn try_queue<R: Runtime, K: Kind, T: Send>(
    shared: &Shared<R, K>,
    mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T> + Send,
) -> io::Result<Option<T>> {
    let mut op = |fd: BorrowedFd<'_>| match op(fd) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock && room::is_the_receivers(fd) => Ok(None),
        sent => sent.map(Some),
    };
    loop {
        let sending = shared.source.io(Direction::Write, |fd| op(fd).map(Step::Done));
        let fd = shared.source.as_fd();
        if let Some(sent) = room::until_asked_again(&shared.ends.runtime, fd, sending).await {
            return sent;
        }
        match op(fd) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent,
        }
    }
}

/// Sends if there is room at once: true if it went.
pub(super) fn try_send<R: Runtime, K: Kind>(link: &Link<R, K>, data: &[u8]) -> Result<bool, SendError> {
    let shared = enter(link)?;
    tried(
        shared,
        shared.exchanging(|| socket::send(shared.source.as_fd(), data).map(drop)),
    )
}

/// Sends to `to` if there is room at once: true if it went.
pub(super) fn try_send_to<R: Runtime, K: Kind>(
    link: &Link<R, K>,
    data: &[u8],
    to: &K::Address,
) -> Result<bool, SendError> {
    let shared = enter(link)?;
    let fd = shared.source.as_fd();
    tried(
        shared,
        match elsewhere(shared, to)? {
            Some(to) => socket::send_datagram_to(fd, data, &to),
            None => shared.exchanging(|| socket::send(fd, data).map(drop)),
        },
    )
}

/// Waits until our own buffer has room.
pub(super) async fn ready<R: Runtime, K: Kind>(link: &Link<R, K>) -> Result<(), SendError> {
    waiting(enter(link)?, socket::send_ready).await
}

fn enter<R: Runtime, K: Kind>(link: &Link<R, K>) -> Result<&Shared<R, K>, SendError> {
    let shared = link.open().ok_or(SendError::Closed)?;
    match shared.latch.broken() {
        Some(cause) => Err(SendError::Broken(cause)),
        None => Ok(shared),
    }
}

/// Where to send, for the system; `None` if that is the peer. Linux would let a connected socket send to anybody.
fn elsewhere<R: Runtime, K: Kind>(
    shared: &Shared<R, K>,
    to: &K::Address,
) -> Result<Option<<K::Address as KindAddress>::System>, SendError> {
    match &shared.ends.peer {
        Some(peer) if peer == to => Ok(None),
        Some(_) => Err(SendError::NotSent(io::Error::from(Errno::ISCONN).into())),
        None => Ok(Some(
            to.to_system().map_err(|error| SendError::NotSent(error.into()))?,
        )),
    }
}

async fn waiting<R: Runtime, K: Kind, T: Send>(
    shared: &Shared<R, K>,
    mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T> + Send,
) -> Result<T, SendError> {
    let sending = pin!(shared.source.io(Direction::Write, |fd| {
        shared.exchanging(|| op(fd)).map(Step::Done)
    }));
    finish(shared, shared.bell.unless_closed(&shared.latch, sending).await)
}

fn finish<R: Runtime, K: Kind, T>(
    shared: &Shared<R, K>,
    sent: Option<io::Result<T>>,
) -> Result<T, SendError> {
    match sent {
        Some(sent) => sent.map_err(|error| failed(shared, error)),
        None => Err(SendError::Closed),
    }
}

fn tried<R: Runtime, K: Kind>(shared: &Shared<R, K>, sent: io::Result<()>) -> Result<bool, SendError> {
    match sent {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(failed(shared, error)),
    }
}

#[cold]
fn failed<R: Runtime, K: Kind>(shared: &Shared<R, K>, error: io::Error) -> SendError {
    if shared.latch.is_closed() {
        return SendError::Closed;
    }
    match Errno::from_io_error(&error) {
        Some(Errno::NOBUFS | Errno::NOMEM) => SendError::Exhausted(error.into()),
        Some(Errno::MSGSIZE) => SendError::TooLong(error.into()),
        Some(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) if K::MESSAGES_END => {
            SendError::Broken(shared.latch.break_with(error.into()))
        }
        // Not a system call's error, or about the socket itself: it would be said again and again.
        None | Some(Errno::BADF | Errno::NOTSOCK | Errno::FAULT) => {
            SendError::Broken(shared.latch.break_with(error.into()))
        }
        Some(_) => SendError::NotSent(error.into()),
    }
}
