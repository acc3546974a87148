//! One direction of any stream: its end, our own close, and a peer that is gone.

use std::pin::pin;

use anynet_core::{ByteReceiveStreamExt, ByteSendStream, ByteSendStreamExt, Cause, ReceiveError, SendError};

use crate::case::cases;
use crate::context::poll_once;
use crate::steps::{assert_is, closer};
use crate::{Ground, ReceiveEnd, SendEnd};

cases![given Ground:
    bytes_sent_before_a_close_arrive_and_then_the_end,
    both_ends_close_after_the_end,
    the_end_is_reported_by_every_later_receive,
    a_sender_dropped_before_it_sent_gives_no_byte,
    sends_break_once_the_receiver_is_closed_or_dropped,
    a_broken_sender_stays_broken,
    closing_a_broken_sender_succeeds,
    closed_wins_over_broken_and_over_the_end,
    a_receive_after_our_own_close_is_closed_whatever_its_buffer,
    a_receive_after_close_is_closed_though_bytes_were_waiting,
    a_send_after_our_own_close_is_closed_even_an_empty_one,
    send_ready_on_a_closed_stream_is_closed,
    closing_again_and_again_succeeds,
    a_close_given_up_after_one_poll_has_closed,
    an_end_that_a_closer_closed_is_closed,
];

async fn bytes_sent_before_a_close_arrive_and_then_the_end(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    context.hand_over(&mut send, b"y").await;
    context.within(send.close()).await.unwrap();
    // Nobody was receiving, and the sender is gone altogether.
    drop(send);
    context.settle().await;
    assert_eq!(context.receive_to_end(&mut receive).await, b"y");
}

async fn both_ends_close_after_the_end(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    context.hand_over(&mut send, b"y").await;
    context.within(send.close()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut receive).await, b"y");
    context.within(receive.close()).await.unwrap();
    context.within(send.close()).await.unwrap();
}

async fn the_end_is_reported_by_every_later_receive(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    context.hand_over(&mut send, b"y").await;
    context.within(send.close()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut receive).await, b"y");
    for room in [1, 8, 4096] {
        assert_is!(
            context.within(receive.receive(&mut vec![0; room])).await,
            Err(ReceiveError::EndOfStream)
        );
    }
    drop(send);
    context.settle().await;
    assert_is!(
        context.within(receive.receive(&mut [0; 8])).await,
        Err(ReceiveError::EndOfStream)
    );
}

async fn a_sender_dropped_before_it_sent_gives_no_byte(context: Ground) {
    let (send, mut receive) = context.one_way().await;
    drop(send);
    assert_is!(
        context.within(receive.receive(&mut [0; 1])).await,
        Err(ReceiveError::EndOfStream | ReceiveError::Broken(_))
    );
}

async fn sends_break_once_the_receiver_is_closed_or_dropped(context: Ground) {
    // Closed while the sender is sending, and not dropped.
    let (mut send, mut receive) = context.one_way().await;
    let sending = context.spawn(async move { send_until_broken(&mut send).await });
    context.settle().await;
    context.within(receive.close()).await.unwrap();
    context.within(sending).await;

    // Dropped before anything was sent.
    let (mut send, receive) = context.one_way().await;
    drop(receive);
    context.within(send_until_broken(&mut send)).await;
}

async fn a_broken_sender_stays_broken(context: Ground) {
    let (mut send, _receive, first) = broken_pair(&context).await;
    for _ in 0..3 {
        assert_broken(context.within(send.send(&[0; 100])).await, &first);
        assert_broken(context.within(send.send(b"")).await, &first);
        assert_broken(context.within(send.send_some(b"x")).await, &first);
        assert_broken(context.within(send.send_vectored(&mut [])).await, &first);
        assert_broken(context.within(send.send_ready()).await, &first);
        context.settle().await;
    }
}

async fn closing_a_broken_sender_succeeds(context: Ground) {
    let (mut send, _receive, _) = broken_pair(&context).await;
    context.within(send.close()).await.unwrap();
    context.within(send.close()).await.unwrap();
}

