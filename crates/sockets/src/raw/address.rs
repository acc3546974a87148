//! Addresses of any family.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr as StdUnixAddress;
use std::path::Path;

use anynet_core::{Address, UnixAddress, UnixAddressError};
use socket2::{Domain, SockAddr};

use crate::sys;

/// How long the family is, in front of the rest of an address (on some systems with the length).
const FAMILY: usize = 2;

/// An address of any family, resolved, as the system has it.
///
/// It is made from IP and UNIX addresses, by the functions here, and for every other family from its bytes. An address
/// of a family that nobody here knows passes through untouched.
///
/// ```
/// use anynet_sockets::SocketAddress;
/// use socket2::Domain;
/// use std::net::SocketAddr;
///
/// let ip: SocketAddr = "127.0.0.1:80".parse()?;
/// let address = SocketAddress::from(ip);
/// assert_eq!(address.family(), Domain::IPV4);
/// assert_eq!((address.socket_addr(), address.ip()), (Some(ip), Some(ip.ip())));
/// assert_eq!(address.to_string(), "127.0.0.1:80");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SocketAddress(SockAddr);

impl SocketAddress {
    /// The address of `family` whose other bytes are `data`, in the form of the family's `struct sockaddr_…`.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if there are more bytes than any address has (126 on Linux), or the
    /// number of the family is none.
    pub fn from_parts(family: Domain, data: &[u8]) -> io::Result<Self> {
        let family = family_bytes(family, data.len());
        let bytes = family.map(|family| [&family, data].concat());
        let address = bytes.and_then(|bytes| sys::address::from_bytes(&bytes)).map(Self);
        address.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not the form of an address"))
    }

    /// The address of a netlink socket (netlink(7)): its port, 0 for the kernel or for one that the system chooses, and its
    /// groups, as a mask.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn from_netlink(port: u32, groups: u32) -> Self {
        let mut data = [0; 10]; // two bytes of padding
        data[2..6].copy_from_slice(&port.to_ne_bytes());
        data[6..].copy_from_slice(&groups.to_ne_bytes());
        Self::from_known(libc::AF_NETLINK, &data)
    }

    /// The address of a socket between virtual machines (vsock(7)): a context and a port. `VMADDR_CID_ANY` and
    /// `VMADDR_PORT_ANY` are `u32::MAX`.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn from_vsock(context: u32, port: u32) -> Self {
        Self(SockAddr::vsock(context, port))
    }

    /// The address family.
    pub fn family(&self) -> Domain {
        self.0.domain()
    }

    /// The bytes behind the family.
    pub fn data(&self) -> &[u8] {
        sys::address::bytes(&self.0).get(FAMILY..).unwrap_or_default()
    }

    /// The IP address and port, if it is one.
    pub fn socket_addr(&self) -> Option<SocketAddr> {
        self.0.as_socket()
    }

    /// The IP address without its port, if it is one.
    pub fn ip(&self) -> Option<IpAddr> {
        self.socket_addr().map(|address| address.ip())
    }

    /// The UNIX address, if it is one.
    pub fn unix(&self) -> Option<UnixAddress> {
        if self.family() != Domain::UNIX {
            return None;
        }
        Some(match self.data() {
            [] => UnixAddress::Unnamed,
            [0, name @ ..] if cfg!(any(target_os = "linux", target_os = "android")) => {
                UnixAddress::from_abstract_name(name)
            }
            [0, ..] => UnixAddress::Unnamed,
            path => {
                let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
                UnixAddress::from(OsStr::from_bytes(path))
            }
        })
    }

    /// The port and the groups, if it is the address of a netlink socket.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn netlink(&self) -> Option<(u32, u32)> {
        match self.data().get(2..10)?.as_chunks().0 {
            [port, groups] if self.family() == Domain::from(libc::AF_NETLINK) => {
                Some((u32::from_ne_bytes(*port), u32::from_ne_bytes(*groups)))
            }
            _ => None,
        }
    }

    /// The context and the port, if it is the address of a vsock.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn vsock(&self) -> Option<(u32, u32)> {
        self.0.as_vsock_address()
    }

    /// A path or a name in the UNIX family, as the system has them.
    fn from_unix(address: &UnixAddress) -> Result<Self, UnixAddressError> {
        StdUnixAddress::try_from(address)?; // which checks it
        Ok(match address {
            UnixAddress::Path(path) => Self::from_path(path),
            UnixAddress::Abstract(name) => Self::from_known(libc::AF_UNIX, &[&[0], &name[..]].concat()),
            UnixAddress::Unnamed => Self::from_known(libc::AF_UNIX, &[]),
        })
    }

    fn from_path(path: &Path) -> Self {
        Self::from_known(libc::AF_UNIX, &[path.as_os_str().as_bytes(), &[0]].concat())
    }

    /// An address that was checked.
    fn from_known(family: i32, data: &[u8]) -> Self {
        Self::from_parts(family.into(), data).expect("no known address is longer than the system's storage")
    }

    /// What stands for the name of a socket that has none.
    pub(super) fn unnamed(family: Domain) -> Self {
        Self::from_known(family.into(), &[])
    }

    pub(super) fn as_system(&self) -> &SockAddr {
        &self.0
    }
}

