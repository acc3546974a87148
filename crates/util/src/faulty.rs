//! Streams that misbehave by a script.

#[cfg(test)]
mod tests;

use std::io::{ErrorKind, IoSlice};
use std::num::NonZeroUsize;
use std::task::{Context, Poll, ready};

use anynet_core::{
    Attributes, ByteReceiveStream, ByteSendStream, Latch, ReceiveError, Request, SendError,
    byte_receive_methods, byte_send_methods,
};

/// A stream that does what streams may do and seldom do in a test, by a script: the same in every run.
///
/// Without a script it is the stream inside. Whatever it does keeps the contract, but for
/// [`send_nothing_at`](Self::send_nothing_at). Only this end is told of a fault: for the peer it is a stream that is used, and
/// dropped, as it is.
///
/// ```
/// use anynet_core::{ByteSendStream, ByteSendStreamExt, SendError};
/// use anynet_util::{Faulty, MemoryStream};
///
/// /// What is to be tested: its frames must survive partial writes.
/// async fn send_frame(stream: &mut impl ByteSendStream, text: &str) -> Result<(), SendError> {
///     stream.send(&[text.len() as u8]).await?;
///     stream.send(text.as_bytes()).await
/// }
///
/// # futures_lite::future::block_on(async {
/// let (left, mut right) = MemoryStream::pair(1024);
/// let mut left = Faulty::new(left).pieces(3, 2).waits().reset_after_sending(8);
/// send_frame(&mut left, "hello").await?;
/// let mut frame = [0; 6];
/// right.receive_exactly(&mut frame).await?;
/// assert_eq!(&frame, b"\x05hello");
/// assert!(matches!(send_frame(&mut left, "world").await, Err(SendError::Broken(_))));
/// # Ok::<_, anynet_core::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Faulty<S> {
    stream: S,
    latch: Latch,
    receiving: Side,
    sending: Side,
    /// How long pieces are at most, and the state of the numbers that look random.
    pieces: Option<(NonZeroUsize, u64)>,
    sends_nothing_at: Option<u64>,
    waits: bool,
    flush_waits: u32,
    flush_waited: u32,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    moved: u64,
    fault: Option<(u64, Fault)>,
    /// Whether the operation has waited, and goes on with the next poll.
    has_waited: bool,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Reset,
    End,
}