async fn closed_wins_over_broken_and_over_the_end(context: Ground) {
    let (mut send, _receive, _) = broken_pair(&context).await;
    context.within(send.close()).await.unwrap();
    context.assert_sends_closed(&mut send).await;

    let (mut send, mut receive) = context.one_way().await;
    context.within(send.close()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut receive).await, b"");
    context.within(receive.close()).await.unwrap();
    assert_receives_closed(&context, &mut receive).await;

    if context.pairs().resets() {
        let (send, mut receive) = context.one_way().await;
        closer(&send).abort();
        assert_is!(
            context.within(receive.receive(&mut [0; 1])).await,
            Err(ReceiveError::Broken(_))
        );
        context.within(receive.close()).await.unwrap();
        assert_receives_closed(&context, &mut receive).await;
    }
}

async fn a_receive_after_our_own_close_is_closed_whatever_its_buffer(context: Ground) {
    let (_send, mut receive) = context.one_way().await;
    context.within(receive.close()).await.unwrap();
    assert_receives_closed(&context, &mut receive).await;
}

async fn a_receive_after_close_is_closed_though_bytes_were_waiting(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    context.hand_over(&mut send, b"xyz").await;
    // One byte is received, so the others have arrived.
    assert_eq!(context.receive_bytes(&mut receive, 1).await, b"x");
    context.within(receive.close()).await.unwrap();
    assert_receives_closed(&context, &mut receive).await;
}

async fn a_send_after_our_own_close_is_closed_even_an_empty_one(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    context.within(send.close()).await.unwrap();
    context.assert_sends_closed(&mut send).await;
    assert_is!(context.within(send.flush()).await, Err(SendError::Closed));
    assert_eq!(
        context.receive_to_end(&mut receive).await,
        b"",
        "nothing was sent"
    );
    context.assert_sends_closed(&mut send).await;
}

async fn send_ready_on_a_closed_stream_is_closed(context: Ground) {
    let (mut send, _receive) = context.one_way().await;
    context.within(send.close()).await.unwrap();
    for _ in 0..2 {
        assert_is!(context.within(send.send_ready()).await, Err(SendError::Closed));
    }
}

async fn closing_again_and_again_succeeds(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    for _ in 0..3 {
        context.within(receive.close()).await.unwrap();
    }
    for _ in 0..3 {
        context.within(send.close()).await.unwrap();
    }
    assert_receives_closed(&context, &mut receive).await;
    context.assert_sends_closed(&mut send).await;
}

async fn a_close_given_up_after_one_poll_has_closed(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let _ = poll_once(&mut pin!(receive.close()));
    assert_receives_closed(&context, &mut receive).await;
    let _ = poll_once(&mut send.close());
    context.assert_sends_closed(&mut send).await;
}

async fn an_end_that_a_closer_closed_is_closed(context: Ground) {
    let (send, mut receive) = context.one_way().await;
    closer(&receive).close();
    assert_receives_closed(&context, &mut receive).await;
    drop(send);

    let (mut send, _receive) = context.one_way().await;
    closer(&send).close();
    context.assert_sends_closed(&mut send).await;
}

async fn assert_receives_closed(context: &Ground, receive: &mut ReceiveEnd) {
    for room in [4096, 1, 0, 1] {
        assert_is!(
            context.within(receive.receive(&mut vec![0; room])).await,
            Err(ReceiveError::Closed)
        );
    }
}

/// A sender that has found its receiver gone, and why it says that it broke.
async fn broken_pair(context: &Ground) -> (SendEnd, ReceiveEnd, Cause) {
    let (mut send, mut receive) = context.one_way().await;
    // A reset, where there is one: what the system says of it first is not what it says later. Elsewhere the end is there
    // once its owner has heard of it.
    closer(&receive).abort();
    assert_is!(
        context.within(receive.receive(&mut [0])).await,
        Err(ReceiveError::Closed)
    );
    let cause = context.within(send_until_broken(&mut send)).await;
    (send, receive, cause)
}

async fn send_until_broken<S: ByteSendStream + ?Sized>(send: &mut S) -> Cause {
    loop {
        match send.send(&[0; 100]).await {
            Ok(()) => {}
            Err(SendError::Broken(cause)) => return cause,
            Err(error) => panic!("expected to be broken, not {error:?}"),
        }
    }
}

fn assert_broken<T: std::fmt::Debug>(sent: Result<T, SendError>, first: &Cause) {
    match sent {
        Err(SendError::Broken(cause)) => {
            assert_eq!(cause.kind(), first.kind(), "the cause is the first one, always");
        }
        other => panic!("expected to be broken, not {other:?}"),
    }
}
