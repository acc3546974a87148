//! The two directions of an end, each on its own.

use std::error::Error;
use std::fmt;
use std::io::IoSlice;
use std::mem;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll};

use anynet_core::{
    Attributes, ByteReceiveStream, ByteSendStream, ReceiveError, Request, SendError, byte_receive_methods,
    byte_send_methods,
};

use super::side::{Receiver, Sender};
use super::{Hold, MemoryStream, Shared};

/// The receiving half of a [`MemoryStream`], from [`into_split`](MemoryStream::into_split).
///
/// Dropping it does nothing to the other half; the connection is closed when both are gone.
pub struct MemoryReceiveHalf {
    receiver: Receiver,
    half: Half,
}

/// The sending half of a [`MemoryStream`], from [`into_split`](MemoryStream::into_split).
///
/// Dropping it sends the end, for the peer would wait for it for ever; the connection is closed when both halves are gone.
pub struct MemorySendHalf {
    sender: Sender,
    half: Half,
}

/// What both halves have.
struct Half {
    shared: Arc<Shared>,
    /// `None` once this half was closed.
    hold: Option<Arc<Hold>>,
}

impl Half {
    fn new(hold: Arc<Hold>) -> Self {
        Self {
            shared: hold.0.clone(),
            hold: Some(hold),
        }
    }

    /// Closes this half; the connection too, in order, if it was the last.
    fn close(&mut self) {
        if let Some(Hold(shared)) = &self.hold.take().and_then(Arc::into_inner) {
            shared.leave(|_| false);
        }
    }

    fn open(&self) -> Option<&Shared> {
        self.hold.as_ref().map(|hold| &*hold.0)
    }
}

impl MemoryReceiveHalf {
    pub(super) fn new(receiver: Receiver, hold: Arc<Hold>) -> Self {
        Self {
            receiver,
            half: Half::new(hold),
        }
    }

    byte_receive_methods!();

    /// Closes this half: from now on it says `Closed`. The other half goes on.
    pub fn close(&mut self) {
        self.half.close();
    }

    /// Joins the two halves of one stream again.
    ///
    /// # Errors
    ///
    /// If they are halves of different streams, or one of them was closed. Both come back with the error.
    pub fn reunite(mut self, mut send: MemorySendHalf) -> Result<MemoryStream, MemoryReuniteError> {
        match (self.half.hold.take(), send.half.hold.take()) {
            (Some(hold), Some(other)) if Arc::ptr_eq(&hold, &other) && !hold.0.latch.is_closed() => {
                Ok(MemoryStream {
                    hold,
                    receiver: self.receiver,
                    sender: mem::replace(&mut send.sender, Sender::new()),
                })
            }
            (hold, other) => {
                (self.half.hold, send.half.hold) = (hold, other);
                Err(MemoryReuniteError { receive: self, send })
            }
        }
    }
}

impl ByteReceiveStream for MemoryReceiveHalf {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        match self.half.open() {
            Some(shared) => self.receiver.poll_receive(shared, cx, buf),
            None => Poll::Ready(Err(ReceiveError::Closed)),
        }
    }
}

impl MemorySendHalf {
    pub(super) fn new(sender: Sender, hold: Arc<Hold>) -> Self {
        Self {
            sender,
            half: Half::new(hold),
        }
    }

    byte_send_methods!();
}

impl ByteSendStream for MemorySendHalf {
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        match self.half.open() {
            Some(shared) => self.sender.poll_send(shared, cx, bufs),
            None => Poll::Ready(Err(SendError::Closed)),
        }
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match self.half.open() {
            Some(shared) => self.sender.poll_send_ready(shared, cx),
            None => Poll::Ready(Err(SendError::Closed)),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match self.half.open() {
            Some(shared) => self.sender.poll_flush(shared, cx),
            None => Poll::Ready(Err(SendError::Closed)),
        }
    }

    fn poll_send_eof(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(match self.half.open() {
            Some(shared) => self.sender.send_eof(shared),
            None => Err(SendError::Closed),
        })
    }

    /// Sends the end and closes this half. The other half goes on.
    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.end();
        self.half.close();
        Poll::Ready(Ok(()))
    }
}

impl MemorySendHalf {
    fn end(&mut self) {
        if let Some(shared) = self.half.open() {
            // There is nobody to tell of a failure: a connection that is gone needs no end.
            let _ = self.sender.send_eof(shared);
        }
    }
}

impl Drop for MemorySendHalf {
    fn drop(&mut self) {
        self.end();
    }
}

macro_rules! half {
    ($half:ident) => {
        impl Attributes for $half {
            fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
                self.half.shared.facts(request);
            }
        }

        impl fmt::Debug for $half {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.half.shared.debug(stringify!($half), f)
            }
        }
    };
}

half!(MemoryReceiveHalf);
half!(MemorySendHalf);

/// Two halves that do not belong together, given back.
#[derive(Debug)]
#[non_exhaustive]
pub struct MemoryReuniteError {
    /// The receiving half.
    pub receive: MemoryReceiveHalf,
    /// The sending half.
    pub send: MemorySendHalf,
}

impl fmt::Display for MemoryReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves do not belong to one open stream")
    }
}

impl Error for MemoryReuniteError {}
