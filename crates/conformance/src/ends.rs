//! The ends of a stream, as the generic cases see them.

use std::fmt;

use std::num::NonZeroUsize;
use std::task::{Context, Poll, Waker};

use anynet_core::{Attributes, BoxStream, ByteReceiveStream, ByteSendStream, ReceiveError, Request, Runtime};
use anynet_sockets::TcpReceiveHalf;

/// The end of a stream that bytes go into.
pub type SendEnd = Box<dyn ByteSendStream + Send>;

/// The end of a stream that bytes come out of, and how it is closed: the contract of a receive stream has no close.
pub struct ReceiveEnd(Box<dyn CloseReceive + Send>);

impl ReceiveEnd {
    /// The receiving end of a whole stream; closing it closes the stream.
    pub fn whole(stream: BoxStream) -> Self {
        Self(Box::new(stream))
    }

    /// The receiving half of a TCP stream.
    pub fn half<R: Runtime>(half: TcpReceiveHalf<R>) -> Self {
        Self(Box::new(half))
    }

    /// Closes it.
    pub fn close(&mut self) {
        self.0.close();
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

trait CloseReceive: ByteReceiveStream {
    fn close(&mut self);
}

impl CloseReceive for BoxStream {
    fn close(&mut self) {
        // One poll: a close that is given up has closed all the same.
        let _ = self.poll_close(&mut Context::from_waker(Waker::noop()));
    }
}

impl<R: Runtime> CloseReceive for TcpReceiveHalf<R> {
    fn close(&mut self) {
        TcpReceiveHalf::close(self);
    }
}