impl<S> Faulty<S> {
    /// `stream` as it is.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            latch: Latch::new(),
            receiving: Side::default(),
            sending: Side::default(),
            pieces: None,
            sends_nothing_at: None,
            waits: false,
            flush_waits: 0,
            flush_waited: 0,
        }
    }

    /// Every receive and every send moves at most `most` bytes (at least one), mostly fewer: by numbers that look random,
    /// and are the same for the same `seed`. A `most` of one moves single bytes.
    #[must_use]
    pub fn pieces(mut self, seed: u64, most: usize) -> Self {
        self.pieces = Some((NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN), seed));
        self
    }

    /// Every receive and every send is pending once, having woken its task, before it is tried.
    #[must_use]
    pub fn waits(mut self) -> Self {
        self.waits = true;
        self
    }

    /// Every flush is pending so many times, having woken its task, before it is tried.
    #[must_use]
    pub fn flush_waits(mut self, times: u32) -> Self {
        self.flush_waits = times;
        self
    }

    /// The connection breaks with [`ConnectionReset`](ErrorKind::ConnectionReset) once `bytes` were received.
    #[must_use]
    pub fn reset_after_receiving(mut self, bytes: u64) -> Self {
        self.receiving.fault = Some((bytes, Fault::Reset));
        self
    }

    /// The stream ends in order once `bytes` were received, whatever else would have come.
    #[must_use]
    pub fn end_after_receiving(mut self, bytes: u64) -> Self {
        self.receiving.fault = Some((bytes, Fault::End));
        self
    }

    /// The connection breaks with [`ConnectionReset`](ErrorKind::ConnectionReset) once `bytes` were sent.
    #[must_use]
    pub fn reset_after_sending(mut self, bytes: u64) -> Self {
        self.sending.fault = Some((bytes, Fault::Reset));
        self
    }

    /// The send that begins after `bytes` takes none of its bytes, and says so: a breach of the contract, by which a
    /// wrapper must neither spin nor panic. Once.
    #[must_use]
    pub fn send_nothing_at(mut self, bytes: u64) -> Self {
        self.sends_nothing_at = Some(bytes);
        self
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream inside; what is received or sent there is not counted.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// The stream inside.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// How many bytes may be moved now: some of those that are left to the fault.
    ///
    /// # Errors
    ///
    /// The fault, once it is there.
    fn piece(&mut self, side: fn(&Self) -> &Side) -> Result<usize, Fault> {
        let Side { moved, fault, .. } = side(self);
        let left = match fault {
            Some((at, fault)) if moved >= at => return Err(*fault),
            Some((at, _)) => usize::try_from(at - moved).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        let Some((most, state)) = &mut self.pieces else {
            return Ok(left);
        };
        // splitmix64: every seed will do.
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let piece = (mixed ^ (mixed >> 27)) % most.get() as u64 + 1;
        Ok(left.min(usize::try_from(piece).unwrap_or(usize::MAX)))
    }
}

impl Side {
    /// Waits once before each try, if it has to.
    fn poll_wait(&mut self, waits: bool, cx: &Context<'_>) -> Poll<()> {
        self.has_waited = waits && !self.has_waited;
        if self.has_waited {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl<S: ByteReceiveStream> Faulty<S> {
    byte_receive_methods!();
}

impl<S: ByteSendStream> Faulty<S> {
    byte_send_methods!();

    /// Whether the stream inside still takes something, and the connection holds.
    fn poll_sound(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.stream.poll_send(cx, &[]))?;
        let broken = self.latch.broken().map(SendError::Broken);
        Poll::Ready(broken.map_or(Ok(()), Err))
    }
}

impl<S: Attributes> Attributes for Faulty<S> {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.stream.attributes(request);
    }
}

impl<S: ByteReceiveStream> ByteReceiveStream for Faulty<S> {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        // A receive into nothing asks for the state alone.
        match ready!(self.stream.poll_receive(cx, &mut [])) {
            Err(ReceiveError::EmptyBuffer) if !buf.is_empty() => {}
            told => return Poll::Ready(told),
        }
        ready!(self.receiving.poll_wait(self.waits, cx));
        let piece = match self.piece(|it| &it.receiving) {
            Ok(piece) => piece.min(buf.len()),
            Err(Fault::End) => return Poll::Ready(Err(ReceiveError::EndOfStream)),
            Err(Fault::Reset) => {
                let cause = self.latch.break_with(ErrorKind::ConnectionReset.into());
                return Poll::Ready(Err(ReceiveError::Broken(cause)));
            }
        };
        // After a reset that a send has met, nothing looks like an end in order.
        let received = match (
            ready!(self.stream.poll_receive(cx, &mut buf[..piece])),
            self.latch.broken(),
        ) {
            (Err(ReceiveError::EndOfStream), Some(cause)) => Err(ReceiveError::Broken(cause)),
            (received, _) => received,
        };
        if let Ok(n) = received {
            self.receiving.moved += n.get() as u64;
        }
        Poll::Ready(received)
    }
}

impl<S: ByteSendStream> ByteSendStream for Faulty<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        ready!(self.poll_sound(cx))?;
        let Some(data) = bufs.iter().find(|buf| !buf.is_empty()) else {
            return Poll::Ready(Ok(0));
        };
        ready!(self.sending.poll_wait(self.waits, cx));
        let Ok(piece) = self.piece(|it| &it.sending) else {
            let cause = self.latch.break_with(ErrorKind::ConnectionReset.into());
            return Poll::Ready(Err(SendError::Broken(cause)));
        };
        if self
            .sends_nothing_at
            .take_if(|at| self.sending.moved >= *at)
            .is_some()
        {
            return Poll::Ready(Ok(0));
        }
        let sent = match piece {
            usize::MAX => ready!(self.stream.poll_send(cx, bufs)),
            _ => {
                let piece = &data[..piece.min(data.len())];
                ready!(self.stream.poll_send(cx, &[IoSlice::new(piece)]))
            }
        };
        if let Ok(n) = sent {
            self.sending.moved += n as u64;
        }
        Poll::Ready(sent)
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_sound(cx))?;
        self.stream.poll_send_ready(cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.flush_waited < self.flush_waits {
            self.flush_waited += 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let flushed = ready!(self.stream.poll_flush(cx));
        self.flush_waited = 0;
        Poll::Ready(flushed)
    }

    fn poll_send_eof(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if let Some(cause) = self.latch.broken() {
            // A stream that was closed says so first.
            return match ready!(self.stream.poll_flush(cx)) {
                Err(SendError::Closed) => Poll::Ready(Err(SendError::Closed)),
                _ => Poll::Ready(Err(SendError::Broken(cause))),
            };
        }
        self.stream.poll_send_eof(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.stream.poll_close(cx)
    }
}
