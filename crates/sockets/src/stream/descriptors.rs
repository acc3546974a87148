//! Descriptors over UNIX streams: the whole stream and its halves.

use std::future::poll_fn;
use std::os::fd::{AsFd, BorrowedFd};
use std::task::{Context, Poll};

use anynet_core::{ReceiveError, Runtime, SendError};

use super::{StreamReceiveHalf, StreamSendHalf, StreamSocket};
use crate::descriptors::ReceivedFds;
use crate::unix::Unix;

macro_rules! receives_fds {
    ($stream:ident) => {
        /// Of UNIX streams only.
        impl<R: Runtime> $stream<R, Unix> {
            /// Waits for bytes, moves them into the front of `buf`, and takes at most `max_fds` descriptors that came with
            /// them. Cancel-safe.
            ///
            /// A descriptor comes with the first of the bytes that it was sent with, never earlier, and not later either: a
            /// plain [`receive`](Self::receive) of that byte closes it. One receive gives the descriptors of one message at
            /// most, and stops behind the bytes of that message; bytes that were sent before it may come with them. They
            /// become anything that can be made of an [`OwnedFd`](std::os::fd::OwnedFd): a
            /// [`File`](std::fs::File), or any kind of socket.
            ///
            /// Of all receives this alone takes an **empty buffer**: it waits until a byte is there, takes the descriptors
            /// that came with it, and leaves all bytes to the next receive. There may be none: then bytes that were sent
            /// without any are to be received first.
            ///
            /// # Errors
            ///
            /// [`ReceiveError`]; [`NoDescriptors`](ReceiveError::NoDescriptors) if `max_fds` is 0. Descriptors beyond
            /// `max_fds`, and beyond what the process may open (`RLIMIT_NOFILE`), are no error, but closed:
            /// [`fds_truncated`](ReceivedFds::fds_truncated).
            pub async fn receive_fds(
                &mut self,
                buf: &mut [u8],
                max_fds: usize,
            ) -> Result<ReceivedFds, ReceiveError> {
                poll_fn(|cx| self.poll_receive_fds(cx, buf, max_fds)).await
            }

            fn poll_receive_fds(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut [u8],
                max_fds: usize,
            ) -> Poll<Result<ReceivedFds, ReceiveError>> {
                match self.link.open() {
                    Some(shared) => {
                        let received = self.receiver.poll_receive_fds(shared, cx, buf, max_fds);
                        received.map(|received| self.noticed(received))
                    }
                    None => Poll::Ready(self.receive_closed()),
                }
            }
        }
    };
}

macro_rules! sends_fds {
    ($stream:ident) => {
        /// Of UNIX streams only.
        impl<R: Runtime> $stream<R, Unix> {
            /// Sends all of `data`, and duplicates of `fds` with its first byte.
            ///
            /// Once this has returned, the caller's descriptors can be closed.
            ///
            /// Not cancel-safe, as [`send`](Self::send) is not: when the future is dropped, nothing was sent, or the
            /// descriptors were and a part of the data.
            ///
            /// # Errors
            ///
            /// [`SendError`]. Nothing was sent, and the stream is well, after [`NoData`](SendError::NoData),
            /// [`NoDescriptors`](SendError::NoDescriptors), [`TooManyDescriptors`](SendError::TooManyDescriptors) (more than
            /// 253), [`NotSent`](SendError::NotSent) (one of them is closed, or of a kind that the system does not pass on)
            /// and [`Exhausted`](SendError::Exhausted) with `ETOOMANYREFS` (the user has more descriptors on their way than
            /// a process may open).
            pub fn send_fds<'a, F: AsFd>(
                &'a mut self,
                data: &'a [u8],
                fds: &'a [F],
            ) -> impl Future<Output = Result<(), SendError>> + 'a {
                let fds: Vec<BorrowedFd<'a>> = fds.iter().map(AsFd::as_fd).collect();
                async move {
                    let sent = poll_fn(|cx| self.poll_send_fds(cx, data, &fds)).await?;
                    match &data[sent..] {
                        [] => Ok(()),
                        rest => self.send(rest).await,
                    }
                }
            }

            fn poll_send_fds(
                &mut self,
                cx: &mut Context<'_>,
                data: &[u8],
                fds: &[BorrowedFd<'_>],
            ) -> Poll<Result<usize, SendError>> {
                match self.link.open() {
                    Some(shared) => {
                        let sent = self.sender.poll_send_fds(shared, cx, data, fds);
                        sent.map(|sent| self.noticed(sent))
                    }
                    None => Poll::Ready(self.send_closed()),
                }
            }
        }
    };
}

receives_fds!(StreamSocket);
receives_fds!(StreamReceiveHalf);
sends_fds!(StreamSocket);
sends_fds!(StreamSendHalf);
