//! The system calls, each in one place, on descriptors of any kind.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use anynet_core::{Direction, Received};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::addr::SocketAddrArg;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny, SocketFlags};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::kind::KindAddress;
use crate::stream::taking;
#[cfg(target_os = "linux")]
use crate::sys;

/// How many slices `sendmsg(2)` takes at once (`IOV_MAX`, the same on Linux, macOS and the BSDs).
const MOST_SLICES: usize = 1024;

/// How many bytes a close drops before it gives up on a peer that sends faster. More than a receive buffer commonly holds.
const MOST_DISCARDED: usize = 8 << 20;

/// Waiting connections that a listener asks the system to keep, unless it is told. The system lowers it to its own limit
/// (`somaxconn`).
pub(crate) const BACKLOG: i32 = 65535;

/// A socket, non-blocking and close-on-exec from the start, so that no child process can inherit it.
pub(crate) fn new(family: Domain, kind: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
    // `Socket::new` adds close-on-exec in the same call, and so does `Socket::pair`.
    taking(|| Socket::new(family, kind.nonblocking(), protocol))
}

/// Two that are connected to each other, as [`new`] makes one.
pub(crate) fn pair(family: Domain, kind: Type, protocol: Option<Protocol>) -> io::Result<(Socket, Socket)> {
    taking(|| Socket::pair(family, kind.nonblocking(), protocol))
}

/// Starts to connect, or asks how it went: "would block" while it is under way.
///
/// A second `connect(2)` is how POSIX tells: it says `EALREADY` until the connection stands or has failed. That is one
/// call where `SO_ERROR` and `getpeername` would be two.
pub(crate) fn connect(fd: BorrowedFd<'_>, to: &impl SocketAddrArg) -> io::Result<()> {
    match rustix::net::connect(fd, to) {
        Ok(()) | Err(Errno::ISCONN) => Ok(()),
        // An interrupted connect goes on in the background.
        Err(Errno::INPROGRESS | Errno::ALREADY | Errno::INTR) => Err(io::ErrorKind::WouldBlock.into()),
        Err(errno) => Err(errno.into()),
    }
}

/// Takes a connection, non-blocking and close-on-exec, with its peer's address.
pub(crate) fn accept<A: KindAddress>(fd: BorrowedFd<'_>) -> io::Result<(OwnedFd, A)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (accepted, peer) = retry_on_intr(|| rustix::net::acceptfrom_with(fd, flags))?;
    // A connection that was reset while it was in the queue may have no peer any more (macOS).
    Ok((accepted, A::from_system(peer).ok_or(Errno::CONNABORTED)?))
}

#[inline]
pub(crate) fn receive(fd: BorrowedFd<'_>, buf: &mut [u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::net::recv(fd, &mut *buf, RecvFlags::empty()))?.0)
}

pub(crate) fn peek(fd: BorrowedFd<'_>, buf: &mut [u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::net::recv(fd, &mut *buf, RecvFlags::PEEK))?.0)
}

/// Takes one datagram, and who sent it. Descriptors that come with it are closed by the system, for there is no room for
/// them.
pub(crate) fn receive_datagram<A: KindAddress>(
    fd: BorrowedFd<'_>,
    buf: &mut [u8],
    flags: RecvFlags,
) -> io::Result<(Received, A)> {
    let (received, sender) = retry_on_intr(|| take_datagram(fd, &mut *buf, flags))?;
    Ok((received, A::from_system(sender).unwrap_or_else(A::unknown)))
}

