//! The ends of a stream, as the generic cases see them.

use std::fmt;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::task::{Context, Poll};

use anynet_core::{
    Attributes, BoxStream, ByteReceiveStream, ByteSendStream, ReceiveError, Request, Runtime, SendError,
};
use anynet_sockets::{Kind, StreamReceiveHalf};
use anynet_util::MemoryReceiveHalf;

use crate::pipe::PipeEnd;

/// The end of a stream that bytes go into.
pub type SendEnd = Box<dyn ByteSendStream + Send>;

/// The end of a stream that bytes come out of, and how it is closed: the contract of a receive stream has no close.
pub struct ReceiveEnd(Box<dyn CloseReceive + Send>);

impl ReceiveEnd {
    /// The receiving end of a whole stream; closing it closes the stream.
    pub fn whole(stream: BoxStream) -> Self {
        Self(Box::new(stream))
    }

    /// The receiving half of a stream.
    pub fn half<R: Runtime, K: Kind>(half: StreamReceiveHalf<R, K>) -> Self {
        Self(Box::new(half))
    }

    /// The receiving half of a stream in memory.
    pub fn memory_half(half: MemoryReceiveHalf) -> Self {
        Self(Box::new(half))
    }

    /// The end of a pipe.
    pub(crate) fn pipe(end: PipeEnd) -> Self {
        Self(Box::new(end))
    }

    /// Closes it, as [`ByteSendStream::poll_close`] closes a stream.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn close(&mut self) -> Result<(), SendError> {
        poll_fn(|cx| self.0.poll_close(cx)).await
    }
}

impl fmt::Debug for ReceiveEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveEnd").finish_non_exhaustive()
    }
}

impl Attributes for ReceiveEnd {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.0.attributes(request);
    }
}

impl ByteReceiveStream for ReceiveEnd {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        self.0.poll_receive(cx, buf)
    }
}

/// A receiving end, and how it is closed.
pub(crate) trait CloseReceive: ByteReceiveStream {
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>>;
}

impl CloseReceive for BoxStream {
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        ByteSendStream::poll_close(self, cx)
    }
}

impl CloseReceive for MemoryReceiveHalf {
    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        MemoryReceiveHalf::close(self);
        Poll::Ready(Ok(()))
    }
}

impl<R: Runtime, K: Kind> CloseReceive for StreamReceiveHalf<R, K> {
    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        StreamReceiveHalf::close(self);
        Poll::Ready(Ok(()))
    }
}
