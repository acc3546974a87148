//! Pairs in memory and what is put before them, on every executor.

use std::io::IoSlice;
use std::task::{Context as TaskContext, Poll};

use anynet_core::{Attributes, ByteSendStream, ByteSendStreamExt, ReceiveError, Request, SendError};
use anynet_util::{Faulty, MemoryStream};

use crate::Ground;
use crate::case::cases;
use crate::steps::assert_is;

cases![given Ground:
    in_lockstep_a_send_and_its_receive_end_together_whoever_comes_first,
    a_send_in_lockstep_breaks_if_its_bytes_are_never_received,
    a_wrapper_sees_every_send_and_the_close,
    bytes_are_moved_in_the_pieces_of_a_script_up_to_its_end,
    a_full_pair_is_stalled_until_somebody_receives,
];

async fn in_lockstep_a_send_and_its_receive_end_together_whoever_comes_first(context: Ground) {
    let (mut left, mut right) = MemoryStream::lockstep();
    let mut buf = [0; 4];
    // The send comes first, and waits for the last byte to be taken.
    let mut sending = left.send(b"data");
    context.assert_waits(&mut sending).await;
    context
        .within(right.receive_exactly(&mut buf[..3]))
        .await
        .unwrap();
    context.assert_waits(&mut sending).await;
    context
        .within(right.receive_exactly(&mut buf[3..]))
        .await
        .unwrap();
    context.within(sending).await.unwrap();
    assert_eq!(&buf, b"data");
    // The receive comes first.
    let receiving = context.spawn_waiting(async move {
        let mut buf = [0; 8];
        let received = right.receive(&mut buf).await;
        (received, right)
    });
    let receiving = receiving.await;
    context.within(left.send(b"x")).await.unwrap();
    assert_is!(context.within(receiving).await.0, Ok(1));
}

async fn a_send_in_lockstep_breaks_if_its_bytes_are_never_received(context: Ground) {
    let (mut left, mut right) = MemoryStream::lockstep();
    let mut sending = left.send(b"data");
    context.assert_waits(&mut sending).await;
    context.within(right.receive(&mut [0; 2])).await.unwrap();
    drop(right);
    assert_is!(context.within(sending).await, Err(SendError::Broken(_)));
}

/// Counts what is sent, and remembers the close.
struct Watched {
    stream: MemoryStream,
    sent: usize,
    is_closed: bool,
}

impl Attributes for Watched {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.stream.attributes(request);
    }
}

impl ByteSendStream for Watched {
    fn poll_send(
        &mut self,
        cx: &mut TaskContext<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize, SendError>> {
        let sent = self.stream.poll_send(cx, bufs);
        if let Poll::Ready(Ok(n)) = sent {
            self.sent += n;
        }
        sent
    }

    fn poll_send_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        self.stream.poll_send_ready(cx)
    }

    fn poll_flush(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        self.stream.poll_flush(cx)
    }

    fn poll_send_eof(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        self.stream.poll_send_eof(cx)
    }

    fn poll_close(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        self.is_closed = true;
        self.stream.poll_close(cx)
    }
}

async fn a_wrapper_sees_every_send_and_the_close(context: Ground) {
    let (stream, _peer) = MemoryStream::pair(64);
    let mut watched = Watched {
        stream,
        sent: 0,
        is_closed: false,
    };
    for data in [&b"one"[..], b"", b"three"] {
        context.within(watched.send(data)).await.unwrap();
    }
    assert_eq!((watched.sent, watched.is_closed), (8, false));
    context.within(watched.close()).await.unwrap();
    assert!(watched.is_closed);
    context.assert_sends_closed(&mut watched).await;
    assert_eq!(watched.sent, 8, "what was refused was not sent");
}

async fn bytes_are_moved_in_the_pieces_of_a_script_up_to_its_end(context: Ground) {
    let (mut left, right) = MemoryStream::pair(1024);
    let mut right = Faulty::new(right).pieces(1, 1).end_after_receiving(5);
    context.within(left.send(b"1234567")).await.unwrap();
    let mut buf = [0; 8];
    for expected in b"12345" {
        assert_is!(context.within(right.receive(&mut buf)).await, Ok(1));
        assert_eq!(buf[0], *expected);
    }
    for _ in 0..2 {
        let end = context.within(right.receive(&mut buf)).await;
        assert_is!(end, Err(ReceiveError::EndOfStream));
    }
}

async fn a_full_pair_is_stalled_until_somebody_receives(context: Ground) {
    let (mut left, mut right) = MemoryStream::pair(3);
    let mut sending = left.send(b"1234");
    context.assert_waits(&mut sending).await;
    assert_eq!(sending.sent(), 3);
    assert_eq!(context.receive_bytes(&mut right, 3).await, b"123");
    context.within(sending).await.unwrap();
    context.within(left.close()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut right).await, b"4");
}