/// The family, as the first bytes of an address with so many more.
fn family_bytes(family: Domain, length: usize) -> Option<[u8; FAMILY]> {
    let family = i32::from(family);
    if cfg!(any(target_os = "linux", target_os = "android")) {
        u16::try_from(family).ok().map(u16::to_ne_bytes)
    } else {
        // The length is in front.
        Some([u8::try_from(FAMILY + length).ok()?, u8::try_from(family).ok()?])
    }
}

/// `From` for the addresses of the standard library.
macro_rules! from_standard {
    ($($address:ty),*) => {$(
        impl From<$address> for SocketAddress {
            fn from(address: $address) -> Self {
                Self(address.into())
            }
        }
    )*};
}

from_standard!(SocketAddr, SocketAddrV4, SocketAddrV6);

impl TryFrom<&UnixAddress> for SocketAddress {
    type Error = UnixAddressError;

    fn try_from(address: &UnixAddress) -> Result<Self, UnixAddressError> {
        Self::from_unix(address)
    }
}

impl TryFrom<UnixAddress> for SocketAddress {
    type Error = UnixAddressError;

    fn try_from(address: UnixAddress) -> Result<Self, UnixAddressError> {
        Self::from_unix(&address)
    }
}

/// Only a UNIX address can be one that the system does not take.
impl TryFrom<Address> for SocketAddress {
    type Error = UnixAddressError;

    fn try_from(address: Address) -> Result<Self, UnixAddressError> {
        match (address.socket_addr(), address.unix()) {
            (Some(address), _) => Ok(address.into()),
            (None, Some(address)) => Self::from_unix(address),
            (None, None) => unreachable!("an address is of one of these families"),
        }
    }
}

/// Only an IP or a UNIX address is one that every socket of anynet has. Another comes back.
impl TryFrom<SocketAddress> for Address {
    type Error = SocketAddress;

    fn try_from(address: SocketAddress) -> Result<Self, SocketAddress> {
        let known = address.socket_addr().map(Self::from);
        known.or_else(|| address.unix().map(Self::from)).ok_or(address)
    }
}

/// Not checked: the bytes are passed to the system as they are.
impl From<SockAddr> for SocketAddress {
    fn from(address: SockAddr) -> Self {
        Self(address)
    }
}

impl From<SocketAddress> for SockAddr {
    fn from(address: SocketAddress) -> Self {
        address.0
    }
}

