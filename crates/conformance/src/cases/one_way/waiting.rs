//! One direction of any stream: operations that wait, that are given up, and that a close wakes.

use std::sync::{Arc, Mutex};

use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt, ReceiveError, SendError};

use crate::Ground;
use crate::case::cases;
use crate::context::poll_once;
use crate::steps::{assert_is, closer};

cases![given Ground:
    an_operation_dropped_before_its_first_poll_does_nothing,
    a_blocked_receive_that_is_dropped_loses_no_byte,
    a_closer_wakes_a_blocked_receive,
    a_closer_wakes_a_blocked_send,
    a_closer_wakes_a_blocked_send_ready,
    send_ready_waits_until_the_receiver_drains,
    send_ready_does_not_hang_on_a_receiver_that_is_gone,
    a_send_that_waits_has_taken_nothing,
    a_wake_up_goes_to_whoever_polled_last,
];

async fn an_operation_dropped_before_its_first_poll_does_nothing(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let mut buf = [0; 8];
    drop(send.send(b"lost"));
    drop(send.send_eof());
    drop(send.close());
    context.assert_waits(&mut receive.receive(&mut buf)).await;

    context.hand_over(&mut send, b"x").await;
    context.settle().await;
    drop(receive.receive(&mut buf));
    drop(receive.close());
    assert_eq!(context.receive_bytes(&mut receive, 1).await, b"x");
    context.within(send.close()).await.unwrap();
    context.within(receive.close()).await.unwrap();
}

async fn a_blocked_receive_that_is_dropped_loses_no_byte(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let mut buf = [0; 8];
    // Dropped before the byte comes.
    context.assert_waits(&mut receive.receive(&mut buf)).await;
    context.hand_over(&mut send, b"x").await;
    assert_eq!(context.receive_bytes(&mut receive, 1).await, b"x");

    // Dropped after the byte came, and its wake-up.
    let mut receiving = receive.receive(&mut buf);
    context.assert_waits(&mut receiving).await;
    context.hand_over(&mut send, b"y").await;
    context.settle().await;
    drop(receiving);
    assert_eq!(buf, [0; 8], "nothing was received");
    assert_eq!(context.receive_bytes(&mut receive, 1).await, b"y");
}

async fn a_closer_wakes_a_blocked_receive(context: Ground) {
    let (_send, mut receive) = context.one_way().await;
    let closer = closer(&receive);
    let receiving = context.spawn_waiting(async move { receive.receive(&mut [0; 8]).await });
    let receiving = receiving.await;
    closer.close();
    assert_is!(context.within(receiving).await, Err(ReceiveError::Closed));
}

async fn a_closer_wakes_a_blocked_send(context: Ground) {
    let (mut send, _receive, _) = context.clogged().await;
    let closer = closer(&send);
    let sending = context.spawn_waiting(async move { send.send(&[0; 4096]).await });
    let sending = sending.await;
    closer.close();
    assert_is!(context.within(sending).await, Err(SendError::Closed));
}

async fn a_closer_wakes_a_blocked_send_ready(context: Ground) {
    let (mut send, _receive, _) = context.clogged().await;
    let closer = closer(&send);
    let waiting = context.spawn_waiting(async move { send.send_ready().await });
    let waiting = waiting.await;
    closer.close();
    assert_is!(context.within(waiting).await, Err(SendError::Closed));
}

async fn send_ready_waits_until_the_receiver_drains(context: Ground) {
    let (mut send, mut receive, sent) = context.clogged().await;
    let events = Arc::new(Mutex::new(Vec::new()));
    let log = events.clone();
    let waiting = context.spawn_waiting(async move {
        log.lock().unwrap().push("waits");
        let ready = send.send_ready().await;
        log.lock().unwrap().push("wakes");
        (send, ready)
    });
    let waiting = waiting.await;
    events.lock().unwrap().push("drains");
    let piece = sent.min(1 << 14);
    for _ in 0..sent / piece {
        context.receive_bytes(&mut receive, piece).await;
    }
    let (mut send, ready) = context.within(waiting).await;
    ready.unwrap();
    assert_eq!(*events.lock().unwrap(), ["waits", "drains", "wakes"]);
    context.within(send.send_some(b"x")).await.unwrap();
}

async fn send_ready_does_not_hang_on_a_receiver_that_is_gone(context: Ground) {
    // Gone while the wait is on.
    let (mut send, receive, _) = context.clogged().await;
    let waiting = context.spawn_waiting(async move { send.send_ready().await });
    let waiting = waiting.await;
    drop(receive);
    assert_is!(context.within(waiting).await, Ok(()) | Err(SendError::Broken(_)));

    // Gone before it begins.
    let (mut send, receive, _) = context.clogged().await;
    drop(receive);
    assert_is!(
        context.within(send.send_ready()).await,
        Ok(()) | Err(SendError::Broken(_))
    );
}

async fn a_send_that_waits_has_taken_nothing(context: Ground) {
    let (mut send, mut receive, sent) = context.clogged().await;
    context.assert_waits(&mut send.send_some(b"lost")).await;
    context.receive_bytes(&mut receive, sent).await;
    context.hand_over(&mut send, b"x").await;
    assert_eq!(context.receive_bytes(&mut receive, 1).await, b"x");
}

async fn a_wake_up_goes_to_whoever_polled_last(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    assert!(poll_once(&mut receive.receive(&mut [0; 8])).is_pending());
    let receiving = context.spawn_waiting(async move {
        let received = receive.receive(&mut [0; 8]).await;
        (receive, received)
    });
    let receiving = receiving.await;
    context.hand_over(&mut send, b"x").await;
    let (mut receive, received) = context.within(receiving).await;
    assert_is!(received, Ok(1));

    let sent = context.clog(&mut send).await;
    assert!(poll_once(&mut send.send_some(b"x")).is_pending());
    let sending = context.spawn_waiting(async move { send.send_some(b"x").await });
    let sending = sending.await;
    context.receive_bytes(&mut receive, sent).await;
    assert_is!(context.within(sending).await, Ok(1));

    let (_send, mut receive) = context.one_way().await;
    let closer = closer(&receive);
    assert!(poll_once(&mut receive.receive(&mut [0; 8])).is_pending());
    let receiving = context.spawn_waiting(async move { receive.receive(&mut [0; 8]).await });
    let receiving = receiving.await;
    closer.close();
    assert_is!(context.within(receiving).await, Err(ReceiveError::Closed));
}
