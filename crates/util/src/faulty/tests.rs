//! The faults, one by one.

use anynet_core::Result;
use futures_lite::future::block_on;

use super::*;
use crate::MemoryStream;

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
