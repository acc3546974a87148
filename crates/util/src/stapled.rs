//! One stream made of two: one that receives and one that sends.

use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use anynet_core::{
    Attributes, AttributesExt, ByteReceiveStream, ByteSendStream, Close, Closer, Direction, ReceiveError,
    Request, SendError, byte_receive_methods, byte_send_methods,
};

use crate::latch::WakingLatch;

/// A [`ByteStream`](anynet_core::ByteStream) of a receive stream and a send stream, of any kinds: two pipes, the two
/// connections of a protocol that has one for each direction, the halves of a stream whose one half was wrapped.
///
/// * A receive asks the receive stream; everything else asks the send stream, `send_eof` too.
/// * It is **one** stream, with the [contract](anynet_core::ByteStream) of one: where either part breaks, both directions
///   are `Broken`, so that the receive stream's end does not make a broken exchange look whole; who waits in the other one is
///   woken.
/// * **Closing** drops the receive stream, as a receive stream is closed, and closes the send stream: both, whatever either
///   says of it.
/// * **Attributes** are those of the send stream, then those of the receive stream, which are gone once it is closed. A
///   [`Closer`] is there if both have one, and closes both.
///
/// ```
/// use anynet_core::ByteStream;
/// use anynet_util::{MemoryStream, Stapled};
///
/// # futures_lite::future::block_on(async {
/// // One connection for each direction.
/// let (mut questions, asked) = MemoryStream::pair(1024);
/// let (answering, mut answers) = MemoryStream::pair(1024);
///
/// let mut server = Stapled::new(asked, answering);
/// questions.send(b"?").await?;
/// server.receive(&mut [0; 8]).await?;
/// server.send(b"!").await?;
/// assert_eq!(answers.receive(&mut [0; 8]).await?, 1);
/// # fn one_stream(_: impl ByteStream) {}
/// # one_stream(server);
/// # Ok::<_, anynet_core::Error>(()) }).unwrap();
/// ```
pub struct Stapled<R, S> {
    /// `None` once closed.
    receive: Option<R>,
    send: S,
    latch: WakingLatch,
    /// Whether the end was received, and was sent: from then on that is the answer.
    at_end: bool,
    finished: bool,
    closers: OnceLock<Arc<Closers>>,
}

/// What closes both parts. The owner of what a [`Closer`] points to.
struct Closers {
    receive: Closer,
    send: Closer,
}

impl<R, S> Stapled<R, S> {
    /// Receives from `receive`, and sends to `send`.
    pub fn new(receive: R, send: S) -> Self {
        Self {
            receive: Some(receive),
            send,
            latch: WakingLatch::new(),
            at_end: false,
            finished: false,
            closers: OnceLock::new(),
        }
    }

    /// The receive stream, unless it was closed, and the send stream.
    pub fn get_ref(&self) -> (Option<&R>, &S) {
        (self.receive.as_ref(), &self.send)
    }

    /// The receive stream, unless it was closed, and the send stream.
    pub fn get_mut(&mut self) -> (Option<&mut R>, &mut S) {
        (self.receive.as_mut(), &mut self.send)
    }

    /// The receive stream, unless it was closed, and the send stream.
    pub fn into_inner(self) -> (Option<R>, S) {
        (self.receive, self.send)
    }
}

impl<R: ByteReceiveStream, S: Attributes> Stapled<R, S> {
    byte_receive_methods!();
}

impl<R, S: ByteSendStream> Stapled<R, S> {
    /// Why the other part's failure refuses what would be sent. The send stream's own `Closed` comes first.
    fn poll_sound(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.latch.is_closed() {
            return Poll::Ready(Err(SendError::Closed));
        }
        let Some(cause) = self.latch.broken() else {
            return Poll::Ready(Ok(()));
        };
        // A send of nothing asks for the state alone.
        let told = ready!(self.send.poll_send(cx, &[]));
        Poll::Ready(match told {
            Err(SendError::Closed) => Err(SendError::Closed),
            _ => Err(SendError::Broken(cause)),
        })
    }

    /// What the send stream says, once it is known to both directions.
    fn noticed<T>(
        &mut self,
        cx: &Context<'_>,
        sent: Poll<Result<T, SendError>>,
    ) -> Poll<Result<T, SendError>> {
        if sent.is_pending() {
            self.latch.waits(Direction::Write, cx);
        }
        sent.map_err(|error| match error {
            SendError::Broken(cause) => SendError::Broken(self.latch.break_with(cause)),
            other => other,
        })
    }
}

