//! Joining and leaving groups.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

use anynet_core::Runtime;

use super::Udp;
use crate::datagram::{DatagramSocket, Unconnected};

/// Multicast. Which way and how far packets to groups go is said by options:
/// [`MulticastTtl`](crate::options::MulticastTtl) and its neighbours. Who sends to a group need not have joined it.
///
/// To receive, bind the group's port on the unspecified address of its family, with
/// [`ReuseAddress`](crate::options::ReuseAddress) if others in this host shall receive too. An interface is given by its
/// [index](crate::interface_index()); 0 lets the system choose. A socket leaves its groups when it is closed.
impl<R: Runtime> DatagramSocket<R, Udp, Unconnected> {
    /// Joins `group` on an interface: from now on packets to it are received, whoever sends them.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if `group` is not a multicast address or of another family; `AddrInUse` if it was joined already;
    /// else what the system says: `ENODEV` if there is no such interface.
    pub fn join_multicast(&self, group: impl Into<IpAddr>, interface: u32) -> io::Result<()> {
        self.change_membership(Change::Join, group.into(), None, interface)
    }

    /// Leaves `group`, which was joined on this interface.
    ///
    /// # Errors
    ///
    /// As [`join_multicast`](Self::join_multicast); `AddrNotAvailable` if it was not joined.
    pub fn leave_multicast(&self, group: impl Into<IpAddr>, interface: u32) -> io::Result<()> {
        self.change_membership(Change::Leave, group.into(), None, interface)
    }

    /// Joins `group` for what `source` sends only (RFC 4607). Call it once for each source.
    ///
    /// # Errors
    ///
    /// As [`join_multicast`](Self::join_multicast); `Unsupported` on systems other than Linux and Android.
    pub fn join_multicast_source(
        &self,
        group: impl Into<IpAddr>,
        source: impl Into<IpAddr>,
        interface: u32,
    ) -> io::Result<()> {
        self.change_membership(Change::Join, group.into(), Some(source.into()), interface)
    }

    /// Leaves `group` for `source`, for which it was joined.
    ///
    /// # Errors
    ///
    /// As [`join_multicast_source`](Self::join_multicast_source); `AddrNotAvailable` if it was not joined.
    pub fn leave_multicast_source(
        &self,
        group: impl Into<IpAddr>,
        source: impl Into<IpAddr>,
        interface: u32,
    ) -> io::Result<()> {
        self.change_membership(Change::Leave, group.into(), Some(source.into()), interface)
    }

    /// What no system would take is refused before one is asked, whose words for it differ.
    fn change_membership(
        &self,
        change: Change,
        group: IpAddr,
        source: Option<IpAddr>,
        interface: u32,
    ) -> io::Result<()> {
        let fault = if !group.is_multicast() {
            "not a multicast address"
        } else if source.is_some_and(|source| source.is_ipv4() != group.is_ipv4()) {
            "a source of another family than the group"
        } else if group.is_ipv6() && self.local_address().is_ipv4() {
            "an IPv6 group, and an IPv4 socket"
        } else {
            return membership::change(self, change, group, source, interface);
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, fault))
    }
}

#[derive(Clone, Copy)]
enum Change {
    Join,
    Leave,
}

/// By the options that serve both families: RFC 3678, section 5.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod membership {
    use std::mem::offset_of;
    use std::net::SocketAddr;

    use libc::group_source_req as Request;
    use socket2::SockAddr;

    use super::{AsFd, Change, IpAddr, io};
    use crate::sys;

    const GROUP: usize = offset_of!(Request, gsr_group);
    const SOURCE: usize = offset_of!(Request, gsr_source);

    pub(super) fn change(
        socket: impl AsFd,
        change: Change,
        group: IpAddr,
        source: Option<IpAddr>,
        interface: u32,
    ) -> io::Result<()> {
        let level = match group {
            IpAddr::V4(_) => libc::IPPROTO_IP,
            IpAddr::V6(_) => libc::IPPROTO_IPV6,
        };
        let name = match (change, source) {
            (Change::Join, None) => libc::MCAST_JOIN_GROUP,
            (Change::Leave, None) => libc::MCAST_LEAVE_GROUP,
            (Change::Join, Some(_)) => libc::MCAST_JOIN_SOURCE_GROUP,
            (Change::Leave, Some(_)) => libc::MCAST_LEAVE_SOURCE_GROUP,
        };
        // A `struct group_req` is the front of a `struct group_source_req`.
        let mut request = [0; size_of::<Request>()];
        request[..size_of::<u32>()].copy_from_slice(&interface.to_ne_bytes());
        put(&mut request[GROUP..], group);
        let length = match source {
            Some(source) => {
                put(&mut request[SOURCE..], source);
                request.len()
            }
            None => SOURCE,
        };
        sys::option::set(socket, level, name, &request[..length])
    }

    fn put(field: &mut [u8], address: IpAddr) {
        let address = SockAddr::from(SocketAddr::new(address, 0));
        let bytes = sys::address::bytes(&address);
        field[..bytes.len()].copy_from_slice(bytes);
    }
}

/// By the options of each family, which know no interface by index, and no sources, on IPv4.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod membership {
    use std::net::Ipv4Addr;

    use socket2::SockRef;

    use super::{AsFd, Change, IpAddr, io};

    pub(super) fn change(
        socket: impl AsFd,
        change: Change,
        group: IpAddr,
        source: Option<IpAddr>,
        interface: u32,
    ) -> io::Result<()> {
        let socket = SockRef::from(&socket);
        let any = Ipv4Addr::UNSPECIFIED;
        match (group, change) {
            _ if source.is_some() => Err(io::ErrorKind::Unsupported.into()),
            (IpAddr::V4(_), _) if interface != 0 => Err(io::ErrorKind::Unsupported.into()),
            (IpAddr::V4(group), Change::Join) => socket.join_multicast_v4(&group, &any),
            (IpAddr::V4(group), Change::Leave) => socket.leave_multicast_v4(&group, &any),
            (IpAddr::V6(group), Change::Join) => socket.join_multicast_v6(&group, interface),
            (IpAddr::V6(group), Change::Leave) => socket.leave_multicast_v6(&group, interface),
        }
    }
}
