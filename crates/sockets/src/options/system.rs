//! Options of the socket itself (`SOL_SOCKET`): socket(7).

use std::io;
use std::time::Duration;

use rustix::net::sockopt;
use socket2::Socket;

#[cfg(any(target_os = "linux", target_os = "android"))]
use super::linux;
use super::table::option;

option! {
    /// The local address may be bound while connections of an earlier socket on it linger (`SO_REUSEADDR`, socket(7)).
    ///
    /// On for listeners. UDP sockets that all have it on may share an address (on Linux; elsewhere that takes
    /// [`ReusePort`]).
    ReuseAddress(bool)
    sockets: Ip, platforms: all(),
    get: sockopt::socket_reuseaddr, set: sockopt::set_socket_reuseaddr,
}

option! {
    /// Several sockets that all have it on may be bound to one address, each by the same user (`SO_REUSEPORT`,
    /// socket(7)).
    ///
    /// Linux spreads connections and datagrams over them; other systems may give all to one. Set it before they are
    /// bound.
    ReusePort(bool)
    sockets: Ip,
    platforms: not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin")),
    get: sockopt::socket_reuseport, set: sockopt::set_socket_reuseport,
}

option! {
    /// Datagrams may be sent to broadcast addresses (`SO_BROADCAST`, socket(7)). Without it such a send is
    /// `PermissionDenied`.
    Broadcast(bool)
    sockets: Connectionless, platforms: all(),
    get: sockopt::socket_broadcast, set: sockopt::set_socket_broadcast,
}

option! {
    /// An idle connection is probed, so that a peer that has vanished is found out (`SO_KEEPALIVE`, socket(7)).
    ///
    /// When and how often is said by [`KeepAliveTime`](super::KeepAliveTime),
    /// [`KeepAliveInterval`](super::KeepAliveInterval) and [`KeepAliveRetries`](super::KeepAliveRetries), which do
    /// nothing without this.
    KeepAlive(bool)
    sockets: Tcp, platforms: all(),
    get: sockopt::socket_keepalive, set: sockopt::set_socket_keepalive,
}

option! {
    /// How many bytes may wait to be received (`SO_RCVBUF`, socket(7)).
    ///
    /// Set it before connecting or listening, for a TCP window can be no larger than it was then. Setting it ends the
    /// system's own tuning of the size. Linux doubles the value for its bookkeeping, and gives no more than
    /// `net.core.rmem_max` allows: what is read back is what was given. UNIX sockets lack it there, as the sender's
    /// buffer is what counts (unix(7)).
    ReceiveBufferSize(usize)
    sockets: Receiving, platforms: all(),
    get: sockopt::socket_recv_buffer_size, set: sockopt::set_socket_recv_buffer_size,
}

option! {
    /// How many bytes may wait to be sent, or be on their way (`SO_SNDBUF`, socket(7)).
    ///
    /// Setting it ends the system's own tuning of the size. Linux doubles the value for its bookkeeping, and gives no
    /// more than `net.core.wmem_max` allows: what is read back is what was given.
    SendBufferSize(usize)
    sockets: Any, platforms: all(),
    get: sockopt::socket_send_buffer_size, set: sockopt::set_socket_send_buffer_size,
}

option! {
    /// Closing the connection resets it, and what was not delivered is lost (`SO_LINGER` with zero seconds, socket(7)).
    ///
    /// There is no other linger time: the system would block the thread that closes for so long. To wait for the peer
    /// use [`close_lingering`](crate::TcpStream::close_lingering), and to reset one connection at once
    /// [`abort`](crate::TcpStream::abort). `LingerZero(false)` also takes back any other linger time.
    LingerZero(bool)
    sockets: Tcp, platforms: all(),
    get: linger_zero, set: set_linger_zero,
}

option! {
    /// Packets go out, and come in, by the network interface of this name only; by any if it is empty
    /// (`SO_BINDTODEVICE`, socket(7)).
    ///
    /// At most 15 bytes. No such interface is `ENODEV`. Since 5.7 Linux lets anybody bind a socket to a device, and
    /// only the privileged (`CAP_NET_RAW`) bind it to another one later.
    Device(String)
    sockets: Ip, platforms: any(target_os = "linux", target_os = "android"),
    get: linux::device, set: linux::set_device,
}

option! {
    /// A mark on each packet sent, for routing and filtering (`SO_MARK`, socket(7)). Takes `CAP_NET_ADMIN` or
    /// `CAP_NET_RAW`.
    Mark(u32)
    sockets: Ip, platforms: any(target_os = "linux", target_os = "android"),
    get: Socket::mark, set: Socket::set_mark,
}

fn linger_zero(socket: &Socket) -> io::Result<bool> {
    Ok(sockopt::socket_linger(socket)? == Some(Duration::ZERO))
}

fn set_linger_zero(socket: &Socket, on: bool) -> io::Result<()> {
    Ok(sockopt::set_socket_linger(socket, on.then_some(Duration::ZERO))?)
}
