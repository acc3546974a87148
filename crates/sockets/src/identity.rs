//! What a socket was made to be, as the system says.

use std::io;

use socket2::{Domain, Protocol, Socket, Type};

/// What a socket was made to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) family: Domain,
    pub(crate) kind: Type,
    /// `None` where the system does not tell, or there is none.
    pub(crate) protocol: Option<Protocol>,
}

impl Identity {
    /// Asks the system. `ENOTSOCK` if it is no socket.
    pub(crate) fn of(socket: &Socket) -> io::Result<Self> {
        Ok(Self {
            kind: socket.r#type()?,
            family: family(socket)?,
            protocol: protocol(socket)?,
        })
    }
}

/// The address family.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
pub(crate) fn family(socket: &Socket) -> io::Result<Domain> {
    socket.domain()
}

/// The address family, by the local address, which a socket has before it is bound.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "fuchsia")))]
pub(crate) fn family(socket: &Socket) -> io::Result<Domain> {
    Ok(socket.local_addr()?.domain())
}

#[cfg(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "fuchsia"
))]
fn protocol(socket: &Socket) -> io::Result<Option<Protocol>> {
    socket.protocol()
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_os = "fuchsia"
)))]
fn protocol(_socket: &Socket) -> io::Result<Option<Protocol>> {
    Ok(None)
}
