//! The contract of byte streams.
//!
//! It stands on [`ByteStream`]; the two directions, which implementors write, say what each method adds to it.

use std::io::IoSlice;
use std::num::NonZeroUsize;
use std::task::{Context, Poll};

use crate::{Attributes, ReceiveError, SendError};

/// A stream of bytes to receive from.
///
/// This is what implementors write; users call the methods of [`ByteReceiveStreamExt`](crate::ByteReceiveStreamExt).
/// The contract is [`ByteStream`]'s; the conformance suite checks it sentence by sentence.
///
/// That a receive takes `&mut self` makes two receives at once on one stream an error of the compiler:
///
/// ```compile_fail,E0499
/// # use anynet_core::{ByteReceiveStream, ByteReceiveStreamExt};
/// async fn two_at_once(stream: &mut impl ByteReceiveStream) {
///     let (mut a, mut b) = ([0; 1], [0; 1]);
///     let first = stream.receive(&mut a);
///     let second = stream.receive(&mut b); // the stream is borrowed by `first`
///     let _ = (first.await, second.await);
/// }
/// ```
pub trait ByteReceiveStream: Attributes {
    /// Receives between 1 and `buf.len()` bytes into the front of `buf`.
    ///
    /// Pending until there is something to say; then the task of `cx` is woken. Nothing is taken from the stream by a
    /// poll that returns [`Poll::Pending`], so dropping the future of a receive loses nothing.
    ///
    /// # Errors
    ///
    /// * [`Closed`](ReceiveError::Closed) if our side closed the stream, also if data is waiting;
    /// * [`EmptyBuffer`](ReceiveError::EmptyBuffer) if `buf` is empty: nothing changes;
    /// * [`Broken`](ReceiveError::Broken) if the transport failed, after all that had arrived was received;
    /// * [`EndOfStream`](ReceiveError::EndOfStream) if the peer finished, and then for ever.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>>;
}

/// A stream of bytes to send to.
///
/// This is what implementors write; users call the methods of [`ByteSendStreamExt`](crate::ByteSendStreamExt). The
/// contract is [`ByteStream`]'s. Every method is required, so that a wrapper cannot forget one: one that dropped vectored sends would cost a copy, one that
/// dropped `poll_flush` would lose data.
///
/// The peer's end does not concern sending, so a [`SendError`] cannot say `EndOfStream`:
///
/// ```compile_fail,E0599
/// let error = anynet_core::SendError::EndOfStream;
/// ```
pub trait ByteSendStream: Attributes {
    /// Sends a prefix of `bufs`, taken as one sequence of bytes, and says how long it was.
    ///
    /// `Ok(0)` only if `bufs` holds no byte at all; such a send still checks the state. Pending until the transport has
    /// room; a poll that returns [`Poll::Pending`] has taken nothing.
    ///
    /// # Errors
    ///
    /// * [`Closed`](SendError::Closed) after our own close or `send_eof`;
    /// * [`Broken`](SendError::Broken) if the transport failed, by a receive's finding or by a send's.
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>>;

    /// Waits until a send might make progress. May return early, never late.
    ///
    /// For a sender that would rather make its data when there is room for it than beforehand.
    ///
    /// # Errors
    ///
    /// As [`poll_send`](Self::poll_send); a stream that breaks during the wait may also just end it.
    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>>;

    /// Hands everything that earlier sends took to the layer below. Sockets have nothing to do here.
    ///
    /// # Errors
    ///
    /// * [`Closed`](SendError::Closed) after our own close;
    /// * [`Broken`](SendError::Broken) if something was held back and the transport does not take it any more. `Ok` says
    ///   that nothing is held back, not that the transport is well.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>>;

    /// Flushes, then tells the peer that no more bytes will come. Receiving goes on. A second call succeeds.
    ///
    /// # Errors
    ///
    /// * [`Closed`](SendError::Closed) after our own close;
    /// * [`Broken`](SendError::Broken) if the transport failed before the end was sent.
    fn poll_send_eof(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>>;

    /// Sends everything, then the end, drops what has arrived and was not received, and releases the transport.
    ///
    /// Does not wait for the peer, but for a protocol that cannot close without it. Idempotent; afterwards every
    /// operation says `Closed`.
    ///
    /// # Errors
    ///
    /// An error means "not in order", never "not closed": the stream is closed whatever this returns. A transport that
    /// had broken before is closed without an error.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>>;
}

/// A stream of bytes in both directions. Implemented for whatever receives and sends.
///
/// **The contract**, the same for every stream there is: a socket, one half of it, TLS, a buffered stream, one in memory:
///
/// | state | a receive says | a send says |
/// |---|---|---|
/// | open | at least one byte | how many bytes it took |
/// | the peer finished (TCP's FIN, TLS's close_notify) | `EndOfStream`, and again on every later call | goes on: half-close |
/// | we called `send_eof` | goes on | `Closed`; a second `send_eof` succeeds |
/// | the transport failed | what had arrived first, then `Broken`, and again on every later call | `Broken`, again and again |
/// | we closed it, also from another task | `Closed` | `Closed`, even for an empty send |
///
/// **The order of checks is the same everywhere**: `Closed`, then errors in the arguments (`EmptyBuffer`), then the
/// transport; on an end or an error `Closed`, then `Broken`, then `EndOfStream`. Broken is remembered across directions
/// and halves: after a reset was seen by a send, a receive never reports a clean end, for a truncated transfer must not
/// look whole. A clean end that was already *reported* stays `EndOfStream`.
///
/// ```
/// use anynet_core::{ByteStream, ByteReceiveStreamExt, ByteSendStreamExt, ReceiveError, Result};
///
/// async fn echo(mut stream: impl ByteStream) -> Result<()> {
///     let mut buf = [0; 4096];
///     loop {
///         match stream.receive(&mut buf).await {
///             Ok(n) => stream.send(&buf[..n]).await?,
///             Err(ReceiveError::EndOfStream) => break Ok(stream.send_eof().await?),
///             Err(error) => break Err(error.into()),
///         }
///     }
/// }
/// ```
pub trait ByteStream: ByteReceiveStream + ByteSendStream {}

impl<S: ByteReceiveStream + ByteSendStream + ?Sized> ByteStream for S {}
