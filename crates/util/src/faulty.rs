//! Streams that misbehave by a script.

mod network;
mod pieces;
#[cfg(test)]
mod tests;

use std::io::{ErrorKind, IoSlice};
use std::num::NonZeroUsize;
use std::task::{Context, Poll, ready};

use anynet_core::{
    Attributes, ByteReceiveStream, ByteSendStream, Cause, Direction, ReceiveError, Request, SendError,
    byte_receive_methods, byte_send_methods,
};

pub use network::{FaultyListener, FaultyNetwork};

use crate::latch::WakingLatch;
use pieces::Pieces;

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
    latch: WakingLatch,
    receiving: Side,
    sending: Side,
    /// Whether the end was received, and was sent: from then on that is the answer.
    at_end: bool,
    finished: bool,
    sends_nothing_at: Option<u64>,
    waits: bool,
    flush_waits: u32,
    flush_waited: u32,
    /// What a close came to, once it has waited.
    closed: Option<Result<(), SendError>>,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    moved: u64,
    fault: Option<(u64, Fault)>,
    pieces: Option<Pieces>,
    /// The operations that have waited, and go on with their next poll: each for itself, for whoever waits for room and then
    /// sends polls two in turn.
    waited: [bool; 4],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Receive,
    Send,
    SendReady,
    SendEof,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Reset,
    End,
}

impl<S> Faulty<S> {
    /// `stream` as it is.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            latch: WakingLatch::new(),
            receiving: Side::default(),
            sending: Side::default(),
            at_end: false,
            finished: false,
            sends_nothing_at: None,
            waits: false,
            flush_waits: 0,
            flush_waited: 0,
            closed: None,
        }
    }

    /// Every receive and every send moves at most `most` bytes (at least one), mostly fewer: by numbers that look random,
    /// and are the same for the same `seed`, in each direction for itself. A `most` of one moves single bytes.
    #[must_use]
    pub fn pieces(mut self, seed: u64, most: usize) -> Self {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        self.receiving.pieces = Some(Pieces::new(most, seed));
        self.sending.pieces = Some(Pieces::new(most, !seed));
        self
    }

    /// Every operation is pending once, having woken its task, before it is tried; a close, which cannot be taken back, when
    /// it is done.
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

    /// The connection breaks with [`ConnectionReset`](ErrorKind::ConnectionReset) once `bytes` were received, for both
    /// directions.
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

    /// The connection breaks with [`ConnectionReset`](ErrorKind::ConnectionReset) once `bytes` were sent, for both
    /// directions: whoever waits for an answer is told, too. What has arrived by then is received first.
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

    /// Why the connection is broken, if it is: by a reset that has come to its byte.
    fn broken(&mut self) -> Option<Cause> {
        if self.receiving.fault() == Some(Fault::Reset) || self.sending.fault() == Some(Fault::Reset) {
            self.latch.break_with(ErrorKind::ConnectionReset.into());
        }
        self.latch.broken()
    }
}

impl Side {
    /// The fault, once it is there.
    fn fault(&self) -> Option<Fault> {
        let (at, fault) = self.fault?;
        (self.moved >= at).then_some(fault)
    }

    /// How many bytes may be moved now: a piece, of those that are left to the fault.
    fn room(&self) -> usize {
        let left = self
            .fault
            .map_or(u64::MAX, |(at, _)| at.saturating_sub(self.moved));
        let piece = self.pieces.as_ref().map_or(usize::MAX, Pieces::next);
        usize::try_from(left).unwrap_or(usize::MAX).min(piece)
    }

    /// Counts what was moved, and goes on to the next piece.
    fn moved(&mut self, bytes: usize) {
        self.moved += bytes as u64;
        if let Some(pieces) = &mut self.pieces {
            pieces.draw();
        }
    }

