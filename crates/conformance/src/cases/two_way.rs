//! Both directions of any stream at once.

use std::future::poll_fn;
use std::io::IoSlice;
use std::task::{Context as TaskContext, Poll, ready};

use anynet_core::{
    BoxStream, ByteReceiveStream, ByteReceiveStreamExt, ByteSendStream, ByteSendStreamExt, ReceiveError,
};

use crate::Ground;
use crate::case::cases;
use crate::steps::{Random, assert_is};

cases![given Ground:
    every_one_way_check_holds_in_both_directions,
    a_mebibyte_each_way_in_random_pieces_arrives_exactly,
    closing_one_end_is_the_end_for_the_other,
    neither_direction_waits_for_the_other,
];

const MEBIBYTE: usize = 1 << 20;

/// The most that is sent or received at once.
const PIECE: usize = 16 << 10;

async fn every_one_way_check_holds_in_both_directions(context: Ground) {
    context.assert_run_in_both_directions(super::of_streams());
}

async fn a_mebibyte_each_way_in_random_pieces_arrives_exactly(context: Ground) {
    let (left, right) = context.two_way().await;
    let there = Random::new(5).bytes(MEBIBYTE);
    let back: Vec<u8> = there.iter().rev().copied().collect();
    let left = Exchange::new(left, there.clone(), Random::new(6));
    let right = Exchange::new(right, back.clone(), Random::new(7));
    let left = context.spawn(left.run());
    let right = context.spawn(right.run());
    let (mut left, at_left) = context.within(left).await;
    let (mut right, at_right) = context.within(right).await;
    assert!(at_left == back, "what arrived at the left is not what was sent");
    assert!(
        at_right == there,
        "what arrived at the right is not what was sent"
    );

    context.within(left.close()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut right).await, b"", "nothing more came");
    context.within(right.close()).await.unwrap();
}

async fn closing_one_end_is_the_end_for_the_other(context: Ground) {
    let (mut left, mut right) = context.two_way().await;
    let receiving = context.spawn_waiting(async move {
        let received = right.receive(&mut [0; 10]).await;
        (right, received)
    });
    let receiving = receiving.await;
    context.within(left.close()).await.unwrap();
    let (mut right, received) = context.within(receiving).await;
    assert_is!(received, Err(ReceiveError::EndOfStream));
    context.within(right.close()).await.unwrap();
}

async fn neither_direction_waits_for_the_other(context: Ground) {
    let (mut left, mut right) = context.two_way().await;
    let sent = context.clog(&mut left).await;
    // A send waits behind it; a receive beside it is woken.
    let receiving = context.spawn_waiting(async move {
        let received = poll_fn(|cx| {
            let received = left.poll_receive(cx, &mut [0; 8]);
            assert!(left.poll_send(cx, &[IoSlice::new(b"x")]).is_pending());
            received
        });
        let received = received.await;
        (left, received)
    });
    let receiving = receiving.await;
    context.hand_over(&mut right, b"y").await;
    let (mut left, received) = context.within(receiving).await;
    assert_eq!(received.unwrap().get(), 1);

    // A receive waits; a send beside it is woken.
    let sending = context.spawn_waiting(poll_fn(move |cx| {
        let taken = left.poll_send(cx, &[IoSlice::new(b"x")]);
        assert!(left.poll_receive(cx, &mut [0; 8]).is_pending());
        taken
    }));
    let sending = sending.await;
    context.receive_bytes(&mut right, sent).await;
    assert_is!(context.within(sending).await, Ok(1));
}

/// One end of an exchange: sends and receives at once, in one task, in pieces of many sizes.
struct Exchange {
    stream: BoxStream,
    outgoing: Vec<u8>,
    sent: usize,
    incoming: Vec<u8>,
    sizes: Random,
}

impl Exchange {
    fn new(stream: BoxStream, outgoing: Vec<u8>, sizes: Random) -> Self {
        Self {
            stream,
            outgoing,
            sent: 0,
            incoming: Vec::new(),
            sizes,
        }
    }

    /// Sends everything and receives as much; gives back the stream, and what was received.
    async fn run(mut self) -> (BoxStream, Vec<u8>) {
        poll_fn(|cx| {
            let sent = self.poll_send(cx);
            ready!(self.poll_receive(cx));
            sent
        })
        .await;
        (self.stream, self.incoming)
    }

    fn poll_send(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        while self.sent < self.outgoing.len() {
            let rest = &self.outgoing[self.sent..];
            let piece = &rest[..rest.len().min(self.sizes.up_to(PIECE))];
            let taken = ready!(self.stream.poll_send(cx, &[IoSlice::new(piece)]));
            self.sent += taken.expect("the other end receives");
        }
        self.stream.poll_flush(cx).map(Result::unwrap)
    }

    fn poll_receive(&mut self, cx: &mut TaskContext<'_>) -> Poll<()> {
        let mut buf = [0; PIECE];
        while self.incoming.len() < self.outgoing.len() {
            let room = self.sizes.up_to(PIECE);
            let received = ready!(self.stream.poll_receive(cx, &mut buf[..room]));
            let n = received.expect("no end before everything has come");
            self.incoming.extend_from_slice(&buf[..n.get()]);
        }
        Poll::Ready(())
    }
}
