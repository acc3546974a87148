//! Room in a receiver's queue, which the system tells only to who is connected to it.
//!
//! An unconnected UNIX datagram socket stays writable while the queue that it sends to is full, so waiting for it to be
//! writable would spin, or never end. A *connected* one is not writable then, and is woken by every receive (unix(7) does
//! not say so; `unix_dgram_poll` in Linux does). So a second socket is connected for as long as the wait takes.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use anynet_core::{Direction, Runtime, Source, Step};
use rustix::io::Errno;
use rustix::net::addr::SocketAddrArg;
use socket2::Type;

use crate::{socket, unix};

/// How long to wait if there can be no second socket.
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

fn connected<R: Runtime>(runtime: &R, to: &impl SocketAddrArg) -> io::Result<R::Source> {
    let fd = OwnedFd::from(unix::new_socket(Type::DGRAM)?);
    socket::connect(fd.as_fd(), to)?;
    runtime.register(fd)
}
