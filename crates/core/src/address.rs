//! Addresses of every family, and the attributes that carry them.

mod unix;

pub use unix::{UnixAddress, UnixName, UnixPath};

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;

/// An address of any family, as attributes report it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An IP address and a port.
    Ip(SocketAddr),
    /// A path, an abstract name, or no name at all.
    Unix(UnixAddress),
}

impl Address {
    /// The IP address and port, if it is one.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    /// The IP address without its port, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.socket_addr().map(|address| address.ip())
    }

    /// The UNIX address, if it is one.
    pub fn unix(&self) -> Option<&UnixAddress> {
        match self {
            Self::Unix(address) => Some(address),
            Self::Ip(_) => None,
        }
    }

    /// The port, if it is an IP address.
    pub fn port(&self) -> Option<u16> {
        self.socket_addr().map(|address| address.port())
    }

    /// The family.
    pub fn family(&self) -> Family {
        match self {
            Self::Ip(SocketAddr::V4(_)) => Family::Ipv4,
            Self::Ip(SocketAddr::V6(_)) => Family::Ipv6,
            Self::Unix(_) => Family::Unix,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Ip(address)
    }
}

impl From<UnixAddress> for Address {
    fn from(address: UnixAddress) -> Self {
        Self::Unix(address)
    }
}

impl PartialEq<SocketAddr> for Address {
    fn eq(&self, other: &SocketAddr) -> bool {
        self.socket_addr() == Some(*other)
    }
}

impl PartialEq<UnixAddress> for Address {
    fn eq(&self, other: &UnixAddress) -> bool {
        self.unix() == Some(other)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix(address) => address.fmt(f),
        }
    }
}

/// Attribute: the family of a socket's addresses, as they are reported. An IPv4 client that an IPv6 socket accepted is of
/// IPv4; an address that was written as IPv6, `::ffff:192.0.2.1`, is of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// IPv4 (`AF_INET`).
    Ipv4,
    /// IPv6 (`AF_INET6`).
    Ipv6,
    /// UNIX (`AF_UNIX`).
    Unix,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
            Self::Unix => "UNIX",
        })
    }
}

/// Attribute: the address of our end. Known from the start: there after a reset and after our own close.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocalAddress(pub Address);

/// Attribute: the address of the peer's end. Known from the start: there after a reset and after our own close.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddress(pub Address);

/// An attribute is used, and prints, as the address that it is of.
macro_rules! is_an_address {
    ($($attribute:ty),*) => {$(
        impl Deref for $attribute {
            type Target = Address;

            fn deref(&self) -> &Address {
                &self.0
            }
        }

        impl fmt::Display for $attribute {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

is_an_address!(LocalAddress, PeerAddress);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_used_as_its_address() {
        let local = LocalAddress(SocketAddr::from(([192, 0, 2, 1], 80)).into());
        assert_eq!(
            (local.port(), local.to_string()),
            (Some(80), "192.0.2.1:80".into())
        );
    }

    #[test]
    fn an_address_is_of_one_family() {
        let ip = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(Address::from(ip).socket_addr(), Some(ip));
        assert_eq!(Address::from(ip).ip(), Some(ip.ip()));
        assert_eq!(Address::from(ip).unix(), None);
        assert_eq!(Address::from(ip), ip);
        let unix = UnixAddress::from("/run/app.sock");
        assert_eq!(Address::from(unix.clone()).unix(), Some(&unix));
        assert_eq!(Address::from(unix.clone()), unix);
        assert_eq!(Address::from(unix.clone()).socket_addr(), None);
        assert_eq!(Address::from(unix).ip(), None);
    }

    #[test]
    fn its_family_and_port_are_told() {
        let unix = Address::from(UnixAddress::Unnamed);
        assert_eq!((unix.family(), unix.port()), (Family::Unix, None));
        let ipv4 = Address::from(SocketAddr::from(([127, 0, 0, 1], 80)));
        assert_eq!((ipv4.family(), ipv4.port()), (Family::Ipv4, Some(80)));
        let ipv6 = Address::from(SocketAddr::from(([0; 16], 0)));
        assert_eq!((ipv6.family(), ipv6.port()), (Family::Ipv6, Some(0)));
    }

    #[test]
    fn it_prints_as_the_address_that_it_holds() {
        let ip = SocketAddr::from(([127, 0, 0, 1], 80));
        assert_eq!(Address::from(ip).to_string(), "127.0.0.1:80");
        let unix = UnixAddress::from_abstract_name("app");
        assert_eq!(Address::from(unix).to_string(), "@app");
    }
}