impl<R: Attributes, S: ByteSendStream> Stapled<R, S> {
    byte_send_methods!();
}

impl<R: Attributes, S: Attributes> Stapled<R, S> {
    /// A closer of both parts, if both have one.
    fn closer(&self) -> io::Result<Closer> {
        let closers = match self.closers.get() {
            Some(closers) => closers,
            None => {
                let receive = self.receive.as_ref().and_then(AttributesExt::attribute);
                let (Some(receive), Some(send)) = (receive, self.send.attribute()) else {
                    // That of one part would not do what a closer promises.
                    return Err(ErrorKind::Unsupported.into());
                };
                self.closers.get_or_init(|| Arc::new(Closers { receive, send }))
            }
        };
        let closers: Arc<dyn Close> = closers.clone();
        Ok(Closer::new(Arc::downgrade(&closers)))
    }
}

impl Close for Closers {
    fn close(self: Arc<Self>) {
        self.receive.close();
        self.send.close();
    }

    fn abort(self: Arc<Self>) {
        self.receive.abort();
        self.send.abort();
    }
}

impl<R: Attributes, S: Attributes> Attributes for Stapled<R, S> {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        request.try_provide(|| self.closer());
        // In this order, for the send stream is there to the last.
        self.send.attributes(request);
        if let Some(receive) = &self.receive {
            receive.attributes(request);
        }
    }
}

impl<R: ByteReceiveStream, S: Attributes> ByteReceiveStream for Stapled<R, S> {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        let Some(receive) = &mut self.receive else {
            return Poll::Ready(Err(ReceiveError::Closed));
        };
        let is_told = self.latch.is_told();
        // After that the receive stream is asked for its state alone.
        let received = match is_told {
            true => receive.poll_receive(cx, &mut []),
            false => receive.poll_receive(cx, buf),
        };
        let told = match (received, self.latch.broken()) {
            (Poll::Ready(Err(ReceiveError::EmptyBuffer)), Some(cause)) if is_told && !buf.is_empty() => {
                Err(ReceiveError::Broken(cause))
            }
            // What had arrived comes first, and nothing else comes any more.
            (Poll::Pending, Some(_)) if self.latch.asks_again(cx) => return Poll::Pending,
            (Poll::Pending | Poll::Ready(Err(ReceiveError::EndOfStream)), Some(cause)) if !self.at_end => {
                Err(ReceiveError::Broken(cause))
            }
            (Poll::Ready(Ok(n)), _) => {
                self.latch.heard();
                Ok(n)
            }
            (Poll::Pending, _) => {
                self.latch.waits(Direction::Read, cx);
                return Poll::Pending;
            }
            (Poll::Ready(Err(ReceiveError::Broken(cause))), _) => {
                Err(ReceiveError::Broken(self.latch.break_with(cause)))
            }
            (Poll::Ready(told), _) => told,
        };
        self.at_end |= matches!(told, Err(ReceiveError::EndOfStream));
        Poll::Ready(told)
    }
}

impl<R: Attributes, S: ByteSendStream> ByteSendStream for Stapled<R, S> {
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        ready!(self.poll_sound(cx))?;
        let sent = self.send.poll_send(cx, bufs);
        self.noticed(cx, sent)
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ready!(self.poll_sound(cx))?;
        let is_ready = self.send.poll_send_ready(cx);
        self.noticed(cx, is_ready)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if self.latch.is_closed() {
            return Poll::Ready(Err(SendError::Closed));
        }
        let flushed = self.send.poll_flush(cx);
        self.noticed(cx, flushed)
    }

    fn poll_send_eof(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if !self.finished {
            ready!(self.poll_sound(cx))?;
        } else if self.latch.is_closed() {
            return Poll::Ready(Err(SendError::Closed));
        }
        let ended = self.send.poll_send_eof(cx);
        self.finished |= matches!(ended, Poll::Ready(Ok(())));
        self.noticed(cx, ended)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.latch.close();
        // First, for the close of the send stream may be given up.
        self.receive = None;
        self.send.poll_close(cx)
    }
}

