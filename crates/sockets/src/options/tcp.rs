//! Options of TCP (`IPPROTO_TCP`): tcp(7).

use std::time::Duration;

use rustix::net::sockopt;

#[cfg(any(target_os = "linux", target_os = "android"))]
use super::linux;
use super::table::option;

option! {
    /// Small sends go out at once, and do not wait for the acknowledgement of earlier ones (`TCP_NODELAY`, tcp(7)). On
    /// everywhere.
    NoDelay(bool)
    sockets: Tcp, platforms: all(),
    get: sockopt::tcp_nodelay, set: sockopt::set_tcp_nodelay,
}

option! {
    /// How long a connection is idle before it is probed, if [`KeepAlive`](super::KeepAlive) is on (`TCP_KEEPIDLE`,
    /// tcp(7); `TCP_KEEPALIVE` on macOS).
    ///
    /// Whole seconds, rounded up; Linux takes 1 to 32,767, and anything else is `InvalidInput`.
    KeepAliveTime(Duration)
    sockets: Tcp, platforms: not(any(target_os = "openbsd", target_os = "haiku", target_os = "nto")),
    get: sockopt::tcp_keepidle, set: sockopt::set_tcp_keepidle,
}

option! {
    /// The time between two probes, if [`KeepAlive`](super::KeepAlive) is on (`TCP_KEEPINTVL`, tcp(7)).
    ///
    /// Whole seconds, rounded up; Linux takes 1 to 32,767, and anything else is `InvalidInput`.
    KeepAliveInterval(Duration)
    sockets: Tcp,
    platforms: not(any(target_os = "openbsd", target_os = "haiku", target_os = "nto", target_os = "redox")),
    get: sockopt::tcp_keepintvl, set: sockopt::set_tcp_keepintvl,
}

option! {
    /// How many probes go unanswered before the connection breaks, if [`KeepAlive`](super::KeepAlive) is on
    /// (`TCP_KEEPCNT`, tcp(7)). Linux takes 1 to 127, and anything else is `InvalidInput`.
    KeepAliveRetries(u32)
    sockets: Tcp,
    platforms: not(any(target_os = "openbsd", target_os = "haiku", target_os = "nto", target_os = "redox")),
    get: sockopt::tcp_keepcnt, set: sockopt::set_tcp_keepcnt,
}

option! {
    /// How long what was sent may stay unacknowledged before the connection breaks with `ETIMEDOUT`
    /// (`TCP_USER_TIMEOUT`, tcp(7)). Zero leaves it to the system.
    ///
    /// Whole milliseconds, rounded up, and less than 25 days; anything else is `InvalidInput`.
    UserTimeout(Duration)
    sockets: Tcp, platforms: any(target_os = "linux", target_os = "android"),
    get: linux::user_timeout, set: linux::set_user_timeout,
}

option! {
    /// The congestion control of the connection, by its name, such as `cubic` (`TCP_CONGESTION`, tcp(7)).
    ///
    /// A name that the system does not know is `NotFound`. Only the privileged may take what is not in
    /// `net.ipv4.tcp_allowed_congestion_control`.
    Congestion(String)
    sockets: Tcp, platforms: target_os = "linux",
    get: linux::congestion, set: linux::set_congestion,
}

option! {
    /// How many bytes that were not sent yet make a socket count as full, so that a send waits (`TCP_NOTSENT_LOWAT`,
    /// tcp(7)). Zero leaves it to the system, which sets no bound but the send buffer.
    ///
    /// A low one keeps what is queued fresh, for it is written when it can go, and saves memory.
    NotSentLowWaterMark(u32)
    sockets: Tcp, platforms: any(target_os = "linux", target_os = "android"),
    get: socket2::Socket::tcp_notsent_lowat, set: socket2::Socket::set_tcp_notsent_lowat,
}

option! {
    /// A listener accepts a connection when it has data, or this time has passed (`TCP_DEFER_ACCEPT`, tcp(7)). Zero
    /// turns it off.
    ///
    /// Whole seconds, rounded up; the system goes by retransmissions and rounds up to one: 1, 3, 7, 15 and so on, which
    /// is what is read back.
    DeferAccept(Duration)
    sockets: Tcp, platforms: any(target_os = "linux", target_os = "android"),
    get: linux::defer_accept, set: linux::set_defer_accept,
}

option! {
    /// A listener takes data with the first packet of a connection, for as many connections as that at once
    /// (`TCP_FASTOPEN`, tcp(7), RFC 7413). Zero turns it off. No more than `net.core.somaxconn` are given.
    ///
    /// The system must allow it too: the second bit of `net.ipv4.tcp_fastopen`. A connected socket is `InvalidInput`.
    FastOpen(u32)
    sockets: Tcp, platforms: any(target_os = "linux", target_os = "android"),
    get: linux::fast_open, set: linux::set_fast_open,
}

option! {
    /// A connect sends what is sent first along with the first packet, where it knows the peer's cookie
    /// (`TCP_FASTOPEN_CONNECT`, RFC 7413). Set before connecting; later is `InvalidInput`.
    ///
    /// **For clients that send first.** With a cookie, the connect succeeds before the peer was heard of, and nothing goes
    /// out before the first send: a client that waits for the server to speak, or only sends the end, waits for ever. A
    /// refusal is reported by the first receive or a later send, and what was sent first can arrive twice.
    ///
    /// `Unsupported` also where the system is set not to allow it: the first bit of `net.ipv4.tcp_fastopen`.
    FastOpenConnect(bool)
    sockets: Tcp, platforms: any(target_os = "linux", target_os = "android"),
    get: linux::fast_open_connect, set: linux::set_fast_open_connect,
}
