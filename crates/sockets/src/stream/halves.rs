//! The two directions of a connection, each on its own.

use std::error::Error;
use std::fmt;
use std::io::IoSlice;
use std::mem;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use anynet_core::{
    Attributes, ByteReceiveStream, ByteSendStream, ReceiveError, Request, Runtime, SendError,
    byte_receive_methods, byte_send_methods,
};

use super::StreamSocket;
use super::methods::{ends_methods, receiver_methods, sender_methods};
use crate::kind::Kind;
use crate::link::Link;
use crate::options::live_option_methods;
use crate::receive::Receiver;
use crate::send::Sender;

/// The receiving half of a [`StreamSocket`], from [`into_split`](StreamSocket::into_split).
///
/// Dropping it does nothing to the other half; the connection is closed when both are gone.
pub struct StreamReceiveHalf<R: Runtime, K: Kind> {
    pub(super) receiver: Receiver<R>,
    pub(super) link: Link<R, K>,
}

/// The sending half of a [`StreamSocket`], from [`into_split`](StreamSocket::into_split).
///
/// Dropping it sends the end, for the peer would wait for it for ever; the connection is closed when both halves are gone.
pub struct StreamSendHalf<R: Runtime, K: Kind> {
    pub(super) sender: Sender<R>,
    pub(super) link: Link<R, K>,
}

impl<R: Runtime, K: Kind> StreamReceiveHalf<R, K> {
    pub(super) fn new(receiver: Receiver<R>, link: Link<R, K>) -> Self {
        Self { receiver, link }
    }

    byte_receive_methods!();
    receiver_methods!();
    ends_methods!();
    live_option_methods!();

    /// Closes this half: from now on it says `Closed`. The other half goes on.
    pub fn close(&mut self) {
        self.release();
    }

    /// Joins the two halves of one stream again.
    ///
    /// # Errors
    ///
    /// If they are halves of different streams, or one of them was closed. Both come back with the error.
    pub fn reunite(
        mut self,
        mut send: StreamSendHalf<R, K>,
    ) -> Result<StreamSocket<R, K>, ReuniteError<R, K>> {
        if !self.link.is_shared_with(&send.link) {
            return Err(ReuniteError { receive: self, send });
        }
        let receiver = mem::replace(&mut self.receiver, Receiver::new(false));
        let sender = mem::replace(&mut send.sender, Sender::new(false));
        Ok(StreamSocket::from_parts(receiver, sender, send.link.take()))
    }

    #[cold]
    pub(super) fn receive_closed<T>(&mut self) -> Result<T, ReceiveError> {
        self.release();
        Err(ReceiveError::Closed)
    }

    fn release(&mut self) {
        self.leave();
        self.receiver = Receiver::new(false);
        self.link.release();
    }

    fn leave(&mut self) {
        if let Some(shared) = self.link.open() {
            self.receiver.leave(shared);
        }
    }
}

impl<R: Runtime, K: Kind> ByteReceiveStream for StreamReceiveHalf<R, K> {
    #[inline]
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        match self.link.open() {
            Some(shared) => {
                let received = self.receiver.poll_receive(shared, cx, buf);
                received.map(|received| self.noticed(received))
            }
            None => Poll::Ready(self.receive_closed()),
        }
    }
}

impl<R: Runtime, K: Kind> Drop for StreamReceiveHalf<R, K> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl<R: Runtime, K: Kind> StreamSendHalf<R, K> {
    pub(super) fn new(sender: Sender<R>, link: Link<R, K>) -> Self {
        Self { sender, link }
    }

    byte_send_methods!();
    sender_methods!();
    ends_methods!();
    live_option_methods!();

    #[cold]
    pub(super) fn send_closed<T>(&mut self) -> Result<T, SendError> {
        self.release();
        Err(SendError::Closed)
    }

    fn release(&mut self) {
        if let Some(shared) = self.link.open() {
            self.sender.leave(shared);
        }
        self.sender = Sender::new(false);
        self.link.release();
    }
}

impl<R: Runtime, K: Kind> ByteSendStream for StreamSendHalf<R, K> {
    #[inline]
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        match self.link.open() {
            Some(shared) => {
                let sent = self.sender.poll_send(shared, cx, bufs);
                sent.map(|sent| self.noticed(sent))
            }
            None => Poll::Ready(self.send_closed()),
        }
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match self.link.open() {
            Some(shared) => {
                let ready = self.sender.poll_send_ready(shared, cx);
                ready.map(|ready| self.noticed(ready))
            }
            None => Poll::Ready(self.send_closed()),
        }
    }

    /// Nothing to do: what was sent is with the system.
    #[inline]
    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match self.link.open() {
            Some(_) => Poll::Ready(Ok(())),
            None => Poll::Ready(self.send_closed()),
        }
    }

    /// Never waits.
    fn poll_send_eof(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(match self.link.open() {
            Some(shared) => {
                let sent = self.sender.send_eof(shared);
                self.noticed(sent)
            }
            None => self.send_closed(),
        })
    }

    /// Sends the end and closes this half. The other half goes on.
    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if let Some(shared) = self.link.open() {
            // A connection that has failed has no end to send, and is closed all the same.
            let _ = self.sender.send_eof(shared);
        }
        self.release();
        Poll::Ready(Ok(()))
    }
}

impl<R: Runtime, K: Kind> Drop for StreamSendHalf<R, K> {
    fn drop(&mut self) {
        if let Some(shared) = self.link.open() {
            self.sender.leave(shared);
            // There is nobody left to tell of a failure: the connection is gone then, which is as good as its end.
            let _ = self.sender.send_eof(shared);
        }
    }
}

/// What both halves answer alike. The [`Closer`](anynet_core::Closer) is answered only where one was made before the
/// split: a half that already waits would not hear the first.
macro_rules! half {
    ($half:ident) => {
        impl<R: Runtime, K: Kind> $half<R, K> {
            /// Passes a result on. A closer that came during the call leaves this half's hold on the descriptor to
            /// whoever is told of it.
            #[inline]
            pub(super) fn noticed<T, E>(&mut self, result: Result<T, E>) -> Result<T, E> {
                if result.is_err() {
                    self.release_if_closed();
                }
                result
            }

            #[cold]
            fn release_if_closed(&mut self) {
                if self.link.open().is_none() {
                    self.release();
                }
            }
        }

        impl<R: Runtime, K: Kind> Attributes for $half<R, K> {
            fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
                self.link.facts(request);
                request.provide_some(|| self.link.closer_if_armed());
            }
        }

        /// The descriptor; after a close, a value that every system call answers with `EBADF`.
        impl<R: Runtime, K: Kind> AsFd for $half<R, K> {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.link.as_fd()
            }
        }
    };
}

half!(StreamReceiveHalf);
half!(StreamSendHalf);
crate::link::debug_by_link!(StreamReceiveHalf);
crate::link::debug_by_link!(StreamSendHalf);

/// Two halves that do not belong together, given back.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReuniteError<R: Runtime, K: Kind> {
    /// The receiving half.
    pub receive: StreamReceiveHalf<R, K>,
    /// The sending half.
    pub send: StreamSendHalf<R, K>,
}

impl<R: Runtime, K: Kind> fmt::Display for ReuniteError<R, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves do not belong to one open stream")
    }
}

impl<R: Runtime, K: Kind> Error for ReuniteError<R, K> {}
