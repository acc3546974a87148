//! The faults, one by one.

use std::sync::atomic::{AtomicU64, Ordering};

use anynet_core::{Listener, Network, Result};
use futures_lite::future::{block_on, poll_once};

use super::*;
use crate::latch::tests::flag;
use crate::{MemoryNetwork, MemoryStream, timeout};

const DATA: &[u8] = b"a message of forty bytes that is cut up.";

#[test]
fn pieces_are_small_arrive_whole_and_are_the_same_for_a_seed() {
    let run = |seed| {
        block_on(async {
            let (left, right) = MemoryStream::pair(1024);
            let (mut left, mut right) = (Faulty::new(left).pieces(seed, 5), Faulty::new(right).pieces(7, 5));
            left.send(DATA).await?;
            left.close().await?;
            let (mut sizes, mut received, mut buf) = (Vec::new(), Vec::new(), [0; 64]);
            while let Ok(n) = right.receive(&mut buf).await {
                sizes.push(n);
                received.extend_from_slice(&buf[..n]);
            }
            assert_eq!(received, DATA);
            assert!(sizes.iter().all(|size| (1..=5).contains(size)), "{sizes:?}");
            Result::<_>::Ok(sizes)
        })
        .unwrap()
    };
    assert_eq!(run(1), run(1));
}

#[test]
fn a_reset_comes_at_its_byte_and_is_remembered_in_both_directions() {
    block_on(async {
        let (left, mut right) = MemoryStream::pair(1024);
        let mut left = Faulty::new(left).reset_after_sending(10);
        right.send(b"x").await.unwrap();
        right.send_eof().await.unwrap();
        let mut send = left.send(&DATA[..20]);
        let sent = (&mut send).await;
        assert!(matches!(sent, Err(SendError::Broken(_))), "{sent:?}");
        assert_eq!(send.sent(), 10);
        assert!(matches!(left.send_eof().await, Err(SendError::Broken(_))));
        assert_eq!(left.receive(&mut [0; 8]).await.unwrap(), 1, "what had come");
        for _ in 0..2 {
            let received = left.receive(&mut [0; 8]).await;
            assert!(matches!(received, Err(ReceiveError::Broken(_))), "{received:?}");
        }
        left.close().await.unwrap();
        assert!(matches!(
            left.receive(&mut [0; 8]).await,
            Err(ReceiveError::Closed)
        ));
        assert!(matches!(left.send(b"").await, Err(SendError::Closed)));
    });
}

#[test]
fn an_end_comes_at_its_byte_and_sending_goes_on() {
    block_on(async {
        let (left, mut right) = MemoryStream::pair(1024);
        let mut left = Faulty::new(left).end_after_receiving(3);
        right.send(b"abcdef").await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(left.receive(&mut buf).await.unwrap(), 3);
        for _ in 0..2 {
            assert!(matches!(
                left.receive(&mut buf).await,
                Err(ReceiveError::EndOfStream)
            ));
        }
        left.send(b"x").await.unwrap();
    });
}

