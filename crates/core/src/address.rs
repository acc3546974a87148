//! Addresses of every family, and the attributes that carry them.

use std::fmt;
use std::net::SocketAddr;

/// An address of any family, as attributes report it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An IP address and a port.
    Ip(SocketAddr),
}

impl Address {
    /// The IP address and port, if it is one.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
        }
    }
}

/// Attribute: the address of our end. Known from the start: there after a reset and after our own close.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocalAddress(pub Address);

/// Attribute: the address of the peer's end. Known from the start: there after a reset and after our own close.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddress(pub Address);
