//! A byte stream piece by piece.

use std::fmt;

use crate::future::Receive;
use crate::{ByteReceiveStream, ReceiveError};

/// The bytes of a stream, in the pieces in which they arrive: what
/// [`chunks`](crate::ByteReceiveStreamExt::chunks) returns.
///
/// ```
/// # use anynet_core::{ByteReceiveStream, ByteReceiveStreamExt, Result};
/// async fn length<S: ByteReceiveStream>(stream: &mut S) -> Result<usize> {
///     let (mut chunks, mut length) = (stream.chunks(64 << 10), 0);
///     while let Some(chunk) = chunks.next().await {
///         length += chunk?.len();
///     }
///     Ok(length)
/// }
/// ```
///
/// With the feature `futures-core` it is a `futures_core::Stream` too, of a `Vec` for each piece.
pub struct Chunks<'a, S: ?Sized> {
    stream: &'a mut S,
    buf: Vec<u8>,
    ended: bool,
}

impl<'a, S: ByteReceiveStream + ?Sized> Chunks<'a, S> {
    /// The bytes of `stream`, at most `size` at once.
    pub fn new(stream: &'a mut S, size: usize) -> Self {
        Self {
            stream,
            buf: vec![0; size],
            ended: false,
        }
    }

    /// Waits for the next piece, which is there until the next call. `None` after the end of the stream, and after an error
    /// that is final.
    ///
    /// Cancel-safe: dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`], but for `EndOfStream`.
    pub async fn next(&mut self) -> Option<Result<&[u8], ReceiveError>> {
        if self.ended {
            return None;
        }
        match Receive::new(self.stream, &mut self.buf).await {
            Ok(n) => Some(Ok(&self.buf[..n])),
            Err(error) => self.ended_by(error).map(Err),
        }
    }

    /// What to say of an error: nothing, if it is the end.
    fn ended_by(&mut self, error: ReceiveError) -> Option<ReceiveError> {
        self.ended = !matches!(error, ReceiveError::Exhausted(_));
        Some(error).filter(|error| !matches!(error, ReceiveError::EndOfStream))
    }
}

#[cfg(feature = "futures-core")]
mod stream {
    use std::num::NonZeroUsize;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use super::{ByteReceiveStream, Chunks, ReceiveError};

    impl<S: ByteReceiveStream + ?Sized> futures_core::Stream for Chunks<'_, S> {
        type Item = Result<Vec<u8>, ReceiveError>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            if self.ended {
                return Poll::Ready(None);
            }
            let Self { stream, buf, .. } = &mut *self;
            let received = ready!(stream.poll_receive(cx, buf)).map(NonZeroUsize::get);
            Poll::Ready(match received {
                Ok(n) => Some(Ok(buf[..n].to_vec())),
                Err(error) => self.ended_by(error).map(Err),
            })
        }
    }

    impl<S: ByteReceiveStream + ?Sized> futures_core::FusedStream for Chunks<'_, S> {
        fn is_terminated(&self) -> bool {
            self.ended
        }
    }
}

impl<S: ?Sized> fmt::Debug for Chunks<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks")
            .field("size", &self.buf.len())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
