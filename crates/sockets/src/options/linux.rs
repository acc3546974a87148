//! Options that only Linux has, and whose values it has in another form.

use std::io;
use std::time::Duration;

use rustix::net::sockopt;
use socket2::Socket;

use super::table::out_of_range;
use crate::sys;

pub(super) fn device(socket: &Socket) -> io::Result<String> {
    let name = socket.device()?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&name).into_owned())
}

pub(super) fn set_device(socket: &Socket, name: String) -> io::Result<()> {
    // The system would cut a longer name off, and bind to another device.
    if name.len() >= libc::IFNAMSIZ || name.contains('\0') {
        return Err(out_of_range("not the name of a network interface"));
    }
    socket.bind_device(Some(name.as_bytes()))
}

pub(super) fn user_timeout(socket: &Socket) -> io::Result<Duration> {
    Ok(Duration::from_millis(sockopt::tcp_user_timeout(socket)?.into()))
}

pub(super) fn set_user_timeout(socket: &Socket, timeout: Duration) -> io::Result<()> {
    let millis = u32::try_from(timeout.as_nanos().div_ceil(1_000_000));
    let millis = millis.map_err(|_| out_of_range("the time is too long"))?;
    Ok(sockopt::set_tcp_user_timeout(socket, millis)?)
}

// Not rustix's, which panics if the name is not UTF-8.
#[cfg(target_os = "linux")]
pub(super) fn congestion(socket: &Socket) -> io::Result<String> {
    let padded = socket.tcp_congestion()?;
    let name = padded.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(name).into_owned())
}

#[cfg(target_os = "linux")]
pub(super) fn set_congestion(socket: &Socket, name: String) -> io::Result<()> {
    /// `TCP_CA_NAME_MAX`, with the zero at the end.
    const MOST: usize = 16;
    // The system would cut a longer name off.
    if name.len() >= MOST || name.contains('\0') {
        return Err(out_of_range("not the name of a congestion control"));
    }
    socket.set_tcp_congestion(name.as_bytes())
}

pub(super) fn defer_accept(socket: &Socket) -> io::Result<Duration> {
    let seconds = get_int(socket, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT)?;
    Ok(Duration::from_secs(seconds.unsigned_abs().into()))
}

pub(super) fn set_defer_accept(socket: &Socket, time: Duration) -> io::Result<()> {
    let seconds = libc::c_int::try_from(time.as_nanos().div_ceil(1_000_000_000));
    let seconds = seconds.map_err(|_| out_of_range("the time is too long"))?;
    set_int(socket, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, seconds)
}

pub(super) fn fast_open(socket: &Socket) -> io::Result<u32> {
    let connections = get_int(socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN)?;
    Ok(connections.unsigned_abs())
}

pub(super) fn set_fast_open(socket: &Socket, connections: u32) -> io::Result<()> {
    let connections = libc::c_int::try_from(connections);
    let connections = connections.map_err(|_| out_of_range("the queue is too long"))?;
    set_int(socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN, connections)
}

pub(super) fn fast_open_connect(socket: &Socket) -> io::Result<bool> {
    Ok(get_int(socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT)? != 0)
}

pub(super) fn set_fast_open_connect(socket: &Socket, on: bool) -> io::Result<()> {
    set_int(socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, on.into())
}

/// Reads an option that is an `int`.
fn get_int(socket: &Socket, level: i32, name: i32) -> io::Result<i32> {
    let mut value = [0; size_of::<i32>()];
    sys::option::get(socket, level, name, &mut value)?;
    Ok(i32::from_ne_bytes(value))
}

/// Sets an option that is an `int`.
fn set_int(socket: &Socket, level: i32, name: i32, value: i32) -> io::Result<()> {
    sys::option::set(socket, level, name, &value.to_ne_bytes())
}
