//! One direction of any stream: what is sent is received.

pub(super) mod ending;
pub(super) mod waiting;

use std::future::poll_fn;
use std::io::IoSlice;
use std::sync::Arc;

use anynet_core::{ByteReceiveStreamExt, ByteSendStream, ByteSendStreamExt, ReceiveError};

use crate::Ground;
use crate::case::cases;
use crate::steps::{Random, assert_is};

cases![given Ground:
    chunks_come_one_by_one_up_to_the_end,
    a_byte_sent_is_the_byte_received,
    an_empty_send_completes_no_receive,
    bytes_are_sent_from_any_buffer,
    an_empty_receive_buffer_is_refused_and_changes_nothing,
    a_receive_returns_what_is_there_without_filling_its_buffer,
    a_receive_stays_within_its_buffer,
    receive_exactly_fills_its_buffer_or_says_how_much_came,
    send_ready_returns_while_there_is_room,
    one_send_larger_than_all_buffers_arrives_whole,
    a_vectored_send_keeps_its_order_across_partial_sends,
    a_vectored_send_passes_over_empty_slices_however_many,
];

/// More than the buffers between two ends commonly hold while nobody receives. The cases assert that it is.
const LARGE: usize = 8 << 20;

async fn a_byte_sent_is_the_byte_received(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let receiving = context.spawn_waiting(async move {
        let mut buf = [0; 8];
        let received = receive.receive(&mut buf).await;
        (received, buf[0])
    });
    let receiving = receiving.await;
    context.hand_over(&mut send, b"x").await;
    assert_is!(context.within(receiving).await, (Ok(1), b'x'));
}

async fn an_empty_send_completes_no_receive(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let mut buf = [0; 8];
    let mut receiving = receive.receive(&mut buf);
    context.assert_waits(&mut receiving).await;
    context.hand_over(&mut send, b"").await;
    context.within(send.send_vectored(&mut [])).await.unwrap();
    assert_is!(context.within(send.send_some(b"")).await, Ok(0));
    context.assert_waits(&mut receiving).await;
    context.hand_over(&mut send, b"y").await;
    assert_is!(context.within(receiving).await, Ok(1));
    assert_eq!(buf[0], b'y');
}

async fn bytes_are_sent_from_any_buffer(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let mut reused = vec![b'1'];
    context.hand_over(&mut send, &reused).await;
    reused[0] = b'!';
    assert_eq!(context.receive_bytes(&mut receive, 1).await, b"1");
    context.hand_over(&mut send, &b"..2.."[2..3]).await;
    context.hand_over(&mut send, &reused[..0]).await;
    assert_eq!(context.receive_bytes(&mut receive, 1).await, b"2");
    context.assert_waits(&mut receive.receive(&mut [0; 8])).await;
}

async fn an_empty_receive_buffer_is_refused_and_changes_nothing(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    assert_is!(
        context.within(receive.receive(&mut [])).await,
        Err(ReceiveError::EmptyBuffer)
    );
    context.hand_over(&mut send, b"x").await;
    context.settle().await;
    assert_is!(
        context.within(receive.receive(&mut [])).await,
        Err(ReceiveError::EmptyBuffer)
    );
    assert_eq!(context.receive_bytes(&mut receive, 1).await, b"x");
    context.within(send.close()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut receive).await, b"");
    // An argument that is wrong is wrong at the end too.
    assert_is!(
        context.within(receive.receive(&mut [])).await,
        Err(ReceiveError::EmptyBuffer)
    );
    assert_eq!(context.receive_to_end(&mut receive).await, b"");
}

async fn a_receive_returns_what_is_there_without_filling_its_buffer(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let mut buf = vec![0; 1 << 20];
    for room in [2, 4096, 1 << 20] {
        context.hand_over(&mut send, b"x").await;
        assert_is!(context.within(receive.receive(&mut buf[..room])).await, Ok(1));
        assert_eq!(buf[0], b'x');
        buf[0] = 0;
    }
}

async fn a_receive_stays_within_its_buffer(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let data = Random::new(1).bytes(64);
    context.hand_over(&mut send, &data).await;
    let mut received = Vec::new();
    while received.len() < data.len() {
        let mut memory = [0xA5; 32];
        let n = context.within(receive.receive(&mut memory[8..18])).await.unwrap();
        assert!(n <= 10, "{n} bytes in a buffer of 10");
        assert_eq!((&memory[..8], &memory[18..]), (&[0xA5; 8][..], &[0xA5; 14][..]));
        received.extend_from_slice(&memory[8..][..n]);
    }
    assert_eq!(received, data);
}

