//! Receiving.

use std::io::{self, IoSliceMut};
use std::os::fd::BorrowedFd;

use anynet_core::{Direction, Runtime};
use rustix::event::PollFlags;
use socket2::{Domain, Type};

use super::retry;
use super::socket::polled;
use super::{ControlMessage, MessageFlags, Socket, SocketAddress, SocketError};
use crate::sys;

/// Control data up to this size needs no memory of its own.
const INLINE_CONTROL: usize = 256;

/// What a raw socket received.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReceivedMessage {
    /// How many bytes are in the front of the buffers; more than they hold where [`MessageFlags::TRUNCATED`] asked for
    /// the datagram's true length.
    pub length: usize,
    /// What the system says of the message: that it was [truncated](MessageFlags::TRUNCATED), or its [control
    /// data](MessageFlags::CONTROL_TRUNCATED) was.
    pub flags: MessageFlags,
    /// Who sent it. `None` where the system does not say, as on most connections, or the sender has no name.
    pub sender: Option<SocketAddress>,
    /// The control data that came with it, in the system's order.
    pub control: Vec<ControlMessage>,
}

impl<R: Runtime> Socket<R> {
    /// Waits for bytes or a datagram, puts it into the front of `buf` and says how long it is: recv(2). Cancel-safe.
    ///
    /// 0 is a datagram without bytes; or that `buf` has no room, which makes the call mean what it means to the system.
    /// What does not fit into `buf` is left for the next receive on a stream, and gone on other sockets; see
    /// [`receive_message`](Self::receive_message), which tells.
    ///
    /// # Errors
    ///
    /// [`EndOfStream`](SocketError::EndOfStream) on a socket with connections, when the peer has finished. (A record
    /// without bytes on a `SOCK_SEQPACKET` socket cannot be told from it if nothing but it precedes the end.) Otherwise
    /// what the system says: of a datagram socket also what became of something sent before (`ECONNREFUSED`), and the
    /// socket is well.
    pub async fn receive(&self, buf: &mut [u8], flags: MessageFlags) -> Result<usize, SocketError> {
        Ok(self.receive_from(buf, flags).await?.0)
    }

    /// As [`receive`](Self::receive), and says who sent it: recvfrom(2). `None` where the system does not say, as on most
    /// connections, or the sender has no name. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As for [`receive`](Self::receive).
    pub async fn receive_from(
        &self,
        buf: &mut [u8],
        flags: MessageFlags,
    ) -> Result<(usize, Option<SocketAddress>), SocketError> {
        let message = self
            .receive_message(&mut [IoSliceMut::new(buf)], 0, flags)
            .await?;
        Ok((message.length, message.sender))
    }

    /// As [`receive`](Self::receive), into several buffers, one after the other, with up to `control` bytes of control
    /// data: recvmsg(2). How much that is: [`ControlMessage::space`]. Cancel-safe.
    ///
    /// Descriptors that come with a message are owned from the start. What has no room is closed by the system, and
    /// [`MessageFlags::CONTROL_TRUNCATED`] says so.
    ///
    /// # Errors
    ///
    /// As for [`receive`](Self::receive). A message with control data, or out of the queue of errors, is never an end.
    pub async fn receive_message(
        &self,
        bufs: &mut [IoSliceMut<'_>],
        control: usize,
        flags: MessageFlags,
    ) -> Result<ReceivedMessage, SocketError> {
        let has_room = bufs.iter().any(|buf| !buf.is_empty());
        let receive = |fd: BorrowedFd<'_>| receive(self.family(), fd, bufs, control, flags);
        let message = if is_error_queue(flags) {
            self.descriptor.io_apart(receive).await?
        } else {
            self.descriptor.io(Direction::Read, receive).await?
        };
        if message.length == 0 && has_room && self.is_end(&message, flags) {
            return Err(SocketError::EndOfStream);
        }
        Ok(message)
    }

    /// Whether nothing that was received, into buffers with room, is the end of what the peer sends.
    fn is_end(&self, message: &ReceivedMessage, asked: MessageFlags) -> bool {
        let is_message = !message.control.is_empty()
            || message.flags.contains(MessageFlags::CONTROL_TRUNCATED)
            || is_error_queue(asked);
        match self.kind() {
            _ if is_message => false,
            Type::STREAM => true,
            // It may be a record without bytes. A peer that has not finished has sent one.
            Type::SEQPACKET => !matches!(self.with_fd(has_finished), Ok(Ok(false))),
            _ => false,
        }
    }
}

fn receive(
    family: Domain,
    fd: BorrowedFd<'_>,
    bufs: &mut [IoSliceMut<'_>],
    control: usize,
    flags: MessageFlags,
) -> io::Result<ReceivedMessage> {
    // The system is given whole words, so that it never opens a descriptor whose number it cannot write in full.
    let room = control.checked_next_multiple_of(size_of::<usize>());
    let room = room.ok_or(io::ErrorKind::InvalidInput)?;
    let (mut inline, mut large) = ([0; INLINE_CONTROL], Vec::new());
    let control = match inline.get_mut(..room) {
        Some(inline) => inline,
        None => {
            large.resize(room, 0);
            &mut large
        }
    };
    receive_with(family, fd, bufs, control, flags)
}

/// recvmsg(2) on a socket of `family`, with `control` as the room for control data. Descriptors are close-on-exec from the
/// start.
pub(crate) fn receive_with(
    family: Domain,
    fd: BorrowedFd<'_>,
    bufs: &mut [IoSliceMut<'_>],
    control: &mut [u8],
    flags: MessageFlags,
) -> io::Result<ReceivedMessage> {
    // Descriptors come by UNIX sockets alone, and others refuse a flag that they do not know (packet(7)).
    let close_on_exec_flag = if family == Domain::UNIX { CLOSE_ON_EXEC } else { 0 };
    let flags = flags.bits() | close_on_exec_flag;
    let (length, flags, sender, control) = retry(|| sys::message::receive(fd, bufs, control, flags))?;
    close_on_exec(&control)?;
    Ok(ReceivedMessage {
        length,
        flags: MessageFlags::from_bits(flags & !CLOSE_ON_EXEC), // which Linux echoes
        sender: sender.map(SocketAddress::from),
        control,
    })
}

/// Whether the peer sends no more.
pub(crate) fn has_finished(fd: BorrowedFd<'_>) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let hang_up = PollFlags::RDHUP;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let hang_up = PollFlags::IN; // as it is at the end; nobody else tells
    polled(fd, hang_up)
}

fn is_error_queue(flags: MessageFlags) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return flags.contains(MessageFlags::ERROR_QUEUE);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return {
        let _ = flags;
        false
    };
}

/// Has the system open descriptors close-on-exec.
#[cfg(not(target_vendor = "apple"))]
const CLOSE_ON_EXEC: i32 = libc::MSG_CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
const CLOSE_ON_EXEC: i32 = 0;

#[cfg(not(target_vendor = "apple"))]
fn close_on_exec(_control: &[ControlMessage]) -> io::Result<()> {
    Ok(())
}

/// Apple's systems have to be told afterwards.
#[cfg(target_vendor = "apple")]
fn close_on_exec(control: &[ControlMessage]) -> io::Result<()> {
    for message in control {
        if let ControlMessage::Descriptors(descriptors) = message {
            for descriptor in descriptors {
                rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
            }
        }
    }
    Ok(())
}
