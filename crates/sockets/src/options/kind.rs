//! Which sockets an option is for.
//!
//! The system alone does not say: it takes some options on sockets that have no use for them.

use std::io;

use socket2::{Domain, Socket, Type};

use crate::identity::family;

/// The sockets that an option is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// All of them.
    Any,
    /// Those that receive into a buffer of their own. On Linux a UNIX socket does not: what is on its way to it is in
    /// the sender's buffer, and `SO_RCVBUF` has no effect (unix(7)).
    Receiving,
    /// IPv4 and IPv6.
    Ip,
    /// IPv6.
    V6,
    /// IPv4 and IPv6, without a connection: UDP and raw sockets.
    Connectionless,
    /// Those of IPv4.
    ConnectionlessV4,
    /// Those of IPv6.
    ConnectionlessV6,
    /// TCP.
    Tcp,
}

impl Kind {
    /// Refuses a socket of another kind.
    pub(super) fn check(self, socket: &Socket) -> io::Result<()> {
        let (has_it, whose) = match self {
            Self::Any => return Ok(()),
            Self::Receiving => (receives(socket)?, "it has no effect on UNIX sockets"),
            Self::Ip => (is_ip(socket)?, "only IP sockets have it"),
            Self::V6 => (is_v6(socket)?, "only IPv6 sockets have it"),
            Self::Connectionless => (
                is_ip(socket)? && !is_stream(socket)?,
                "only UDP and raw sockets have it",
            ),
            Self::ConnectionlessV4 => (
                is_ip(socket)? && !is_v6(socket)? && !is_stream(socket)?,
                "only IPv4 UDP and raw sockets have it",
            ),
            Self::ConnectionlessV6 => (
                is_v6(socket)? && !is_stream(socket)?,
                "only IPv6 UDP and raw sockets have it",
            ),
            Self::Tcp => (is_tcp(socket)?, "only TCP sockets have it"),
        };
        if has_it {
            Ok(())
        } else {
            Err(io::Error::new(io::ErrorKind::Unsupported, whose))
        }
    }
}

pub(super) fn is_v6(socket: &Socket) -> io::Result<bool> {
    Ok(family(socket)? == Domain::IPV6)
}

/// Sets what IPv4 and IPv6 have each an option for: the one of the socket's family; on an IPv6 socket both, for its packets
/// to and from IPv4 hosts (RFC 4291 §2.5.5.2) go by the other on Linux.
pub(super) fn of_each_version<E: Into<io::Error>>(
    socket: &Socket,
    v4: impl FnOnce() -> Result<(), E>,
    v6: impl FnOnce() -> Result<(), E>,
) -> io::Result<()> {
    let is_v6 = is_v6(socket)?;
    if is_v6 {
        v6().map_err(E::into)?;
    }
    let linux = cfg!(any(target_os = "linux", target_os = "android"));
    // A raw IPv6 socket has no IPv4 hosts, nor their options.
    if !is_v6 || linux && socket.r#type()? != Type::RAW {
        v4().map_err(E::into)?;
    }
    Ok(())
}

fn is_ip(socket: &Socket) -> io::Result<bool> {
    Ok([Domain::IPV4, Domain::IPV6].contains(&family(socket)?))
}

fn is_stream(socket: &Socket) -> io::Result<bool> {
    Ok(socket.r#type()? == Type::STREAM)
}

pub(super) fn is_tcp(socket: &Socket) -> io::Result<bool> {
    Ok(is_stream(socket)? && is_ip(socket)?)
}

fn receives(socket: &Socket) -> io::Result<bool> {
    let linux = cfg!(any(target_os = "linux", target_os = "android"));
    Ok(!linux || family(socket)? != Domain::UNIX)
}