impl<R: fmt::Debug, S: fmt::Debug> fmt::Debug for Stapled<R, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stapled")
            .field("receive", &self.receive)
            .field("send", &self.send)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;

    use super::*;
    use crate::latch::tests::flag;
    use crate::{Faulty, MemoryStream};

    #[test]
    fn its_parts_come_back_and_the_receive_stream_only_if_it_was_not_closed() {
        let ((receive, mut source), (send, mut sink)) = (MemoryStream::pair(8), MemoryStream::pair(8));
        let stapled = Stapled::new(receive, send);
        assert!(stapled.get_ref().0.is_some());
        let (receive, mut send) = stapled.into_inner();
        block_on(source.send(b"x")).unwrap();
        let mut receive = receive.expect("nobody closed it");
        assert_eq!(block_on(receive.receive(&mut [0; 8])).unwrap(), 1);
        block_on(send.send(b"x")).unwrap();
        assert_eq!(block_on(sink.receive(&mut [0; 8])).unwrap(), 1);

        let mut stapled = Stapled::new(receive, send);
        block_on(stapled.close()).unwrap();
        assert!(stapled.get_mut().0.is_none());
        assert!(stapled.into_inner().0.is_none());
    }

    #[test]
    fn a_close_that_waits_has_closed_at_its_first_poll() {
        let ((receive, mut source), (send, _sink)) = (MemoryStream::pair(8), MemoryStream::pair(8));
        let mut stapled = Stapled::new(receive, Slow(send));
        assert!(
            stapled
                .poll_close(&mut Context::from_waker(std::task::Waker::noop()))
                .is_pending()
        );
        block_on(source.send(b"x")).expect_err("the receive stream is gone");
        assert!(matches!(block_on(stapled.send(b"")), Err(SendError::Closed)));
        assert!(matches!(block_on(stapled.flush()), Err(SendError::Closed)));
    }

    #[test]
    fn what_one_direction_notices_wakes_who_waits_in_the_other() {
        let ((receive, source), (send, sink)) = (MemoryStream::pair(8), MemoryStream::pair(8));
        let mut stapled = Stapled::new(receive, send);
        drop(sink);
        let (flag, waker) = flag();
        let mut cx = Context::from_waker(&waker);
        assert!(stapled.poll_receive(&mut cx, &mut [0; 8]).is_pending());
        block_on(stapled.send(b"x")).unwrap_err();
        assert!(flag.is_woken());
        let told = block_on(stapled.receive(&mut [0; 8]));
        assert!(matches!(told, Err(ReceiveError::Broken(_))), "{told:?}");
        drop(source);

        let ((receive, source), (send, _sink)) = (MemoryStream::pair(8), MemoryStream::pair(8));
        let mut stapled = Stapled::new(receive, send);
        block_on(stapled.send(&[0; 8])).unwrap();
        let (flag, waker) = self::flag();
        let mut cx = Context::from_waker(&waker);
        let x = [IoSlice::new(b"x")];
        assert!(stapled.poll_send(&mut cx, &x).is_pending());
        source.closer().abort();
        block_on(stapled.receive(&mut [0; 8])).unwrap_err();
        assert!(flag.is_woken());
        let told = stapled.poll_send(&mut cx, &x);
        assert!(matches!(told, Poll::Ready(Err(SendError::Broken(_)))), "{told:?}");
    }

    #[test]
    fn what_had_arrived_comes_first_though_every_layer_lets_others_run() {
        let ((receive, mut source), (send, sink)) = (MemoryStream::pair(8), MemoryStream::pair(8));
        let receive = Faulty::new(Faulty::new(Faulty::new(receive).waits()).waits()).waits();
        let mut stapled = Stapled::new(receive, send);
        drop(sink);
        block_on(source.send(b"x")).unwrap();
        block_on(stapled.send(b"x")).unwrap_err();
        assert_eq!(block_on(stapled.receive(&mut [0; 8])).unwrap(), 1);
        let told = block_on(stapled.receive(&mut [0; 8]));
        assert!(matches!(told, Err(ReceiveError::Broken(_))), "{told:?}");
        block_on(source.send(b"late")).unwrap();
        let told = block_on(stapled.receive(&mut [0; 8]));
        assert!(matches!(told, Err(ReceiveError::Broken(_))), "{told:?}");
    }

    /// Never done with closing.
    struct Slow(MemoryStream);

    impl Attributes for Slow {
        fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
            self.0.attributes(request);
        }
    }

    impl ByteSendStream for Slow {
        fn poll_send(
            &mut self,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<Result<usize, SendError>> {
            self.0.poll_send(cx, bufs)
        }

        fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
            self.0.poll_send_ready(cx)
        }

        fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
            self.0.poll_flush(cx)
        }

        fn poll_send_eof(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
            self.0.poll_send_eof(cx)
        }

        fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
            Poll::Pending
        }
    }
}
