//! The futures of the streams' methods, by name.
//!
//! Named, so that each is [`Send`](std::marker::Send) exactly when its stream is, can be kept in a struct, and can tell
//! how far it got when it is polled by `&mut`:
//!
//! ```
//! # use anynet_core::{ByteSendStream, ByteSendStreamExt};
//! # use std::future::{Future, poll_fn};
//! # use std::pin::Pin;
//! # use std::task::Poll;
//! # async fn example(stream: &mut impl ByteSendStream, data: &[u8]) {
//! let mut send = stream.send(data);
//! // One poll, and whatever it takes at once.
//! let _ = poll_fn(|cx| Poll::Ready(Pin::new(&mut send).poll(cx).is_ready())).await;
//! println!("{} of {} bytes went out", send.sent(), data.len());
//! # }
//! ```

use std::io::{self, IoSlice};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::{ByteReceiveStream, ByteSendStream, ReceiveError, ReceiveExactlyError, SendError};

/// The future of [`receive`](crate::ByteReceiveStreamExt::receive).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Receive<'a, S: ?Sized> {
    stream: &'a mut S,
    buf: &'a mut [u8],
}

impl<'a, S: ByteReceiveStream + ?Sized> Receive<'a, S> {
    /// A receive from `stream` into `buf`.
    #[inline]
    pub fn new(stream: &'a mut S, buf: &'a mut [u8]) -> Self {
        Self { stream, buf }
    }
}

impl<S: ByteReceiveStream + ?Sized> Future for Receive<'_, S> {
    type Output = Result<usize, ReceiveError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, buf } = &mut *self;
        stream.poll_receive(cx, buf).map_ok(NonZeroUsize::get)
    }
}

/// The future of [`receive_exactly`](crate::ByteReceiveStreamExt::receive_exactly).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ReceiveExactly<'a, S: ?Sized> {
    stream: &'a mut S,
    buf: &'a mut [u8],
    received: usize,
}

impl<'a, S: ByteReceiveStream + ?Sized> ReceiveExactly<'a, S> {
    /// A receive from `stream` that fills `buf`.
    pub fn new(stream: &'a mut S, buf: &'a mut [u8]) -> Self {
        Self {
            stream,
            buf,
            received: 0,
        }
    }

    /// How many bytes are in the front of the buffer so far.
    pub fn received(&self) -> usize {
        self.received
    }
}

impl<S: ByteReceiveStream + ?Sized> Future for ReceiveExactly<'_, S> {
    type Output = Result<(), ReceiveExactlyError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            stream,
            buf,
            received,
        } = &mut *self;
        while *received < buf.len() {
            match ready!(stream.poll_receive(cx, &mut buf[*received..])) {
                Ok(n) => *received += n.get(),
                Err(reason) => return Poll::Ready(Err(ReceiveExactlyError::new(*received, reason))),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The future of [`send`](crate::ByteSendStreamExt::send).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Send<'a, S: ?Sized> {
    stream: &'a mut S,
    data: &'a [u8],
    sent: usize,
    /// Everything was taken: a stream that breaks now has done so for a later send, unless the flush says otherwise.
    is_taken: bool,
}

impl<'a, S: ByteSendStream + ?Sized> Send<'a, S> {
    /// A send of all of `data` to `stream`.
    #[inline]
    pub fn new(stream: &'a mut S, data: &'a [u8]) -> Self {
        Self {
            stream,
            data,
            sent: 0,
            is_taken: false,
        }
    }

    /// How many bytes the stream has taken so far.
    pub fn sent(&self) -> usize {
        self.sent
    }
}

impl<S: ByteSendStream + ?Sized> Future for Send<'_, S> {
    type Output = Result<(), SendError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            stream,
            data,
            sent,
            is_taken,
        } = &mut *self;
        // At least one poll, also for empty data: it checks the state.
        while !*is_taken {
            let rest = &data[*sent..];
            let n = ready!(stream.poll_send(cx, &[IoSlice::new(rest)]))?;
            if n == rest.len() {
                (*sent, *is_taken) = (data.len(), true);
            } else {
                *sent += progress(n, rest.len())?;
            }
        }
        stream.poll_flush(cx)
    }
}

