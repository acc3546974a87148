//! TCP sockets, up to where they connect or listen.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use socket2::{Domain, Protocol, Socket, Type};

use crate::options::SocketOptions;
use crate::socket::peer_address;

/// A TCP socket, non-blocking and close-on-exec from the start, so that no child process can inherit it.
fn tcp(address: SocketAddr) -> io::Result<Socket> {
    // `Socket::new` adds close-on-exec in the same call.
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM.nonblocking(),
        Some(Protocol::TCP),
    )?;
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
/// (`SO_REUSEADDR`). An IPv6 one takes no IPv4 connections, whatever the system's default is. What it accepts inherits
/// `TCP_NODELAY`.
pub(crate) fn to_listen(on: SocketAddr, options: &SocketOptions, backlog: i32) -> io::Result<OwnedFd> {
    let socket = tcp(on)?;
    socket.set_reuse_address(true)?;
    if on.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    options.apply(&socket)?;
    socket.bind(&on.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
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