#[test]
fn a_send_that_takes_nothing_is_an_error_and_no_spin() {
    block_on(async {
        let (left, _right) = MemoryStream::pair(1024);
        let mut left = Faulty::new(left).send_nothing_at(4);
        left.send(b"good").await.unwrap();
        match left.send(b"bad").await {
            Err(SendError::Broken(cause)) => assert_eq!(cause.kind(), ErrorKind::WriteZero),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn what_waits_is_pending_once_and_then_done() {
    let (left, mut right) = MemoryStream::pair(1024);
    let mut left = Faulty::new(left).waits().flush_waits(2);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let x = [IoSlice::new(b"x")];
    for _ in 0..2 {
        assert!(left.poll_send(&mut cx, &x).is_pending());
        assert!(matches!(left.poll_send(&mut cx, &x), Poll::Ready(Ok(1))));
        assert!(left.poll_flush(&mut cx).is_pending());
        assert!(left.poll_flush(&mut cx).is_pending());
        assert!(left.poll_flush(&mut cx).is_ready());
    }
    block_on(right.send(b"y")).unwrap();
    let mut buf = [0; 8];
    assert!(left.poll_receive(&mut cx, &mut buf).is_pending());
    assert!(left.poll_receive(&mut cx, &mut buf).is_ready());
}

#[test]
fn every_operation_waits_and_a_close_has_closed_meanwhile() {
    let (left, mut right) = MemoryStream::pair(1024);
    let mut left = Faulty::new(left).waits();
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(left.poll_send_ready(&mut cx).is_pending());
    // Another operation waits for itself.
    assert!(left.poll_flush(&mut cx).is_pending());
    assert!(left.poll_flush(&mut cx).is_ready());
    assert!(left.poll_send_ready(&mut cx).is_ready());
    assert!(left.poll_send_eof(&mut cx).is_pending());
    assert!(block_on(poll_once(right.receive(&mut [0; 1]))).is_none());
    assert!(left.poll_send_eof(&mut cx).is_ready());
    assert!(left.poll_close(&mut cx).is_pending());
    block_on(right.send(b"x")).expect_err("it is closed, though nobody waited for it");
    assert!(matches!(left.poll_close(&mut cx), Poll::Ready(Ok(()))));
}

#[test]
fn pieces_are_those_of_their_seed_whatever_else_happens() {
    let sizes = |disturbs: bool| {
        block_on(async {
            let (left, mut right) = MemoryStream::pair(1024);
            let mut left = Faulty::new(left).pieces(5, 9);
            let mut sizes = Vec::new();
            for _ in 0..20 {
                if disturbs {
                    assert!(poll_once(left.receive(&mut [0; 64])).await.is_none());
                    left.send_some(DATA).await?;
                }
                right.send(DATA).await?;
                let mut left_over = DATA.len();
                while left_over > 0 {
                    let n = left.receive(&mut [0; 64]).await?;
                    sizes.push(n);
                    left_over -= n;
                }
            }
            Result::<_>::Ok(sizes)
        })
        .unwrap()
    };
    assert_eq!(sizes(false), sizes(true));
    assert!((1..=9).all(|size| sizes(false).contains(&size)));
}

#[test]
fn a_reset_is_there_as_soon_as_its_byte_was_moved() {
    block_on(async {
        // Whoever has sent its question and waits for the answer.
        let (left, mut right) = MemoryStream::pair(1024);
        let mut left = Faulty::new(left).reset_after_sending(8);
        left.send(b"question").await.unwrap();
        right.send(b"a part").await.unwrap();
        assert_eq!(left.receive(&mut [0; 64]).await.unwrap(), 6, "what has arrived");
        for _ in 0..2 {
            let told = left.receive(&mut [0; 64]).await;
            assert!(matches!(told, Err(ReceiveError::Broken(_))), "{told:?}");
            right.send(b"late").await.unwrap();
        }

        // However many receives that takes, and with pauses.
        let (left, mut right) = MemoryStream::pair(1024);
        let mut left = Faulty::new(Faulty::new(left).waits()).reset_after_sending(1);
        left.send(b"?").await.unwrap();
        right.send(&[7; 1000]).await.unwrap();
        for _ in 0..1000 {
            left.receive(&mut [0]).await.unwrap();
        }
        let told = left.receive(&mut [0]).await;
        assert!(matches!(told, Err(ReceiveError::Broken(_))), "{told:?}");

        let (left, mut right) = MemoryStream::pair(1024);
        let mut left = Faulty::new(left).reset_after_receiving(3);
        right.send(b"abcdef").await.unwrap();
        left.receive_exactly(&mut [0; 3]).await.unwrap();
        for data in [&b"x"[..], b""] {
            let told = left.send(data).await;
            assert!(matches!(told, Err(SendError::Broken(_))), "{told:?}");
        }
        assert!(matches!(left.send_ready().await, Err(SendError::Broken(_))));
        assert!(matches!(left.send_eof().await, Err(SendError::Broken(_))));
    });
}

#[test]
fn a_reset_turns_no_end_that_was_told_and_no_later_end_looks_clean() {
    block_on(async {
        for by_script in [false, true] {
            let make = || {
                let (left, mut right) = MemoryStream::pair(1024);
                block_on(right.send_eof()).unwrap();
                let left = Faulty::new(left).reset_after_sending(1);
                (
                    if by_script {
                        left.end_after_receiving(0)
                    } else {
                        left
                    },
                    right,
                )
            };
            let (mut left, _right) = make();
            let end = left.receive(&mut [0; 1]).await;
            assert!(matches!(end, Err(ReceiveError::EndOfStream)), "{end:?}");
            left.send_eof().await.unwrap();
            left.send_eof().await.unwrap();

            let (mut left, _right) = make();
            let end = left.receive(&mut [0; 1]).await;
            assert!(matches!(end, Err(ReceiveError::EndOfStream)), "{end:?}");
            left.send(b"xy").await.unwrap_err();
            let end = left.receive(&mut [0; 1]).await;
            assert!(matches!(end, Err(ReceiveError::EndOfStream)), "it stays: {end:?}");

            let (mut left, _right) = make();
            left.send(b"xy").await.unwrap_err();
            let end = left.receive(&mut [0; 1]).await;
            assert!(
                matches!(end, Err(ReceiveError::Broken(_))),
                "no clean end: {end:?}"
            );
        }
    });
}

#[test]
fn two_operations_that_wait_in_one_task_come_to_rest() {
    let (left, _right) = MemoryStream::pair(1);
    let mut left = Faulty::new(left).waits();
    let mut polls = 0;
    let both = std::future::poll_fn(|cx| {
        polls += 1;
        assert!(polls < 10, "they wake one another");
        let _ = left.poll_send(cx, &[IoSlice::new(b"x")]);
        let _ = left.poll_receive(cx, &mut [0; 1]);
        Poll::<()>::Pending
    });
    MemoryNetwork::run(async |network| {
        timeout(&network, std::time::Duration::from_secs(1), both)
            .await
            .unwrap_err();
    });
}

#[test]
fn a_send_that_is_tried_once_there_is_room_comes_to_its_end() {
    let (left, _right) = MemoryStream::pair(8);
    let mut left = Faulty::new(left).waits();
    let mut polls = 0;
    let sent = std::future::poll_fn(|cx| {
        polls += 1;
        assert!(polls < 10, "they make one another wait");
        ready!(left.poll_send_ready(cx))?;
        left.poll_send(cx, &[IoSlice::new(b"x")])
    });
    assert_eq!(block_on(sent).unwrap(), 1);
}

#[test]
fn a_reset_wakes_who_waits_in_the_other_direction() {
    let (left, _right) = MemoryStream::pair(8);
    let mut left = Faulty::new(left).reset_after_sending(1);
    let (flag, waker) = flag();
    let mut cx = Context::from_waker(&waker);
    assert!(left.poll_receive(&mut cx, &mut [0; 8]).is_pending());
    block_on(left.send_some(b"x")).unwrap();
    assert!(flag.is_woken());
    let told = block_on(left.receive(&mut [0; 8]));
    assert!(matches!(told, Err(ReceiveError::Broken(_))), "{told:?}");

    let (left, mut right) = MemoryStream::pair(1);
    let mut left = Faulty::new(left).reset_after_receiving(1);
    block_on(left.send(b"x")).unwrap();
    block_on(right.send(b"y")).unwrap();
    let (flag, waker) = self::flag();
    let mut cx = Context::from_waker(&waker);
    let x = [IoSlice::new(b"x")];
    assert!(left.poll_send(&mut cx, &x).is_pending());
    assert_eq!(block_on(left.receive(&mut [0; 8])).unwrap(), 1);
    assert!(flag.is_woken());
    let told = left.poll_send(&mut cx, &x);
    assert!(matches!(told, Poll::Ready(Err(SendError::Broken(_)))), "{told:?}");
}

#[test]
fn every_stream_of_a_faulty_network_is_scripted_in_its_turn() {
    MemoryNetwork::run(async |network| {
        let address = "192.0.2.1:7".parse().unwrap();
        let made = AtomicU64::new(1);
        // The first stream is reset after one byte, the second after two, and so on.
        let faulty = FaultyNetwork::new(network.clone(), move |stream| {
            stream.reset_after_receiving(made.fetch_add(1, Ordering::Relaxed))
        });
        let listener = faulty.listen(address).await.unwrap();
        for moves in [1, 3] {
            let (mut client, mut server) = (
                faulty.clone().connect(address).await.unwrap(),
                listener.accept().await.unwrap(),
            );
            client.send(DATA).await.unwrap();
            server.send(DATA).await.unwrap();
            for (stream, moves) in [(&mut client, moves), (&mut server, moves + 1)] {
                let error = stream.receive_exactly(&mut [0; 40]).await.unwrap_err();
                assert_eq!(error.received(), moves);
                assert!(matches!(error.reason(), ReceiveError::Broken(_)), "{error}");
            }
        }
    });
}