/// The future of [`send_some`](crate::ByteSendStreamExt::send_some).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct SendSome<'a, S: ?Sized> {
    stream: &'a mut S,
    data: &'a [u8],
}

impl<'a, S: ByteSendStream + ?Sized> SendSome<'a, S> {
    /// A send of some of `data` to `stream`.
    pub fn new(stream: &'a mut S, data: &'a [u8]) -> Self {
        Self { stream, data }
    }
}

impl<S: ByteSendStream + ?Sized> Future for SendSome<'_, S> {
    type Output = Result<usize, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let data = self.data;
        let n = ready!(self.stream.poll_send(cx, &[IoSlice::new(data)]))?;
        Poll::Ready(progress(n, data.len()))
    }
}

/// The future of [`send_vectored`](crate::ByteSendStreamExt::send_vectored).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct SendVectored<'a, 'b, S: ?Sized> {
    stream: &'a mut S,
    rest: &'a mut [IoSlice<'b>],
    left: usize,
    sent: usize,
    polled: bool,
}

impl<'a, 'b, S: ByteSendStream + ?Sized> SendVectored<'a, 'b, S> {
    /// A send of all of `bufs` to `stream`.
    pub fn new(stream: &'a mut S, bufs: &'a mut [IoSlice<'b>]) -> Self {
        Self {
            stream,
            left: bufs
                .iter()
                .fold(0, |sum: usize, buf| sum.saturating_add(buf.len())),
            rest: bufs,
            sent: 0,
            polled: false,
        }
    }

    /// How many bytes the stream has taken so far.
    pub fn sent(&self) -> usize {
        self.sent
    }
}

impl<S: ByteSendStream + ?Sized> Future for SendVectored<'_, '_, S> {
    type Output = Result<(), SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self {
            stream,
            rest,
            left,
            sent,
            polled,
        } = &mut *self;
        IoSlice::advance_slices(rest, 0); // empty slices in front would look like the end
        while !rest.is_empty() || !*polled {
            let n = ready!(stream.poll_send(cx, rest))?;
            *polled = true;
            *sent += progress(n, *left)?;
            *left -= n;
            IoSlice::advance_slices(rest, n);
        }
        stream.poll_flush(cx)
    }
}

/// Checks what a stream claims to have taken, so that no stream can make its users spin or panic.
#[inline]
fn progress(taken: usize, wanted: usize) -> Result<usize, SendError> {
    if (taken == 0 && wanted != 0) || taken > wanted {
        return Err(no_progress(taken, wanted));
    }
    Ok(taken)
}

#[cold]
fn no_progress(taken: usize, wanted: usize) -> SendError {
    let message = format!("a send stream took {taken} of {wanted} bytes");
    SendError::Broken(io::Error::new(io::ErrorKind::WriteZero, message).into())
}

macro_rules! plain_send_futures {
    ($($(#[$doc:meta])* $name:ident => $poll:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "futures do nothing unless awaited"]
        pub struct $name<'a, S: ?Sized>(&'a mut S);

        impl<'a, S: ByteSendStream + ?Sized> $name<'a, S> {
            /// The operation on `stream`.
            pub fn new(stream: &'a mut S) -> Self {
                Self(stream)
            }
        }

        impl<S: ByteSendStream + ?Sized> Future for $name<'_, S> {
            type Output = Result<(), SendError>;

            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                self.0.$poll(cx)
            }
        }
    )*};
}

plain_send_futures! {
    /// The future of [`send_ready`](crate::ByteSendStreamExt::send_ready).
    SendReady => poll_send_ready,
    /// The future of [`flush`](crate::ByteSendStreamExt::flush).
    Flush => poll_flush,
    /// The future of [`send_eof`](crate::ByteSendStreamExt::send_eof).
    SendEof => poll_send_eof,
    /// The future of [`close`](crate::ByteSendStreamExt::close).
    Close => poll_close,
}
