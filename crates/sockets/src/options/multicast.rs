//! Options of multicast: ip(7), ipv6(7). Groups are joined by [`UdpSocket::join_multicast`](crate::UdpSocket).

use std::io;
use std::net::Ipv4Addr;

use rustix::net::sockopt;
use socket2::Socket;

use super::kind::{is_v6, of_each_version};
use super::table::{option, out_of_range};

option! {
    /// How many routers a packet to a group may pass, plus one: 0 stays in this host, 1, the default, in this network
    /// (`IP_MULTICAST_TTL`, ip(7); on IPv6 sockets `IPV6_MULTICAST_HOPS`, ipv6(7)).
    ///
    /// More than 255 is `InvalidInput`.
    MulticastTtl(u32)
    sockets: Connectionless, platforms: all(),
    get: ttl, set: set_ttl,
}

option! {
    /// Packets sent to a group come back to the members in this host (`IP_MULTICAST_LOOP`, ip(7);
    /// `IPV6_MULTICAST_LOOP`, ipv6(7)). On by default. On Linux it is the sender's option that counts.
    MulticastLoop(bool)
    sockets: Connectionless, platforms: all(),
    get: is_looped, set: set_looped,
}

option! {
    /// The interface that packets to groups go out by, by its address; `0.0.0.0` lets the system choose
    /// (`IP_MULTICAST_IF`, ip(7)).
    MulticastInterfaceV4(Ipv4Addr)
    sockets: ConnectionlessV4, platforms: all(),
    get: sockopt::ip_multicast_if, set: set_interface_v4,
}

option! {
    /// The interface that packets to groups go out by, by its [index](crate::interface_index); 0 lets the system choose
    /// (`IPV6_MULTICAST_IF`, ipv6(7)).
    MulticastInterfaceV6(u32)
    sockets: ConnectionlessV6, platforms: all(),
    get: sockopt::ipv6_multicast_if, set: sockopt::set_ipv6_multicast_if,
}

option! {
    /// A socket that is bound to the unspecified address also receives what is sent to groups that only other sockets of
    /// this host have joined (`IP_MULTICAST_ALL`, ip(7); `IPV6_MULTICAST_ALL`, since Linux 4.20). On by default.
    MulticastAll(bool)
    sockets: Connectionless, platforms: target_os = "linux",
    get: hears_all, set: set_hears_all,
}

fn ttl(socket: &Socket) -> io::Result<u32> {
    Ok(if is_v6(socket)? {
        sockopt::ipv6_multicast_hops(socket)?
    } else {
        sockopt::ip_multicast_ttl(socket)?
    })
}

/// The systems would take -1 for "the default".
fn set_ttl(socket: &Socket, ttl: u32) -> io::Result<()> {
    let ttl = u8::try_from(ttl).map_err(|_| out_of_range("a TTL is at most 255"))?;
    of_each_version(
        socket,
        || sockopt::set_ip_multicast_ttl(socket, ttl.into()),
        || sockopt::set_ipv6_multicast_hops(socket, ttl.into()),
    )
}

fn is_looped(socket: &Socket) -> io::Result<bool> {
    Ok(if is_v6(socket)? {
        sockopt::ipv6_multicast_loop(socket)?
    } else {
        sockopt::ip_multicast_loop(socket)?
    })
}

fn set_looped(socket: &Socket, on: bool) -> io::Result<()> {
    of_each_version(
        socket,
        || sockopt::set_ip_multicast_loop(socket, on),
        || sockopt::set_ipv6_multicast_loop(socket, on),
    )
}

fn set_interface_v4(socket: &Socket, address: Ipv4Addr) -> io::Result<()> {
    Ok(sockopt::set_ip_multicast_if(socket, &address)?)
}

#[cfg(target_os = "linux")]
fn hears_all(socket: &Socket) -> io::Result<bool> {
    if is_v6(socket)? {
        socket.multicast_all_v6()
    } else {
        socket.multicast_all_v4()
    }
}

#[cfg(target_os = "linux")]
fn set_hears_all(socket: &Socket, on: bool) -> io::Result<()> {
    of_each_version(
        socket,
        || socket.set_multicast_all_v4(on),
        || socket.set_multicast_all_v6(on),
    )
}