async fn receive_exactly_fills_its_buffer_or_says_how_much_came(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let mut buf = [0; 6];
    let mut receiving = receive.receive_exactly(&mut buf);
    context.hand_over(&mut send, b"abc").await;
    context.assert_waits(&mut receiving).await;
    assert_eq!(receiving.received(), 3, "what has come so far");
    context.hand_over(&mut send, b"def..").await;
    context.within(receiving).await.unwrap();
    assert_eq!(&buf, b"abcdef");

    context.within(send.close()).await.unwrap();
    for received in [2, 0] {
        let error = context
            .within(receive.receive_exactly(&mut buf))
            .await
            .unwrap_err();
        assert_eq!(error.received(), received);
        assert_is!(error.reason(), ReceiveError::EndOfStream);
        assert_eq!(&buf, b"..cdef");
    }
}

async fn send_ready_returns_while_there_is_room(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let receiving = context.spawn_waiting(async move {
        let mut buf = [0; 8];
        let received = receive.receive(&mut buf).await;
        (received, buf[0])
    });
    let mut receiving = receiving.await;
    for _ in 0..3 {
        context.within(send.send_ready()).await.unwrap();
    }
    context.assert_waits(&mut receiving).await;
    context.hand_over(&mut send, b"x").await;
    assert_is!(context.within(receiving).await, (Ok(1), b'x'));
}

async fn one_send_larger_than_all_buffers_arrives_whole(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let data = Arc::new(Random::new(2).bytes(LARGE));
    let large = data.clone();
    let sending = context.spawn_waiting(async move {
        send.send(&large).await.unwrap();
        send.close().await
    });
    let sending = sending.await;
    let received = context.receive_to_end(&mut receive).await;
    context.within(sending).await.unwrap();
    assert_eq!(received.len(), data.len());
    assert!(received == *data, "what arrived is not what was sent");
}

async fn a_vectored_send_keeps_its_order_across_partial_sends(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let data = Arc::new(Random::new(3).bytes(LARGE));
    let large = data.clone();
    let sending = context.spawn_waiting(async move {
        let mut slices = uneven_slices(&large);
        assert!(slices.len() > 1024, "more than a system takes in one call");
        send.send_vectored(&mut slices).await.unwrap();
        send.close().await
    });
    let sending = sending.await;
    let received = context.receive_to_end(&mut receive).await;
    context.within(sending).await.unwrap();
    assert_eq!(received.len(), data.len());
    assert!(received == *data, "what arrived is not what was sent");
}

async fn a_vectored_send_passes_over_empty_slices_however_many(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let empty = vec![IoSlice::new(&[]); 2000];
    let mut slices = empty.clone();
    slices.push(IoSlice::new(b"x"));
    slices.extend_from_slice(&empty);
    slices.push(IoSlice::new(b"y"));
    let mut advanced = slices.clone();
    let sending = context.spawn(async move {
        send.send_vectored(&mut advanced).await.unwrap();
        send
    });
    assert_eq!(context.receive_bytes(&mut receive, 2).await, b"xy");
    let mut send = context.within(sending).await;
    // The method drops what is empty in front; the stream itself must bear it as well.
    let taken = context.within(poll_fn(|cx| send.poll_send(cx, &slices))).await;
    assert_is!(taken, Ok(1 | 2));
    assert_eq!(context.receive_bytes(&mut receive, 1).await, b"x");
    let taken = context.within(poll_fn(|cx| send.poll_send(cx, &empty))).await;
    assert_is!(taken, Ok(0));
}

/// Cuts `data` into slices of many lengths, some of them empty.
fn uneven_slices(data: &[u8]) -> Vec<IoSlice<'_>> {
    let mut sizes = Random::new(4);
    let (mut slices, mut rest) = (Vec::new(), data);
    while !rest.is_empty() {
        let size = if slices.len() % 10 == 0 {
            0
        } else {
            sizes.up_to(8 << 10).min(rest.len())
        };
        let (slice, behind) = rest.split_at(size);
        slices.push(IoSlice::new(slice));
        rest = behind;
    }
    slices
}

async fn chunks_come_one_by_one_up_to_the_end(context: Ground) {
    let (mut send, mut receive) = context.one_way().await;
    let sent: Vec<u8> = (0..10_000).map(|number| number as u8).collect();
    let sending = context.spawn({
        let sent = sent.clone();
        async move {
            send.send(&sent).await.unwrap();
            send.close().await.unwrap();
        }
    });
    let mut chunks = receive.chunks(300);
    let mut received = Vec::new();
    while let Some(chunk) = context.within(chunks.next()).await {
        let chunk = chunk.unwrap();
        assert!((1..=300).contains(&chunk.len()));
        received.extend_from_slice(chunk);
    }
    assert_eq!(received, sent);
    assert!(context.within(chunks.next()).await.is_none(), "the end again");
    context.within(sending).await;
}
