//! Control data: what travels beside the bytes of a message.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use super::option::holds_addresses;
use crate::sys;

/// Control data that came with a message ([cmsg(3)](https://man7.org/linux/man-pages/man3/cmsg.3.html)).
///
/// Descriptors are owned from the start and close-on-exec: dropping it closes them.
#[derive(Debug)]
#[non_exhaustive]
pub enum ControlMessage {
    /// Descriptors that the peer sent (`SCM_RIGHTS`), in its order.
    Descriptors(Vec<OwnedFd>),
    /// A descriptor of the peer's process, where it was asked for (`SO_PASSPIDFD`, Linux). If there can be none, since it is
    /// gone or we may open no more, this comes as `Other`, with the system's error as a negative number.
    Process(OwnedFd),
    /// Anything else: credentials, time stamps, the interface that a datagram came in by.
    Other {
        /// Whose it is, such as `SOL_SOCKET` or `IPPROTO_IP`.
        level: i32,
        /// What it is, such as `SCM_CREDENTIALS` or `IP_PKTINFO`.
        kind: i32,
        /// The data, in the form that the system gives it.
        data: Vec<u8>,
    },
}

impl ControlMessage {
    /// How much room one with `data` bytes takes (`CMSG_SPACE`). Room for several is the sum.
    pub fn space(data: u16) -> usize {
        sys::message::control_space(data.into())
    }

    /// How much room one with `count` descriptors takes. Linux passes 253 at once at most.
    pub fn space_for_descriptors(count: u16) -> usize {
        sys::message::control_space(u32::from(count) * size_of::<i32>() as u32)
    }

    pub(crate) fn other(level: i32, kind: i32, data: &[u8]) -> Self {
        let data = data.to_vec();
        Self::Other { level, kind, data }
    }
}

/// What a descriptor of the sender's process comes as; no crate has the number. Only Linux has it.
pub(crate) const SCM_PIDFD: i32 = if cfg!(any(target_os = "linux", target_os = "android")) {
    4
} else {
    -1
};

/// Control data to send with a message.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Control<'a> {
    /// Descriptors for the peer (`SCM_RIGHTS`, on UNIX sockets). It gets duplicates.
    Descriptors(&'a [BorrowedFd<'a>]),
    /// Anything else.
    Other {
        /// Whose it is, such as `SOL_SOCKET` or `IPPROTO_IP`.
        level: i32,
        /// What it is, such as `IP_PKTINFO`.
        kind: i32,
        /// The data, in the form that the system wants it.
        data: &'a [u8],
    },
}

/// The control data of one message, as the system wants it.
pub(crate) fn encode(controls: &[Control<'_>]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for control in controls {
        match *control {
            Control::Descriptors(descriptors) => {
                let numbers = descriptors.iter().flat_map(|fd| fd.as_raw_fd().to_ne_bytes());
                let numbers: Vec<u8> = numbers.collect();
                append(&mut bytes, libc::SOL_SOCKET, libc::SCM_RIGHTS, &numbers)?;
            }
            Control::Other { level, kind, data } => {
                if (level, kind) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                    return Err(invalid("descriptors are lent, not numbered"));
                }
                if holds_addresses(level, None) {
                    return Err(invalid("this control data is about addresses in memory"));
                }
                append(&mut bytes, level, kind, data)?;
            }
        }
    }
    Ok(bytes)
}

fn append(bytes: &mut Vec<u8>, level: i32, kind: i32, data: &[u8]) -> io::Result<()> {
    let length = u16::try_from(data.len()).map_err(|_| invalid("more control data than the system takes"))?;
    let start = bytes.len();
    bytes.resize(start + ControlMessage::space(length), 0);
    let message = &mut bytes[start..];
    sys::message::write_header(message, level, kind, data.len());
    message[sys::message::HEADER..][..data.len()].copy_from_slice(data);
    Ok(())
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}
