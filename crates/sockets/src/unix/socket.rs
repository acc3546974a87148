//! UNIX sockets, up to where they are bound, connect or listen.

use std::io;
use std::os::fd::OwnedFd;

use socket2::{Domain, Socket, Type};

use crate::socket;

/// A socket, non-blocking and close-on-exec from the start.
pub(crate) fn new(kind: Type) -> io::Result<Socket> {
    socket::new(Domain::UNIX, kind, None)
}

/// Two sockets that are connected to each other.
pub(crate) fn pair(kind: Type) -> io::Result<(OwnedFd, OwnedFd)> {
    let (one, other) = socket::pair(Domain::UNIX, kind, None)?;
    Ok((one.into(), other.into()))
}