    /// Waits once before an operation is tried, if it has to; not before each try, for then two operations in one task
    /// would wake one another for ever.
    fn poll_wait(&mut self, operation: Operation, waits: bool, cx: &Context<'_>) -> Poll<()> {
        if !waits || std::mem::replace(&mut self.waited[operation as usize], true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// An operation is done: the next one of its kind waits anew.
    fn done<T>(&mut self, operation: Operation, result: T) -> Poll<T> {
        self.waited[operation as usize] = false;
        Poll::Ready(result)
    }
}

impl<S: ByteReceiveStream> Faulty<S> {
    byte_receive_methods!();
}

impl<S: ByteSendStream> Faulty<S> {
    byte_send_methods!();

    /// Remembers a send that waits.
    fn waited<T>(&mut self, cx: &Context<'_>, sent: Poll<T>) -> Poll<T> {
        if sent.is_pending() {
            self.latch.waits(Direction::Write, cx);
        }
        sent
    }

    /// Whether the stream inside still takes something, and the connection holds.
    fn poll_sound(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.stream.poll_send(cx, &[]))?;
        let broken = self.broken().map(SendError::Broken);
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
        ready!(self.receiving.poll_wait(Operation::Receive, self.waits, cx));
        if self.at_end {
            return self
                .receiving
                .done(Operation::Receive, Err(ReceiveError::EndOfStream));
        }
        let received = match (self.receiving.fault(), self.broken()) {
            (_, Some(cause)) if self.latch.is_told() => Err(ReceiveError::Broken(cause)),
            (Some(_), Some(cause)) => Err(ReceiveError::Broken(cause)),
            (Some(_), None) => Err(ReceiveError::EndOfStream),
            (None, broken) => {
                let room = self.receiving.room().min(buf.len());
                // After a reset nothing more arrives, and nothing looks like an end in order.
                match (self.stream.poll_receive(cx, &mut buf[..room]), broken) {
                    (Poll::Pending, Some(_)) if self.latch.asks_again(cx) => return Poll::Pending,
                    (Poll::Pending | Poll::Ready(Err(ReceiveError::EndOfStream)), Some(cause)) => {
                        Err(ReceiveError::Broken(cause))
                    }
                    (Poll::Pending, None) => {
                        self.latch.waits(Direction::Read, cx);
                        return Poll::Pending;
                    }
                    (Poll::Ready(received), _) => received,
                }
            }
        };
        match &received {
            Ok(n) => {
                self.latch.heard();
                self.receiving.moved(n.get());
                self.broken(); // which whoever waits for room hears now
            }
            Err(error) => self.at_end = matches!(error, ReceiveError::EndOfStream),
        }
        self.receiving.done(Operation::Receive, received)
    }
}

impl<S: ByteSendStream> ByteSendStream for Faulty<S> {
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        ready!(self.poll_sound(cx))?;
        let Some(data) = bufs.iter().find(|buf| !buf.is_empty()) else {
            return Poll::Ready(Ok(0));
        };
        ready!(self.sending.poll_wait(Operation::Send, self.waits, cx));
        if self
            .sends_nothing_at
            .take_if(|at| self.sending.moved >= *at)
            .is_some()
        {
            return self.sending.done(Operation::Send, Ok(0));
        }
        let sent = match self.sending.room() {
            usize::MAX => self.stream.poll_send(cx, bufs),
            room => {
                let piece = &data[..room.min(data.len())];
                self.stream.poll_send(cx, &[IoSlice::new(piece)])
            }
        };
        let sent = ready!(self.waited(cx, sent));
        if let Ok(n) = sent {
            self.sending.moved(n);
            self.broken(); // which whoever waits for an answer hears now
        }
        self.sending.done(Operation::Send, sent)
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_sound(cx))?;
        ready!(self.sending.poll_wait(Operation::SendReady, self.waits, cx));
        let is_ready = self.stream.poll_send_ready(cx);
        let is_ready = ready!(self.waited(cx, is_ready));
        self.sending.done(Operation::SendReady, is_ready)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.flush_waited < self.flush_waits.max(self.waits.into()) {
            self.flush_waited += 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let flushed = ready!(self.stream.poll_flush(cx));
        self.flush_waited = 0;
        Poll::Ready(flushed)
    }

    fn poll_send_eof(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.sending.poll_wait(Operation::SendEof, self.waits, cx));
        let ended = match self.broken() {
            // A second end is no send, and a stream that was closed says so first.
            Some(cause) if !self.finished => match ready!(self.stream.poll_send(cx, &[])) {
                Err(SendError::Closed) => Err(SendError::Closed),
                _ => Err(SendError::Broken(cause)),
            },
            _ => ready!(self.stream.poll_send_eof(cx)),
        };
        self.finished |= ended.is_ok();
        self.sending.done(Operation::SendEof, ended)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if let Some(closed) = self.closed.take() {
            return Poll::Ready(closed);
        }
        let closed = ready!(self.stream.poll_close(cx));
        if !self.waits {
            return Poll::Ready(closed);
        }
        self.closed = Some(closed);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
