//! The raw socket: every operation of the system's, for every address family, on any runtime.

use std::io;

mod address;
mod connect;
mod control;
mod convert;
mod error;
mod flags;
mod option;
mod receive;
mod send;
mod socket;
mod wait;

pub use address::SocketAddress;
pub use control::{Control, ControlMessage};
pub(crate) use control::{SCM_PIDFD, encode};
pub use error::SocketError;
pub use flags::MessageFlags;
pub use receive::ReceivedMessage;
pub(crate) use receive::{has_finished, receive_with};
pub(crate) use send::send;
pub use socket::Socket;

/// Repeats a call that a signal interrupted.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
