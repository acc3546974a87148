//! What distinguishes one kind of socket from another; the rest of a socket is written once.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::hash::Hash;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;

use anynet_core::{Address, UnixAddress};
use rustix::net::{SocketAddrAny, SocketAddrUnix};
use socket2::SockAddr;

/// A kind of socket: [`Tcp`](crate::Tcp) and its like, which only name the kind and have no values.
///
/// Sealed: the system's sockets are all here.
pub trait Kind: Copy + Debug + Send + Sync + Unpin + 'static {
    /// The addresses of its family.
    type Address: SocketAddress;

    /// Whether a receive that left room has seen the buffer empty, and a send that took less than it was given has seen it
    /// full. So it is on TCP. A UNIX stream stops a receive early after a message that carries descriptors, and a datagram
    /// says nothing of the next.
    const SHORT_IS_DRAINED: bool;
}

/// An address that sockets of one family have.
pub trait SocketAddress: Clone + Debug + Eq + Hash + Into<Address> + Send + Sync + Unpin + 'static {
    /// What stands for an address that nobody knows.
    fn unknown() -> Self;

    /// Whether what is accepted on this address may have another.
    fn is_wildcard(&self) -> bool;

    /// The address, from the system's.
    fn from_system(address: SockAddr) -> io::Result<Self>;

    /// The address, as a call has returned it.
    fn from_any(address: Option<SocketAddrAny>) -> Option<Self>;
}

impl SocketAddress for SocketAddr {
    fn unknown() -> Self {
        Self::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)
    }

    fn is_wildcard(&self) -> bool {
        self.ip().is_unspecified()
    }

    fn from_system(address: SockAddr) -> io::Result<Self> {
        address
            .as_socket()
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not an IP socket"))
    }

    fn from_any(address: Option<SocketAddrAny>) -> Option<Self> {
        address.and_then(|address| Self::try_from(address).ok())
    }
}

impl SocketAddress for UnixAddress {
    fn unknown() -> Self {
        Self::Unnamed
    }

    fn is_wildcard(&self) -> bool {
        false
    }

    fn from_system(address: SockAddr) -> io::Result<Self> {
        address
            .as_unix()
            .map(Self::from)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a UNIX socket"))
    }

    fn from_any(address: Option<SocketAddrAny>) -> Option<Self> {
        // What was never bound has no address at all, in some systems' words.
        let Some(address) = address else {
            return Some(Self::Unnamed);
        };
        let address = SocketAddrUnix::try_from(address).ok()?;
        if let Some(path) = address.path_bytes() {
            return Some(Self::from(OsStr::from_bytes(path)));
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(name) = address.abstract_name() {
            return Some(Self::from_abstract_name(name));
        }
        Some(Self::Unnamed)
    }
}
