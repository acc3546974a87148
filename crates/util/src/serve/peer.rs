//! Whose connection it is.

use std::net::SocketAddr;

use anynet_core::{Address, Attributes, AttributesExt, PeerAddress, UnixAddress};

/// Who is at the other end, in a quarter of the room of an [`Address`]: every connection has one, and few need it.
pub(super) enum Peer {
    Ip(SocketAddr),
    Unix(Box<UnixAddress>),
    /// The stream does not know, or the address names nobody.
    Unknown,
}

impl Peer {
    pub(super) fn of(stream: &impl Attributes) -> Self {
        match stream.attribute() {
            Some(PeerAddress(Address::Ip(ip))) => Self::Ip(ip),
            Some(PeerAddress(Address::Unix(unix))) if !unix.is_unnamed() => Self::Unix(Box::new(unix)),
            _ => Self::Unknown,
        }
    }

    pub(super) fn address(self) -> Option<Address> {
        match self {
            Self::Ip(ip) => Some(ip.into()),
            Self::Unix(unix) => Some((*unix).into()),
            Self::Unknown => None,
        }
    }
}
