//! One datagram after the other.

use std::fmt;

use anynet_core::{ReceiveError, Runtime};

use super::{Connection, DatagramSocket};
use crate::kind::Kind;

/// The datagrams that arrive at a socket: what [`datagrams`](DatagramSocket::datagrams) returns.
///
/// ```
/// # use anynet_core::Runtime;
/// # use anynet_sockets::UdpSocket;
/// # async fn echo<R: Runtime>(socket: &UdpSocket<R>) -> anynet_core::Result<()> {
/// let mut datagrams = socket.datagrams(1500);
/// while let Some(datagram) = datagrams.next().await {
///     let (data, sender) = datagram?;
///     socket.send_to(data, sender).await?;
/// }
/// # Ok(())
/// # }
/// ```
pub struct Datagrams<'a, R: Runtime, K: Kind, C: Connection> {
    socket: &'a DatagramSocket<R, K, C>,
    buf: Vec<u8>,
    truncated: bool,
}

impl<'a, R: Runtime, K: Kind, C: Connection> Datagrams<'a, R, K, C> {
    pub(super) fn new(socket: &'a DatagramSocket<R, K, C>, size: usize) -> Self {
        Self {
            socket,
            buf: vec![0; size],
            truncated: false,
        }
    }

    /// Waits for the next datagram: its bytes, until the next call, and who sent it. `None` once the socket was closed.
    /// An error other than `Broken` and `EmptyBuffer` is not the end.
    ///
    /// Cancel-safe: dropped before it is done, it has taken nothing.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`], but for `Closed`.
    pub async fn next(&mut self) -> Option<Result<(&[u8], K::Address), ReceiveError>> {
        match self.socket.receive_and_sender(&mut self.buf).await {
            Ok((received, sender)) => {
                self.truncated = received.truncated;
                Some(Ok((&self.buf[..received.length], sender)))
            }
            Err(ReceiveError::Closed) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether the last datagram was longer than the size given.
    pub fn truncated(&self) -> bool {
        self.truncated
    }
}

impl<R: Runtime, K: Kind, C: Connection> fmt::Debug for Datagrams<'_, R, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams")
            .field("socket", self.socket)
            .field("size", &self.buf.len())
            .finish_non_exhaustive()
    }
}
