//! Ending one direction of any stream, while the other goes on.

use std::sync::{Arc, Barrier};
use std::thread;

use anynet_core::{ByteSendStreamExt, Closer, SendError};

use crate::Ground;
use crate::case::cases;
use crate::steps::{assert_is, closer};

cases![given Ground:
    every_two_way_check_holds,
    bytes_sent_before_send_eof_arrive_and_then_the_end,
    a_clogged_stream_delivers_everything_before_its_end,
    a_send_after_send_eof_is_closed_even_an_empty_one,
    send_ready_after_send_eof_is_closed,
    a_second_send_eof_succeeds,
    an_answer_and_its_end_still_arrive_after_send_eof,
    send_eof_after_the_peer_has_closed_succeeds,
    send_eof_on_a_closed_stream_is_closed,
    send_eof_beside_a_closer_succeeds_or_is_closed,
];

async fn every_two_way_check_holds(context: Ground) {
    context.assert_run_in_both_directions(super::of_streams().chain(super::of_two_way_streams()));
}

async fn bytes_sent_before_send_eof_arrive_and_then_the_end(context: Ground) {
    let (mut left, mut right) = context.two_way().await;
    context.hand_over(&mut left, b"x").await;
    context.within(left.send_eof()).await.unwrap();
    // Nobody was receiving.
    context.settle().await;
    assert_eq!(context.receive_to_end(&mut right).await, b"x");
    assert_eq!(context.receive_to_end(&mut right).await, b"", "the end stays");
}

async fn a_clogged_stream_delivers_everything_before_its_end(context: Ground) {
    let (mut left, mut right) = context.two_way().await;
    let sent = context.clog(&mut left).await;
    let ending = context.spawn(async move {
        let ended = left.send_eof().await;
        (left, ended)
    });
    assert_eq!(context.receive_to_end(&mut right).await.len(), sent);
    let (_left, ended) = context.within(ending).await;
    ended.unwrap();
}

async fn a_send_after_send_eof_is_closed_even_an_empty_one(context: Ground) {
    let (mut left, mut right) = context.two_way().await;
    context.within(left.send_eof()).await.unwrap();
    context.assert_sends_closed(&mut left).await;
    assert_eq!(context.receive_to_end(&mut right).await, b"", "nothing was sent");
    context.assert_sends_closed(&mut left).await;
}

async fn send_ready_after_send_eof_is_closed(context: Ground) {
    let (mut left, _right) = context.two_way().await;
    context.within(left.send_eof()).await.unwrap();
    for _ in 0..2 {
        assert_is!(context.within(left.send_ready()).await, Err(SendError::Closed));
    }
}

async fn a_second_send_eof_succeeds(context: Ground) {
    let (mut left, mut right) = context.two_way().await;
    context.within(left.send_eof()).await.unwrap();
    context.within(left.send_eof()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut right).await, b"");
    context.within(left.send_eof()).await.unwrap();
    // Nor does it matter that the other direction has ended since.
    context.within(right.send_eof()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut left).await, b"");
    context.within(left.send_eof()).await.unwrap();
    context.within(left.close()).await.unwrap();
}

async fn an_answer_and_its_end_still_arrive_after_send_eof(context: Ground) {
    let (mut left, mut right) = context.two_way().await;
    context.hand_over(&mut left, b"question").await;
    context.within(left.send_eof()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut right).await, b"question");
    context.hand_over(&mut right, b"answer").await;
    context.within(right.send_eof()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut left).await, b"answer");
    context.within(left.close()).await.unwrap();
    context.within(right.close()).await.unwrap();
}

async fn send_eof_after_the_peer_has_closed_succeeds(context: Ground) {
    let (mut left, mut right) = context.two_way().await;
    context.within(right.close()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut left).await, b"");
    context.within(left.send_eof()).await.unwrap();
    context.settle().await;
    context.within(left.send_eof()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut left).await, b"", "the end stays");
}

async fn send_eof_on_a_closed_stream_is_closed(context: Ground) {
    let (mut left, mut right) = context.two_way().await;
    context.within(left.close()).await.unwrap();
    // Also where the end had been sent before.
    context.within(right.send_eof()).await.unwrap();
    context.within(right.close()).await.unwrap();
    for stream in [&mut left, &mut right] {
        for _ in 0..2 {
            assert_is!(context.within(stream.send_eof()).await, Err(SendError::Closed));
        }
    }
}

async fn send_eof_beside_a_closer_succeeds_or_is_closed(context: Ground) {
    let closes: [fn(&Closer); 2] = [Closer::close, Closer::abort];
    for close in closes.into_iter().cycle().take(20) {
        let (mut left, _right) = context.two_way().await;
        let (closer, start) = (closer(&left), Arc::new(Barrier::new(2)));
        let starts = start.clone();
        let closing = thread::spawn(move || {
            starts.wait();
            close(&closer);
        });
        start.wait();
        assert_is!(
            context.within(left.send_eof()).await,
            Ok(()) | Err(SendError::Closed)
        );
        closing.join().unwrap();
        assert_is!(context.within(left.send_eof()).await, Err(SendError::Closed));
    }
}
