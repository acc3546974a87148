//! A borrowed or boxed stream is a stream. Every method is forwarded: `missing_trait_methods` sees to it.

#![deny(
    clippy::missing_trait_methods,
    reason = "a method that is not forwarded would be lost in every box"
)]

use std::io::IoSlice;
use std::num::NonZeroUsize;
use std::task::{Context, Poll};

use crate::{Attributes, ByteReceiveStream, ByteSendStream, ReceiveError, Request, SendError};

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<S: Attributes + ?Sized> Attributes for $pointer {
            fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
                S::attributes(self, request);
            }
        }

        impl<S: ByteReceiveStream + ?Sized> ByteReceiveStream for $pointer {
            #[inline]
            fn poll_receive(
                &mut self,
                cx: &mut Context<'_>,
                buf: &mut [u8],
            ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
                S::poll_receive(self, cx, buf)
            }
        }

        impl<S: ByteSendStream + ?Sized> ByteSendStream for $pointer {
            #[inline]
            fn poll_send(
                &mut self,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<Result<usize, SendError>> {
                S::poll_send(self, cx, bufs)
            }

            fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
                S::poll_send_ready(self, cx)
            }

            #[inline]
            fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
                S::poll_flush(self, cx)
            }

            fn poll_send_eof(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
                S::poll_send_eof(self, cx)
            }

            fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
                S::poll_close(self, cx)
            }
        }
    )*};
}

forward!(&mut S, Box<S>);
