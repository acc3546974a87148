//! TCP sockets, up to where they connect or listen.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::options::SocketOptions;
use crate::socket::{self, local_address, peer_address, reset};

/// The first port that systems choose on their own, unless an administrator has them begin lower: Linux's
/// `ip_local_port_range` (ip(7)).
const FIRST_CHOSEN_PORT: u16 = 1024;

/// A TCP socket for the family of `address`.
fn tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

/// A TCP socket with `options`, bound to `local`, if given, ready to connect to `to`.
pub(crate) fn to_connect(
    to: SocketAddr,
    local: Option<SocketAddr>,
    options: &SocketOptions,
) -> io::Result<OwnedFd> {
    let socket = tcp(to)?;
    if local.is_some_and(|local| local.port() == 0) {
        choose_port_late(&socket);
    }
    options.apply(&socket)?;
    if let Some(local) = local {
        socket.bind(&local.into())?;
    }
    Ok(socket.into())
}

/// Has the port chosen by the connect, not by the bind (`IP_BIND_ADDRESS_NO_PORT`, ip(7)), and for IPv6 too. A bind takes a
/// port for its socket alone; connections to different peers can share one.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn choose_port_late(socket: &Socket) {
    let on = 1_i32.to_ne_bytes();
    // Linux before 4.2 lacks it, and has fewer ports.
    let _ = crate::sys::option::set(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, &on);
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn choose_port_late(_: &Socket) {}

/// A TCP socket with `options` that listens on `on` and lets `backlog` connections wait.
///
/// Unless the options say otherwise, its address can be taken again while connections of an earlier listener linger, but not while one is there
/// (`SO_REUSEADDR`). An IPv6 one takes no IPv4 connections, whatever the system's default is, but on an IPv4 address in IPv6's
/// form (`::ffff:a.b.c.d`), where nothing else comes, and a socket for IPv6 alone cannot be bound. What it accepts inherits
/// `TCP_NODELAY`.
pub(crate) fn to_listen(on: SocketAddr, options: &SocketOptions, backlog: i32) -> io::Result<OwnedFd> {
    let socket = tcp(on)?;
    socket.set_reuse_address(true)?;
    if let IpAddr::V6(ip) = on.ip() {
        socket.set_only_v6(ip.to_ipv4_mapped().is_none())?;
    }
    options.apply(&socket)?;
    socket.bind(&on.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

/// Where a connection from `from` to `to` came from, if that had to be asked, and where it went.
///
/// # Errors
///
/// `ECONNREFUSED`, if the system chose the port that was to be connected to: two ends that connect to each other are a
/// connection (RFC 9293, 3.5), also if they are the same. Nobody else is there, and this socket would keep them from
/// being there, so to somebody who did not ask for it, this is what it would be from any other port.
pub(crate) fn connected(
    fd: impl AsFd,
    from: Option<SocketAddr>,
    to: SocketAddr,
) -> io::Result<(Option<SocketAddr>, SocketAddr)> {
    let peer = connected_to(&fd, to);
    if from.is_some_and(|from| from.port() != 0) || peer.port() < FIRST_CHOSEN_PORT {
        return Ok((None, peer));
    }
    // Some systems (macOS) do not say it once the peer has reset the connection, which is for the stream to tell.
    let Ok(local) = local_address::<SocketAddr>(&fd) else {
        return Ok((None, peer));
    };
    if (local.ip(), local.port()) == (peer.ip(), peer.port()) {
        // Ended in order it would keep the port for another minute.
        reset(fd);
        return Err(Errno::CONNREFUSED.into());
    }
    Ok((Some(local), peer))
}

/// Where a connection to `to` went. That is `to`, unless the system understood it: it takes the unspecified address for
/// its own, and drops a scope where there is none.
pub(crate) fn connected_to(fd: impl AsFd, to: SocketAddr) -> SocketAddr {
    let as_written = match to {
        SocketAddr::V4(to) => !to.ip().is_unspecified(),
        SocketAddr::V6(to) => !to.ip().is_unspecified() && to.scope_id() == 0 && to.flowinfo() == 0,
    };
    if as_written {
        to
    } else {
        peer_address(fd).unwrap_or(to)
    }
}
