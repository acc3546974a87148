//! Room in a receiver's queue, which the system tells only to who is connected to it.
//!
//! An unconnected UNIX datagram socket stays writable while the queue that it sends to is full, so waiting for it to be
//! writable would spin, or never end. A *connected* one is not writable then, and is woken by every receive (unix(7) does
//! not say so; `unix_dgram_poll` in Linux does). So a second socket is connected for as long as the wait takes.

use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use anynet_core::{Direction, Runtime, Source, Step};
use rustix::io::Errno;
use rustix::net::addr::SocketAddrArg;
use socket2::Type;

use crate::{socket, unix};

/// How long to wait where the system gives no sign.
const PAUSE: Duration = Duration::from_millis(20);

/// Waits until there may be room in the queue of `to`, or nobody there any more. Fails if the runtime is gone.
pub(super) async fn wait<R: Runtime>(runtime: &R, to: &impl SocketAddrArg) -> io::Result<()> {
    let waited = match connected(runtime, to) {
        Ok(source) => {
            source
                .io(Direction::Write, |fd| socket::send_ready(fd).map(Step::Done))
                .await
        }
        Err(error) => Err(error),
    };
    match waited {
        Ok(()) => Ok(()),
        Err(error) if Errno::from_io_error(&error).is_none() => Err(error),
        Err(_) => {
            // No descriptor is left, or there is nobody any more: the next send tells the second, and must not be at once
            // for the first.
            runtime.sleep(PAUSE).await;
            Ok(())
        }
    }
}

/// Whether it was the receiver's queue, and not our own buffer, that had no room for a send.
///
/// Linux calls a socket writable as long as three quarters of its buffer are free, and sends until nothing is. In between,
/// with datagrams on their way to somebody who does not receive, waiting to be writable would be waiting for him.
pub(super) fn is_the_receivers(fd: BorrowedFd<'_>) -> bool {
    has_room(fd).unwrap_or_else(|| socket::send_ready(fd).is_ok())
}

/// Awaits `sending`, which waits until `fd` is writable, but no longer than the system is to be asked all the same: then it
/// is `None`. At once, if there is room though the system does not call it writable.
pub(super) async fn until_asked_again<R: Runtime, T>(
    runtime: &R,
    fd: BorrowedFd<'_>,
    sending: impl Future<Output = T>,
) -> Option<T> {
    let (mut sending, mut pause) = (pin!(sending), None);
    poll_fn(|cx| {
        if let Poll::Ready(sent) = sending.as_mut().poll(cx) {
            return Poll::Ready(Some(sent));
        }
        let pause = pause.get_or_insert_with(|| {
            let hidden = has_room(fd) == Some(true) && socket::send_ready(fd).is_err();
            runtime.sleep(if hidden { Duration::ZERO } else { PAUSE })
        });
        Pin::new(pause).poll(cx).map(|()| None)
    })
    .await
}

/// Whether our own buffer has room for a datagram, if the system tells.
fn has_room(fd: BorrowedFd<'_>) -> Option<bool> {
    let (taken, size) = socket::send_buffer(fd)?;
    Some(taken < size)
}

fn connected<R: Runtime>(runtime: &R, to: &impl SocketAddrArg) -> io::Result<R::Source> {
    let fd = OwnedFd::from(unix::new_socket(Type::DGRAM)?);
    socket::connect(fd.as_fd(), to)?;
    runtime.register(fd)
}
