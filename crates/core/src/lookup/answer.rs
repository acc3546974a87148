//! What a resolver answers.

use std::net::SocketAddr;

use crate::{Family, SocketType};

/// One address of a host, and what socket it is for: an entry that getaddrinfo(3) gives.
///
/// The address keeps its scope. It prints as `[fe80::1%2]:80`, and without the scope where that is 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AddressInfo {
    /// The address, with the port.
    pub address: SocketAddr,
    /// The type of socket.
    pub kind: SocketType,
    /// The protocol's number (IANA's "Protocol Numbers"); 0 where nobody says one.
    pub protocol: i32,
    /// The canonical name of the host, on the first entry of a look-up that asked for it.
    pub canonical_name: Option<String>,
}

impl AddressInfo {
    /// An entry for TCP where the type is a stream, for UDP where it is datagrams, and else for no protocol in particular;
    /// without a canonical name.
    pub fn new(address: SocketAddr, kind: SocketType) -> Self {
        Self {
            address,
            kind,
            protocol: match kind {
                SocketType::Stream => TCP,
                SocketType::Datagram => UDP,
                SocketType::Raw | SocketType::Other(_) => 0,
            },
            canonical_name: None,
        }
    }

    /// The same, for another protocol, by its number.
    #[must_use]
    pub fn protocol(mut self, number: i32) -> Self {
        self.protocol = number;
        self
    }

    /// The family of the address.
    pub fn family(&self) -> Family {
        match self.address {
            SocketAddr::V4(_) => Family::Ipv4,
            SocketAddr::V6(_) => Family::Ipv6,
        }
    }
}

/// `IPPROTO_TCP` and `IPPROTO_UDP`, which are the same everywhere.
const TCP: i32 = 6;
const UDP: i32 = 17;

/// The names of an address: what getnameinfo(3) gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct NameInfo {
    /// The name of the host, or its address as a text, with the zone if there is one: `fe80::1%eth0`.
    pub host: String,
    /// The name of the service, or its port as a text.
    pub service: String,
}

impl NameInfo {
    /// The names of an address.
    pub fn new(host: impl Into<String>, service: impl Into<String>) -> Self {
        Self {
            host: host.into(),
            service: service.into(),
        }
    }
}