/// IP and UNIX addresses print as they do elsewhere, those of other families with the numbers in them.
impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(address) = self.socket_addr() {
            return address.fmt(f);
        }
        if let Some(address) = self.unix() {
            return address.fmt(f);
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some((port, groups)) = self.netlink() {
            return write!(f, "netlink:{port}:{groups:#x}");
        }
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some((context, port)) = self.vsock() {
            return write!(f, "vsock:{context}:{port}");
        }
        write!(f, "family {}:", i32::from(self.family()))?;
        self.data().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_comes_back_as_it_went() {
        for text in ["127.0.0.1:80", "0.0.0.0:0", "[::1]:65535"] {
            let ip: SocketAddr = text.parse().unwrap();
            let address = SocketAddress::from(ip);
            assert_eq!((address.socket_addr(), address.unix()), (Some(ip), None));
            assert_eq!(address.to_string(), text);
            assert_eq!(Address::try_from(address.clone()).unwrap(), Address::Ip(ip));
            assert_eq!(SocketAddress::try_from(Address::Ip(ip)).unwrap(), address);
        }
        let scoped = SocketAddr::V6(SocketAddrV6::new([0xfe80, 0, 0, 0, 0, 0, 0, 1].into(), 80, 7, 3));
        assert_eq!(SocketAddress::from(scoped).socket_addr(), Some(scoped));
        for unix in [
            UnixAddress::from("/run/app.sock"),
            UnixAddress::from("x".repeat(100)),
            UnixAddress::Unnamed,
        ] {
            let address = SocketAddress::try_from(&unix).unwrap();
            assert_eq!(
                (address.socket_addr(), address.unix()),
                (None, Some(unix.clone()))
            );
            assert_eq!(address.to_string(), unix.to_string());
            assert_eq!(Address::try_from(address).unwrap(), Address::Unix(unix));
        }
        let nul = SocketAddress::try_from(UnixAddress::from("a\0b"));
        assert!(matches!(nul, Err(UnixAddressError::Nul { .. })), "{nul:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_only_linux_has_comes_back_too() {
        for name in [&b"app"[..], b"", b"a\0\xff"] {
            let unix = UnixAddress::from_abstract_name(name);
            let address = SocketAddress::try_from(&unix).unwrap();
            assert_eq!(address.unix(), Some(unix));
        }
        let netlink = SocketAddress::from_netlink(7, 0x11);
        assert_eq!(netlink.family(), Domain::from(libc::AF_NETLINK));
        assert_eq!((netlink.netlink(), netlink.vsock()), (Some((7, 0x11)), None));
        assert_eq!(netlink.to_string(), "netlink:7:0x11");
        let vsock = SocketAddress::from_vsock(2, 80);
        assert_eq!(vsock.family(), Domain::VSOCK);
        assert_eq!((vsock.vsock(), vsock.netlink()), (Some((2, 80)), None));
        assert_eq!(vsock.to_string(), "vsock:2:80");
        let unknown = Address::try_from(vsock.clone());
        assert_eq!(unknown, Err(vsock));
    }

    #[test]
    fn an_address_of_any_family_is_its_bytes() {
        let family = Domain::from(99);
        let address = SocketAddress::from_parts(family, &[1, 2, 0xab]).unwrap();
        assert_eq!(address.family(), family);
        assert_eq!(address.data(), [1, 2, 0xab]);
        assert_eq!((address.socket_addr(), address.unix()), (None, None));
        assert_eq!(address.to_string(), "family 99:0102ab");
        assert_ne!(address, SocketAddress::from_parts(family, &[1, 2]).unwrap());
        let ip = SocketAddress::from(SocketAddr::from(([127, 0, 0, 1], 80)));
        assert_eq!(SocketAddress::from_parts(Domain::IPV4, ip.data()).unwrap(), ip);
        for (family, length) in [(family, 127), (family, 4096), (Domain::from(-1), 1)] {
            let refused = SocketAddress::from_parts(family, &vec![0; length]).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn bytes_that_make_no_sense_are_harmless() {
        for family in [0, libc::AF_INET, libc::AF_INET6, libc::AF_UNIX, 0xffff] {
            for length in [0, 1, 7, 126] {
                let address = SocketAddress::from_parts(family.into(), &vec![0xff; length]).unwrap();
                let _ = (
                    address.socket_addr(),
                    address.unix(),
                    address.to_string(),
                    address.clone(),
                );
            }
        }
    }
}
