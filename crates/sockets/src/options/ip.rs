//! Options of IPv4 (`IPPROTO_IP`) and IPv6 (`IPPROTO_IPV6`): ip(7), ipv6(7).

use std::io;

use rustix::net::sockopt;
use socket2::Socket;

use super::kind::{is_tcp, is_v6, of_each_version};
use super::table::{option, out_of_range};

/// The lowest two bits of the type of service: explicit congestion notification (RFC 3168).
const ECN: u8 = 0b11;

option! {
    /// The type of service of packets sent, one byte: the DSCP, shifted left by two, and the ECN bits (`IP_TOS`,
    /// ip(7)). On IPv6 sockets the traffic class (`IPV6_TCLASS`, RFC 3542); what they send to IPv4-mapped addresses
    /// keeps the default.
    ///
    /// More than 255 is `InvalidInput`, and so are ECN bits on TCP sockets, which set these by themselves.
    Tos(u32)
    sockets: Ip,
    platforms: not(any(target_os = "solaris", target_os = "illumos", target_os = "redox")),
    get: tos, set: set_tos,
}

option! {
    /// How many routers a packet may pass, to one receiver (`IP_TTL`, ip(7)). On IPv6 sockets the unicast hop limit
    /// (`IPV6_UNICAST_HOPS`, ipv6(7)); what they send to IPv4-mapped addresses keeps the default.
    ///
    /// 1 to 255; anything else is `InvalidInput`.
    Ttl(u32)
    sockets: Ip, platforms: all(),
    get: ttl, set: set_ttl,
}

option! {
    /// An IPv6 socket takes no IPv4 packets (`IPV6_V6ONLY`, ipv6(7)). On for listeners; a bound socket cannot change it
    /// any more (`InvalidInput`).
    V6Only(bool)
    sockets: V6, platforms: all(),
    get: sockopt::ipv6_v6only, set: sockopt::set_ipv6_v6only,
}

#[cfg(not(any(target_os = "solaris", target_os = "illumos", target_os = "redox")))]
fn tos(socket: &Socket) -> io::Result<u32> {
    Ok(if is_v6(socket)? {
        sockopt::ipv6_tclass(socket)?
    } else {
        sockopt::ip_tos(socket)?.into()
    })
}

/// Linux would drop what is above a byte, and the ECN bits of TCP, without a word.
#[cfg(not(any(target_os = "solaris", target_os = "illumos", target_os = "redox")))]
fn set_tos(socket: &Socket, tos: u32) -> io::Result<()> {
    let tos = u8::try_from(tos).map_err(|_| out_of_range("the type of service is one byte"))?;
    if tos & ECN != 0 && is_tcp(socket)? {
        return Err(out_of_range("TCP sets the ECN bits by itself"));
    }
    of_each_version(
        socket,
        || sockopt::set_ip_tos(socket, tos),
        || sockopt::set_ipv6_tclass(socket, tos.into()),
    )
}

fn ttl(socket: &Socket) -> io::Result<u32> {
    Ok(if is_v6(socket)? {
        sockopt::ipv6_unicast_hops(socket)?.into()
    } else {
        sockopt::ip_ttl(socket)?
    })
}

/// IPv6 would take zero, which no packet survives, and -1 for "the default".
fn set_ttl(socket: &Socket, ttl: u32) -> io::Result<()> {
    let hops = u8::try_from(ttl).ok().filter(|hops| *hops != 0);
    let hops = hops.ok_or_else(|| out_of_range("a TTL is 1 to 255"))?;
    of_each_version(
        socket,
        || sockopt::set_ip_ttl(socket, hops.into()),
        || sockopt::set_ipv6_unicast_hops(socket, Some(hops)),
    )
}
