//! UNIX sockets, up to where they are bound, connect or listen.

use std::io;
use std::os::fd::OwnedFd;

use socket2::{Domain, Socket, Type};

use crate::stream::taking;

/// A socket, non-blocking and close-on-exec from the start.
pub(crate) fn new(kind: Type) -> io::Result<Socket> {
    // `Socket::new` adds close-on-exec in the same call.
    taking(|| Socket::new(Domain::UNIX, kind.nonblocking(), None))
}

/// Two sockets that are connected to each other.
pub(crate) fn pair(kind: Type) -> io::Result<(OwnedFd, OwnedFd)> {
    let (one, other) = taking(|| Socket::pair(Domain::UNIX, kind.nonblocking(), None))?;
    Ok((one.into(), other.into()))
}
