//! Descriptors that travel with a message over a UNIX socket (`SCM_RIGHTS`, unix(7)).

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{BorrowedFd, OwnedFd};

use anynet_core::SendError;
use rustix::io::Errno;
use socket2::Domain;

use crate::raw::{self, Control, ControlMessage, MessageFlags, SocketAddress};
use crate::socket;

/// How many descriptors one message can carry: `SCM_MAX_FD`, which no header has. Other systems stop elsewhere, and tell.
const MOST: usize = 253;

/// Room for a message's descriptors, and for what else Linux adds where a socket's options ask for it, which would take
/// their place: credentials (`SO_PASSCRED`) before them, the sender's process (`SO_PASSPIDFD`) behind.
const ROOM: usize = 1152;

/// What a receive of descriptors gives.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ReceivedFds {
    /// How many bytes are in the front of the buffer.
    pub length: usize,
    /// The descriptors that came with them, in the sender's order, close-on-exec. Often there are none.
    pub fds: Vec<OwnedFd>,
    /// Whether there were more descriptors than were asked for, or than the process may open. Those are closed. (The sender's
    /// are its own, and as they were.)
    pub fds_truncated: bool,
    /// Whether the message was longer than the buffer. What did not fit is lost. Never so on a stream, which has no messages.
    pub truncated: bool,
}

/// Why these descriptors cannot be sent with one message, whatever the socket says.
pub(crate) fn refusal(fds: &[BorrowedFd<'_>]) -> Option<SendError> {
    match fds.len() {
        0 => Some(SendError::NoDescriptors),
        1..=MOST => None,
        _ => Some(SendError::TooManyDescriptors),
    }
}

/// Sends a prefix of `data`, or all of it as one message, and `fds` with the first byte; to `to`, or else to the peer. The
/// inner error is about the
/// descriptors; the connection is well.
pub(crate) fn send(
    fd: BorrowedFd<'_>,
    data: &[u8],
    fds: &[BorrowedFd<'_>],
    to: Option<&SocketAddress>,
) -> io::Result<Result<usize, SendError>> {
    let control = raw::encode(&[Control::Descriptors(fds)])?;
    match raw::send(fd, &[IoSlice::new(data)], &control, MessageFlags::NONE, to) {
        Ok(sent) => Ok(Ok(sent)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::TOOMANYREFS) => Ok(Err(SendError::Exhausted(error.into()))),
            // That of a socket that was closed, or of a kind that the system lets nobody send (io_uring).
            Some(Errno::BADF | Errno::INVAL | Errno::PERM | Errno::ACCESS) => {
                Ok(Err(SendError::NotSent(error.into())))
            }
            _ => Err(error),
        },
    }
}

/// Receives what is there of a stream, up to the end of a message with descriptors. `None` at the end of the stream.
pub(crate) fn receive_from_stream(
    fd: BorrowedFd<'_>,
    buf: &mut [u8],
    most: usize,
) -> io::Result<Option<ReceivedFds>> {
    let (received, _) = receive(fd, buf, most)?;
    let is_nothing = received.length == 0 && received.fds.is_empty() && !received.fds_truncated;
    // Into an empty buffer nothing comes at the end, and also where there are bytes to be received first.
    let is_end = is_nothing && (!buf.is_empty() || socket::peek(fd, &mut [0])? == 0);
    Ok((!is_end).then_some(received))
}

/// Receives what is there, and says who sent it. Without descriptors it costs no memory.
pub(crate) fn receive(
    fd: BorrowedFd<'_>,
    buf: &mut [u8],
    most: usize,
) -> io::Result<(ReceivedFds, Option<SocketAddress>)> {
    let most = most.min(MOST);
    let room = room_for(most);
    let mut control = [0; ROOM];
    let bufs = &mut [IoSliceMut::new(buf)];
    let message = raw::receive_with(Domain::UNIX, fd, bufs, &mut control[..room], MessageFlags::NONE)?;
    let mut fds = Vec::new();
    for control in message.control {
        if let ControlMessage::Descriptors(arrived) = control {
            fds.extend(arrived);
        }
    }
    let surplus = fds.len() > most;
    fds.truncate(most); // the room is never for an odd number, and not for descriptors alone
    let received = ReceivedFds {
        length: message.length,
        fds,
        fds_truncated: surplus || message.flags.contains(MessageFlags::CONTROL_TRUNCATED),
        truncated: message.flags.contains(MessageFlags::TRUNCATED),
    };
    Ok((received, message.sender))
}

fn room_for(most: usize) -> usize {
    /// `struct ucred`: three numbers.
    const CREDENTIALS: u16 = 12;
    ControlMessage::space_for_descriptors(most as u16)
        + ControlMessage::space_for_descriptors(1)
        + ControlMessage::space(CREDENTIALS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_as_many_as_a_message_can_carry() {
        assert!(room_for(MOST) <= ROOM);
    }
}
