//! What distinguishes one kind of socket from another; the rest of a socket is written once.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::hash::Hash;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::unix::ffi::OsStrExt;

use anynet_core::{Address, Family, UnixAddress};
use rustix::net::addr::SocketAddrArg;
use rustix::net::{AddressFamily, SocketAddrAny, SocketAddrUnix};
use socket2::Type;

use crate::sys;
use crate::unix::to_system;

/// A kind of socket: [`Tcp`](crate::Tcp) and its like, which only name the kind and have no values.
///
/// Sealed: the system's sockets are all here.
pub trait Kind: sealed::Sealed + Copy + Debug + Send + Sync + Unpin + 'static {
    /// The addresses of its family.
    type Address: KindAddress;

    /// The kind in words: a `NAME` socket.
    const NAME: &'static str;

    /// The type of its sockets.
    const TYPE: Type;

    /// The protocols that its sockets may have. Empty: whatever goes with family and type.
    const PROTOCOLS: &'static [i32];

    /// Whether a receive that left room has seen the buffer empty, and a send that took less than it was given has seen it
    /// full. So it is on TCP. A UNIX stream stops a receive early after a message that carries descriptors, and a datagram
    /// says nothing of the next.
    const SHORT_IS_DRAINED: bool;

    /// Whether a send can find the receiver's queue full while our own buffer has room. A socket that is not connected is
    /// writable then, and the system does not say when there is room.
    const RECEIVERS_QUEUE: bool = false;

    /// Whether it is messages over a connection (`SOCK_SEQPACKET`), which has an end and can break.
    const MESSAGES_END: bool = false;

    /// Whether a socket without a name and without a peer is of use. A UNIX datagram socket can send; a UDP socket gets its
    /// name with its first send, which nobody notices.
    const NAMELESS: bool = false;
}

mod sealed {
    use crate::{Seqpacket, Tcp, Udp, Unix, UnixDgram};

    pub trait Sealed {}

    impl Sealed for Tcp {}
    impl Sealed for Udp {}
    impl Sealed for Unix {}
    impl Sealed for UnixDgram {}
    impl Sealed for Seqpacket {}
}

/// An address that sockets of one family have.
pub trait KindAddress: Clone + Debug + Eq + Hash + Into<Address> + Send + Sync + Unpin + 'static {
    /// The families that have such addresses.
    const FAMILIES: &'static [Family];

    /// Whether the system can tell who is at the other end.
    const HAS_CREDENTIALS: bool;

    /// What system calls take.
    type System: SocketAddrArg + Send + Sync;

    /// The address, if it is of this family.
    fn of(address: &Address) -> Option<&Self>;

    /// The address, for a system call.
    fn to_system(&self) -> io::Result<Self::System>;

    /// What stands for an address that nobody knows.
    fn unknown() -> Self;

    /// The address as its peer would write it: IPv4, where IPv6 has it in its midst (RFC 4291 §2.5.5.2).
    fn canonical(&self) -> Self;

    /// Whether a socket with it was bound, by whomever.
    fn is_bound(&self) -> bool;

    /// Whether what is accepted on this address may have another.
    fn is_wildcard(&self) -> bool;

    /// The address, as a call has returned it. `None` if it is of another family.
    fn from_system(address: Option<SocketAddrAny>) -> Option<Self>;
}

impl KindAddress for SocketAddr {
    const FAMILIES: &'static [Family] = &[Family::Ipv4, Family::Ipv6];
    const HAS_CREDENTIALS: bool = false;

    type System = Self;

    fn of(address: &Address) -> Option<&Self> {
        match address {
            Address::Ip(address) => Some(address),
            _ => None,
        }
    }

    fn to_system(&self) -> io::Result<Self> {
        Ok(*self)
    }

    fn unknown() -> Self {
        Self::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 0)
    }

    fn canonical(&self) -> Self {
        match self {
            Self::V6(address) => match address.ip().to_ipv4_mapped() {
                Some(ip) => Self::new(ip.into(), address.port()),
                None => *self,
            },
            Self::V4(_) => *self,
        }
    }

    fn is_bound(&self) -> bool {
        self.port() != 0
    }

    fn is_wildcard(&self) -> bool {
        self.ip().is_unspecified()
    }

    fn from_system(address: Option<SocketAddrAny>) -> Option<Self> {
        address.and_then(|address| Self::try_from(address).ok())
    }
}

impl KindAddress for UnixAddress {
    const FAMILIES: &'static [Family] = &[Family::Unix];
    const HAS_CREDENTIALS: bool = true;

    type System = SocketAddrUnix;

    fn of(address: &Address) -> Option<&Self> {
        address.unix()
    }

    fn to_system(&self) -> io::Result<SocketAddrUnix> {
        to_system(self)
    }

    fn unknown() -> Self {
        Self::Unnamed
    }

    fn canonical(&self) -> Self {
        self.clone()
    }

    fn is_bound(&self) -> bool {
        !self.is_unnamed()
    }

    fn is_wildcard(&self) -> bool {
        false
    }

    fn from_system(address: Option<SocketAddrAny>) -> Option<Self> {
        // What was never bound has no address, or no more of one than its family.
        let Some(address) = address else {
            return Some(Self::Unnamed);
        };
        if address.address_family() != AddressFamily::UNIX {
            return None;
        }
        let name = sys::address::any_bytes(&address)
            .get(size_of::<libc::sa_family_t>()..)
            .unwrap_or_default();
        let has_abstract_names = cfg!(any(target_os = "linux", target_os = "android"));
        Some(match name {
            [0, name @ ..] if has_abstract_names => Self::from_abstract_name(name),
            [] | [0, ..] => Self::Unnamed,
            // A path may fill the field to its end, and have no NUL behind it.
            path => Self::from(OsStr::from_bytes(
                path.split(|&byte| byte == 0).next().unwrap_or(path),
            )),
        })
    }
}
