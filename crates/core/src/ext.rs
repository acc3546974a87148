//! The methods that users call on streams.
//!
//! Concrete types have them as inherent methods, by [`byte_receive_methods!`] and [`byte_send_methods!`], so that plain
//! code needs no import; generic code gets the same ones from the two traits here.
//!
//! [`byte_receive_methods!`]: crate::byte_receive_methods
//! [`byte_send_methods!`]: crate::byte_send_methods

mod chunks;
pub mod future;

use std::io::IoSlice;

pub use chunks::Chunks;

use crate::{ByteReceiveStream, ByteSendStream};
use future::{Close, Flush, Receive, ReceiveExactly, Send, SendEof, SendReady, SendSome, SendVectored};

/// Writes the methods of [`ByteReceiveStreamExt`] as inherent ones, inside an `impl` block of a receive stream.
#[macro_export]
macro_rules! byte_receive_methods {
    () => {
        /// Receives between 1 and `buf.len()` bytes into the front of `buf`, and says how many.
        ///
        /// Cancel-safe: dropping the future loses nothing.
        ///
        /// # Errors
        ///
        /// [`EndOfStream`](anynet_core::ReceiveError::EndOfStream) when the peer has finished; the others are at
        /// [`ReceiveError`](anynet_core::ReceiveError).
        pub fn receive<'a>(&'a mut self, buf: &'a mut [u8]) -> $crate::future::Receive<'a, Self> {
            $crate::future::Receive::new(self, buf)
        }

        /// Fills `buf`.
        ///
        /// Not cancel-safe; polled by `&mut`, its future says how much [was received](
        /// anynet_core::future::ReceiveExactly::received). An empty `buf` succeeds without asking the stream.
        ///
        /// # Errors
        ///
        /// What stopped it, and how many bytes are in the front of `buf`.
        pub fn receive_exactly<'a>(
            &'a mut self,
            buf: &'a mut [u8],
        ) -> $crate::future::ReceiveExactly<'a, Self> {
            $crate::future::ReceiveExactly::new(self, buf)
        }

        /// The bytes that arrive, in pieces of at most `size`, up to the end of the stream.
        pub fn chunks(&mut self, size: usize) -> $crate::Chunks<'_, Self> {
            $crate::Chunks::new(self, size)
        }
    };
}

/// Writes the methods of [`ByteSendStreamExt`] as inherent ones, inside an `impl` block of a send stream.
#[macro_export]
macro_rules! byte_send_methods {
    () => {
        /// Sends all of `data`, and flushes it.
        ///
        /// Not cancel-safe: a prefix may have gone. Polled by `&mut`, its future says [how many bytes were
        /// taken](anynet_core::future::Send::sent). Empty `data` only checks the state.
        ///
        /// # Errors
        ///
        /// See [`SendError`](anynet_core::SendError).
        pub fn send<'a>(&'a mut self, data: &'a [u8]) -> $crate::future::Send<'a, Self> {
            $crate::future::Send::new(self, data)
        }

        /// Sends some of `data`: at least one byte (unless it is empty), and says how many.
        ///
        /// Cancel-safe: dropped before it is ready, it has sent nothing.
        ///
        /// # Errors
        ///
        /// See [`SendError`](anynet_core::SendError).
        pub fn send_some<'a>(&'a mut self, data: &'a [u8]) -> $crate::future::SendSome<'a, Self> {
            $crate::future::SendSome::new(self, data)
        }

        /// Sends all of `bufs`, in order and without joining them first, and flushes.
        ///
        /// Not cancel-safe, as [`send`](Self::send). The slices are advanced as they are sent.
        ///
        /// # Errors
        ///
        /// See [`SendError`](anynet_core::SendError).
        pub fn send_vectored<'a, 'b>(
            &'a mut self,
            bufs: &'a mut [::std::io::IoSlice<'b>],
        ) -> $crate::future::SendVectored<'a, 'b, Self> {
            $crate::future::SendVectored::new(self, bufs)
        }

        /// Waits until a send might make progress. May return early, never late. Cancel-safe.
        ///
        /// # Errors
        ///
        /// See [`SendError`](anynet_core::SendError).
        pub fn send_ready(&mut self) -> $crate::future::SendReady<'_, Self> {
            $crate::future::SendReady::new(self)
        }

        /// Hands everything that was sent to the layer below. Cancel-safe: it can be called again.
        ///
        /// # Errors
        ///
        /// See [`SendError`](anynet_core::SendError).
        pub fn flush(&mut self) -> $crate::future::Flush<'_, Self> {
            $crate::future::Flush::new(self)
        }

        /// Tells the peer that no more bytes will come; receiving goes on. Again: nothing more happens. Cancel-safe.
        ///
        /// # Errors
        ///
        /// See [`SendError`](anynet_core::SendError).
        pub fn send_eof(&mut self) -> $crate::future::SendEof<'_, Self> {
            $crate::future::SendEof::new(self)
        }

        /// Sends everything, then the end, and releases the stream without waiting for the peer. Again: nothing happens.
        ///
        /// Cancel-safe: it can be called again; dropping the stream closes at once.
        ///
        /// # Errors
        ///
        /// An error means "not in order", never "not closed".
        pub fn close(&mut self) -> $crate::future::Close<'_, Self> {
            $crate::future::Close::new(self)
        }
    };
}

