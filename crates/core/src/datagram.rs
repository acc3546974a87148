//! The contract of datagrams.

use crate::{Address, Attributes, ReceiveError, SendError};

/// What a receive says of its datagram, which is in the front of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Received {
    /// How many bytes are in the buffer. A datagram may have none: that is a datagram, not an end.
    pub length: usize,
    /// Whether the datagram was longer than the buffer. What did not fit is lost.
    pub truncated: bool,
}

impl Received {
    /// A datagram of which `length` bytes are in the buffer.
    pub fn new(length: usize, truncated: bool) -> Self {
        Self { length, truncated }
    }
}

/// Sends and receives datagrams: messages that arrive whole or not at all.
///
/// Any number of tasks may send and receive on one socket; each datagram goes to one of them. A
/// [`Closer`](crate::Closer), asked for as an attribute, closes it from another task: whoever waits is told `Closed`.
///
/// A socket may be **connected** to a peer, a [`PeerAddress`](crate::PeerAddress), by whoever made it: it receives from
/// that peer only, and [`send`](Self::send) goes there.
///
/// # The contract
///
/// | state | receive says | send says |
/// |---|---|---|
/// | open | a datagram, also one of no bytes | done, when the system has taken it whole |
/// | the system has no room | | waits for room; nothing is dropped silently |
/// | a peer refused an earlier datagram | `Undelivered`, once; then goes on | `NotSent`, once; then goes on |
/// | closed by us (also from another task) | `Closed` | `Closed` |
///
/// * The **order of checks** is that of streams: `Closed`, then the arguments, then the system.
/// * Nothing is final but `Closed` and `Broken`: a datagram that failed says nothing of the next.
/// * All four are **cancel-safe**: dropped before it is done, a receive has taken nothing and a send has sent nothing.
pub trait Datagram: Attributes + Send + Sync + 'static {
    /// Waits for the next datagram and moves it into `buf`. One that is longer is [truncated](Received::truncated).
    ///
    /// # Errors
    ///
    /// [`ReceiveError`], but for `EndOfStream`: datagrams have no end.
    fn receive(&self, buf: &mut [u8]) -> impl Future<Output = Result<Received, ReceiveError>> + Send;

    /// As [`receive`](Self::receive), and says who sent it.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    fn receive_from(
        &self,
        buf: &mut [u8],
    ) -> impl Future<Output = Result<(Received, Address), ReceiveError>> + Send;

    /// Sends `data` as one datagram to the peer that the socket is connected to.
    ///
    /// # Errors
    ///
    /// [`SendError`]; [`NotSent`](SendError::NotSent) if the socket is not connected.
    fn send(&self, data: &[u8]) -> impl Future<Output = Result<(), SendError>> + Send;

    /// Sends `data` as one datagram to `to`.
    ///
    /// # Errors
    ///
    /// [`SendError`]; [`NotSent`](SendError::NotSent) if `to` is of another family, or the socket is connected to another
    /// peer.
    fn send_to(&self, data: &[u8], to: &Address) -> impl Future<Output = Result<(), SendError>> + Send;
}
