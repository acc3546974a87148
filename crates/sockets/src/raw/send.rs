//! Sending.

use std::io::{self, IoSlice};
use std::os::fd::BorrowedFd;

use anynet_core::{Direction, Runtime};
use rustix::net::SendFlags;
use socket2::{MsgHdr, SockRef};

use super::control::encode;
use super::retry;
use super::{Control, MessageFlags, Socket, SocketAddress, SocketError};

impl<R: Runtime> Socket<R> {
    /// Waits for room, sends a prefix of `data`, or all of it as one datagram, and says how much: send(2). Cancel-safe.
    ///
    /// Nothing is a datagram without bytes, or on a stream a call that sends nothing.
    ///
    /// # Errors
    ///
    /// What the system says: `EPIPE` after the connection was shut down, `EMSGSIZE` for a datagram that is too long.
    pub async fn send(&self, data: &[u8], flags: MessageFlags) -> Result<usize, SocketError> {
        self.send_message(&[IoSlice::new(data)], &[], flags, None).await
    }

    /// As [`send`](Self::send), to an address: sendto(2). Cancel-safe.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send); `EISCONN` on a stream.
    pub async fn send_to(
        &self,
        data: &[u8],
        flags: MessageFlags,
        to: &SocketAddress,
    ) -> Result<usize, SocketError> {
        self.send_message(&[IoSlice::new(data)], &[], flags, Some(to))
            .await
    }

    /// As [`send`](Self::send), from several buffers, one after the other, with control data, and to an address if one is
    /// given: sendmsg(2). Cancel-safe.
    ///
    /// Control data goes with the first byte that is sent: a later call for the rest is to go without it.
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send); [`InvalidInput`](io::ErrorKind::InvalidInput) for control data that holds
    /// descriptors as numbers, or addresses in memory.
    pub async fn send_message(
        &self,
        bufs: &[IoSlice<'_>],
        control: &[Control<'_>],
        flags: MessageFlags,
        to: Option<&SocketAddress>,
    ) -> Result<usize, SocketError> {
        let control = encode(control)?;
        let send = |fd: BorrowedFd<'_>| send(fd, bufs, &control, flags, to);
        self.descriptor.io(Direction::Write, send).await
    }
}

/// sendmsg(2), with control data that is [encoded](encode).
pub(crate) fn send(
    fd: BorrowedFd<'_>,
    bufs: &[IoSlice<'_>],
    control: &[u8],
    flags: MessageFlags,
    to: Option<&SocketAddress>,
) -> io::Result<usize> {
    let mut message = MsgHdr::new().with_buffers(bufs).with_control(control);
    if let Some(to) = to {
        message = message.with_addr(to.as_system());
    }
    // A peer that is gone is an error, not a signal that ends the process.
    let flags = flags.bits() | SendFlags::NOSIGNAL.bits() as i32;
    retry(|| SockRef::from(&fd).sendmsg(&message, flags))
}
