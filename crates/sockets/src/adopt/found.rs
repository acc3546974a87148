//! What a descriptor is, and whether that is what was expected.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;

use anynet_core::Family;
use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, Type};

use super::AdoptFault;
use crate::identity::Identity;
use crate::kind::{Kind, KindAddress};
use crate::socket;

/// What a socket is to be used for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    /// It has a peer.
    Connected,
    /// It accepts connections.
    Listening,
    /// It has no peer. A kind that is of no use without a name has one.
    Unconnected,
}

impl Role {
    pub(super) fn expected<K: Kind>(self) -> String {
        match self {
            Self::Connected => format!("a connected {} socket", K::NAME),
            Self::Listening => format!("a listening {} socket", K::NAME),
            Self::Unconnected if K::NAMELESS => format!("an unconnected {} socket", K::NAME),
            Self::Unconnected => format!("a bound, unconnected {} socket", K::NAME),
        }
    }

    /// Whether a socket in this state will do.
    fn fits<K: Kind>(self, state: State) -> bool {
        match self {
            Self::Connected => state == State::Connected,
            Self::Listening => state == State::Listening,
            Self::Unconnected => state == State::Bound || K::NAMELESS && state == State::New,
        }
    }
}

/// The addresses that an adopted socket has.
#[derive(Debug)]
pub(crate) struct Addresses<A> {
    pub(crate) local: A,
    /// `None` if it is not connected.
    pub(crate) peer: Option<A>,
}

/// Whether `fd` is what `role` asks of the kind `K`. If not: what is wrong, and what it is.
pub(super) fn check<K: Kind>(
    fd: &OwnedFd,
    role: Role,
) -> Result<Addresses<K::Address>, (AdoptFault, String)> {
    let socket = SockRef::from(fd);
    let found = Found(Identity::of(&socket).map_err(unknown)?);
    if let Some(fault) = found.mismatch::<K>() {
        return Err((fault, found.to_string()));
    }
    let (state, addresses) = state_of::<K>(&socket).map_err(unknown)?;
    if !role.fits::<K>(state) {
        return Err((AdoptFault::State, format!("{found}, {state}")));
    }
    Ok(addresses)
}

/// What to say of a descriptor that cannot be asked.
fn unknown(error: io::Error) -> (AdoptFault, String) {
    match Errno::from_io_error(&error) {
        Some(Errno::NOTSOCK) => (
            AdoptFault::NotASocket,
            String::from("a descriptor that is no socket"),
        ),
        _ => (AdoptFault::Failed(error.into()), String::new()),
    }
}

/// What a socket was made to be, to be compared and shown.
#[derive(Debug)]
struct Found(Identity);

impl Found {
    fn family(&self) -> Option<Family> {
        match self.0.family {
            Domain::IPV4 => Some(Family::Ipv4),
            Domain::IPV6 => Some(Family::Ipv6),
            Domain::UNIX => Some(Family::Unix),
            _ => None,
        }
    }

    fn mismatch<K: Kind>(&self) -> Option<AdoptFault> {
        let other_protocol = |it| !K::PROTOCOLS.is_empty() && !K::PROTOCOLS.contains(&i32::from(it));
        if !self
            .family()
            .is_some_and(|family| K::Address::FAMILIES.contains(&family))
        {
            Some(AdoptFault::Family)
        } else if self.0.kind != K::TYPE {
            Some(AdoptFault::Type)
        } else if self.0.protocol.is_some_and(other_protocol) {
            Some(AdoptFault::Protocol)
        } else {
            None
        }
    }
}

/// "an IPv4 stream socket of protocol 6"
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.family() {
            Some(family @ Family::Unix) => write!(f, "a {family} ")?,
            Some(family) => write!(f, "an {family} ")?,
            None => f.write_str("a ")?,
        }
        match self.0.kind {
            Type::STREAM => f.write_str("stream socket")?,
            Type::DGRAM => f.write_str("datagram socket")?,
            Type::SEQPACKET => f.write_str("sequential-packet socket")?,
            Type::RAW => f.write_str("raw socket")?,
            other => write!(f, "socket of type {}", i32::from(other))?,
        }
        if self.family().is_none() {
            write!(f, " of family {}", i32::from(self.0.family))?;
        }
        match self.0.protocol {
            Some(protocol) => write!(f, " of protocol {}", i32::from(protocol)),
            None => Ok(()),
        }
    }
}

/// How far a socket has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Listening,
    Connected,
    Bound,
    New,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Listening => "listening",
            Self::Connected => "connected",
            Self::Bound => "bound but neither listening nor connected",
            Self::New => "neither bound nor connected",
        })
    }
}

fn state_of<K: Kind>(socket: &Socket) -> io::Result<(State, Addresses<K::Address>)> {
    let local = socket::local_address::<K::Address>(socket)?;
    let peer = match socket::peer_address(socket) {
        Ok(peer) => Some(peer),
        // Some systems say `EINVAL` of a socket whose connection is over.
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NOTCONN | Errno::INVAL) => None,
            _ => return Err(error),
        },
    };
    let state = match (&peer, local.is_bound()) {
        (Some(_), _) => State::Connected,
        (None, false) => State::New,
        (None, true) if is_listening(socket)? => State::Listening,
        (None, true) => State::Bound,
    };
    Ok((state, Addresses { local, peer }))
}

/// Where the system does not tell (`SO_ACCEPTCONN`), what is bound is taken to listen.
fn is_listening(socket: &Socket) -> io::Result<bool> {
    #[cfg(not(target_vendor = "apple"))]
    return Ok(rustix::net::sockopt::socket_acceptconn(socket)?);
    #[cfg(target_vendor = "apple")]
    return Ok(socket.r#type()? == Type::STREAM);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tcp;

    #[test]
    fn another_protocol_of_the_same_type_is_another_kind() {
        let sctp = Found(Identity {
            family: Domain::IPV6,
            kind: Type::STREAM,
            protocol: Some(132.into()),
        });
        assert!(matches!(sctp.mismatch::<Tcp>(), Some(AdoptFault::Protocol)));
        assert_eq!(sctp.to_string(), "an IPv6 stream socket of protocol 132");
        let untold = Found(Identity {
            protocol: None,
            ..sctp.0
        });
        assert!(untold.mismatch::<Tcp>().is_none());
    }
}