/// Receiving, on any [`ByteReceiveStream`].
pub trait ByteReceiveStreamExt: ByteReceiveStream {
    /// Receives between 1 and `buf.len()` bytes into the front of `buf`, and says how many.
    ///
    /// Cancel-safe: dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`EndOfStream`](crate::ReceiveError::EndOfStream) when the peer has finished; the others are at
    /// [`ReceiveError`](crate::ReceiveError).
    fn receive<'a>(&'a mut self, buf: &'a mut [u8]) -> Receive<'a, Self> {
        Receive::new(self, buf)
    }

    /// Fills `buf`.
    ///
    /// Not cancel-safe; polled by `&mut`, its future says how much [was received](ReceiveExactly::received). An empty
    /// `buf` succeeds without asking the stream.
    ///
    /// # Errors
    ///
    /// What stopped it, and how many bytes are in the front of `buf`.
    fn receive_exactly<'a>(&'a mut self, buf: &'a mut [u8]) -> ReceiveExactly<'a, Self> {
        ReceiveExactly::new(self, buf)
    }

    /// The bytes that arrive, in pieces of at most `size`, up to the end of the stream.
    fn chunks(&mut self, size: usize) -> Chunks<'_, Self> {
        Chunks::new(self, size)
    }
}

impl<S: ByteReceiveStream + ?Sized> ByteReceiveStreamExt for S {}

/// Sending, on any [`ByteSendStream`].
pub trait ByteSendStreamExt: ByteSendStream {
    /// Sends all of `data`, and flushes it.
    ///
    /// Not cancel-safe: a prefix may have gone. Polled by `&mut`, its future says [how many bytes were
    /// taken](Send::sent). Empty `data` only checks the state.
    ///
    /// # Errors
    ///
    /// See [`SendError`](crate::SendError).
    fn send<'a>(&'a mut self, data: &'a [u8]) -> Send<'a, Self> {
        Send::new(self, data)
    }

    /// Sends some of `data`: at least one byte (unless it is empty), and says how many.
    ///
    /// Cancel-safe: dropped before it is ready, it has sent nothing.
    ///
    /// # Errors
    ///
    /// See [`SendError`](crate::SendError).
    fn send_some<'a>(&'a mut self, data: &'a [u8]) -> SendSome<'a, Self> {
        SendSome::new(self, data)
    }

    /// Sends all of `bufs`, in order and without joining them first, and flushes.
    ///
    /// Not cancel-safe, as [`send`](Self::send). The slices are advanced as they are sent.
    ///
    /// # Errors
    ///
    /// See [`SendError`](crate::SendError).
    fn send_vectored<'a, 'b>(&'a mut self, bufs: &'a mut [IoSlice<'b>]) -> SendVectored<'a, 'b, Self> {
        SendVectored::new(self, bufs)
    }

    /// Waits until a send might make progress. May return early, never late. Cancel-safe.
    ///
    /// # Errors
    ///
    /// See [`SendError`](crate::SendError).
    fn send_ready(&mut self) -> SendReady<'_, Self> {
        SendReady::new(self)
    }

    /// Hands everything that was sent to the layer below. Cancel-safe: it can be called again.
    ///
    /// # Errors
    ///
    /// See [`SendError`](crate::SendError).
    fn flush(&mut self) -> Flush<'_, Self> {
        Flush::new(self)
    }

    /// Tells the peer that no more bytes will come; receiving goes on. Again: nothing more happens. Cancel-safe.
    ///
    /// # Errors
    ///
    /// See [`SendError`](crate::SendError).
    fn send_eof(&mut self) -> SendEof<'_, Self> {
        SendEof::new(self)
    }

    /// Sends everything, then the end, and releases the stream without waiting for the peer. Again: nothing happens.
    ///
    /// Cancel-safe: it can be called again; dropping the stream closes at once.
    ///
    /// # Errors
    ///
    /// An error means "not in order", never "not closed".
    fn close(&mut self) -> Close<'_, Self> {
        Close::new(self)
    }
}

impl<S: ByteSendStream + ?Sized> ByteSendStreamExt for S {}