/// `MSG_TRUNC` has the system say how long the datagram was, also if it was longer than the buffer (recv(2)).
#[cfg(any(target_os = "linux", target_os = "android"))]
fn take_datagram(
    fd: BorrowedFd<'_>,
    buf: &mut [u8],
    flags: RecvFlags,
) -> Result<(Received, Option<SocketAddrAny>), Errno> {
    let room = buf.len();
    let (_, length, sender) = rustix::net::recvfrom(fd, buf, flags | RecvFlags::TRUNC)?;
    Ok((Received::new(length.min(room), length > room), sender))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn take_datagram(
    fd: BorrowedFd<'_>,
    buf: &mut [u8],
    flags: RecvFlags,
) -> Result<(Received, Option<SocketAddrAny>), Errno> {
    let bufs = &mut [io::IoSliceMut::new(buf)];
    let message = rustix::net::recvmsg(fd, bufs, &mut rustix::net::RecvAncillaryBuffer::default(), flags)?;
    let truncated = message.flags.contains(rustix::net::ReturnFlags::TRUNC);
    Ok((Received::new(message.bytes, truncated), message.address))
}

/// Sends `data` as one datagram to `to`.
pub(crate) fn send_datagram_to(fd: BorrowedFd<'_>, data: &[u8], to: &impl SocketAddrArg) -> io::Result<()> {
    retry_on_intr(|| rustix::net::sendto(fd, data, SendFlags::NOSIGNAL, to))?;
    Ok(())
}

/// Sends a prefix of `buf`; on a datagram socket all of it, as one datagram. A peer that is gone is an error, not a signal that ends the process.
#[inline]
pub(crate) fn send(fd: BorrowedFd<'_>, buf: &[u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::net::send(fd, buf, SendFlags::NOSIGNAL))?)
}

/// Sends a prefix of `bufs`; says how much it was, and how much it was given of them.
pub(crate) fn send_vectored(fd: BorrowedFd<'_>, bufs: &[IoSlice<'_>]) -> io::Result<(usize, usize)> {
    // Leading empty slices could fill a whole call, and it would look as if nothing could be sent.
    let first = bufs.iter().position(|buf| !buf.is_empty()).unwrap_or(bufs.len());
    let bufs = &bufs[first..bufs.len().min(first + MOST_SLICES)];
    let mut ancillary = SendAncillaryBuffer::default();
    let sent = retry_on_intr(|| rustix::net::sendmsg(fd, bufs, &mut ancillary, SendFlags::NOSIGNAL))?;
    Ok((sent, bufs.iter().map(|buf| buf.len()).sum()))
}

/// Asks whether a send might make progress: "would block" if not.
pub(crate) fn send_ready(fd: BorrowedFd<'_>) -> io::Result<()> {
    ready(fd, Direction::Write)
}

/// How much of the send buffer is taken, and of how much, in the system's own measure, where it tells.
#[cfg(target_os = "linux")]
pub(crate) fn send_buffer(fd: BorrowedFd<'_>) -> Option<(u32, u32)> {
    /// Which of the numbers of `SO_MEMINFO` (`linux/sock_diag.h`) are they: `SK_MEMINFO_WMEM_ALLOC`, `SK_MEMINFO_SNDBUF`.
    const TAKEN: usize = 2;
    const SIZE: usize = 3;
    let mut numbers = [0; 64];
    let length = sys::option::get(fd, libc::SOL_SOCKET, libc::SO_MEMINFO, &mut numbers).ok()?;
    let (numbers, _) = numbers[..length].as_chunks();
    let number = |at: usize| numbers.get(at).copied().map(u32::from_ne_bytes);
    Some((number(TAKEN)?, number(SIZE)?))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn send_buffer(_fd: BorrowedFd<'_>) -> Option<(u32, u32)> {
    None
}

/// Asks whether a read (a write) might make progress: "would block" if not. An end and an error are ready for both.
pub(crate) fn ready(fd: BorrowedFd<'_>, direction: Direction) -> io::Result<()> {
    let flags = match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    };
    let mut fds = [PollFd::from_borrowed_fd(fd, flags)];
    match retry_on_intr(|| rustix::event::poll(&mut fds, Some(&Timespec::default())))? {
        0 => Err(io::ErrorKind::WouldBlock.into()),
        _ => Ok(()),
    }
}

/// Sends the end of the stream, after everything that was sent.
pub(crate) fn send_eof(fd: impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(&fd);
    match socket.shutdown(Shutdown::Write) {
        // Not connected any more. Why, the socket may still know.
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(socket.take_error().ok().flatten().unwrap_or(error))
        }
        result => result,
    }
}

/// Drops what has arrived, without waiting for more. Closing with unread data would send a reset, which can overtake and
/// destroy the last bytes that we sent.
pub(crate) fn discard_received(fd: impl AsFd) {
    let mut buf = [0; 16 << 10];
    let mut discarded = 0;
    while discarded < MOST_DISCARDED {
        match receive(fd.as_fd(), &mut buf) {
            Ok(0) | Err(_) => return,
            Ok(n) => discarded += n,
        }
    }
}

/// Resets the connection. At once on Linux, also while other descriptors of it are open; elsewhere when the last of
/// them is closed.
pub(crate) fn reset(fd: impl AsFd) {
    // Both are best effort: where they fail there is no connection left to reset.
    let _ = SockRef::from(&fd).set_linger(Some(Duration::ZERO));
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::net::connect_unspec(fd);
}

pub(crate) fn local_address<A: KindAddress>(fd: impl AsFd) -> io::Result<A> {
    of_the_family(Some(rustix::net::getsockname(fd)?))
}

pub(crate) fn peer_address<A: KindAddress>(fd: impl AsFd) -> io::Result<A> {
    of_the_family(rustix::net::getpeername(fd)?)
}

fn of_the_family<A: KindAddress>(address: Option<SocketAddrAny>) -> io::Result<A> {
    A::from_system(address)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a socket of another family"))
}
