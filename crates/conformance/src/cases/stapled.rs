//! One stream made of two, on every executor.

use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll};

use anynet_core::{
    Attributes, AttributesExt, ByteReceiveStream, ByteSendStream, Cause, Closer, LocalAddress, ReceiveError,
    Request, SendError,
};
use anynet_util::{Faulty, MemoryStream, Stapled};

use crate::Ground;
use crate::case::cases;
use crate::steps::{assert_is, closer};

cases![given Ground:
    it_receives_from_one_and_sends_to_the_other,
    it_half_closes_by_its_send_stream_and_still_receives,
    closing_closes_both_parts_though_both_fail,
    a_receive_into_nothing_is_refused_and_takes_nothing,
    what_breaks_one_part_breaks_both_directions,
    however_much_had_arrived_is_received_before_broken,
    what_one_direction_notices_wakes_who_waits_in_the_other,
    a_closer_closes_both_parts_or_there_is_none,
];

async fn it_receives_from_one_and_sends_to_the_other(context: Ground) {
    let (mut stapled, mut source, mut sink) = made_of_two();
    context.within(source.send(b"in")).await.unwrap();
    context.within(stapled.send(b"out")).await.unwrap();
    assert_eq!(context.receive_bytes(&mut stapled, 2).await, b"in");
    assert_eq!(context.receive_bytes(&mut sink, 3).await, b"out");
    context.assert_waits(&mut source.receive(&mut [0; 1])).await;
    // The end of one direction is nothing to the other.
    context.within(source.send_eof()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut stapled).await, b"");
    context.within(stapled.send(b"more")).await.unwrap();
    context.within(stapled.flush()).await.unwrap();
    assert_eq!(context.receive_bytes(&mut sink, 4).await, b"more");
    assert!(stapled.attribute::<LocalAddress>().is_some());
}

async fn it_half_closes_by_its_send_stream_and_still_receives(context: Ground) {
    let (mut stapled, mut source, mut sink) = made_of_two();
    for _ in 0..2 {
        context.within(stapled.send_eof()).await.unwrap();
    }
    assert_eq!(context.receive_to_end(&mut sink).await, b"");
    context.assert_sends_closed(&mut stapled).await;
    context.within(source.send(b"late")).await.unwrap();
    assert_eq!(context.receive_bytes(&mut stapled, 4).await, b"late");
    // The send stream was not closed: it still has something to say.
    context.within(sink.send(b"x")).await.unwrap();
    let (_, send) = stapled.get_mut();
    assert_eq!(context.receive_bytes(send, 1).await, b"x");
    // What breaks since does not undo the end.
    context.within(source.close()).await.unwrap();
    closer(&sink).abort();
    context.within(stapled.send_eof()).await.unwrap();
    context.within(stapled.close()).await.unwrap();
    assert_is!(context.within(stapled.send_eof()).await, Err(SendError::Closed));
}

async fn closing_closes_both_parts_though_both_fail(context: Ground) {
    let (receive, send) = (Failing::default(), Failing::default());
    let is_gone = receive.0.clone();
    let mut stapled = Stapled::new(receive, send);
    assert_is!(
        context.within(stapled.receive(&mut [0; 1])).await,
        Err(ReceiveError::Broken(_))
    );
    assert_is!(context.within(stapled.close()).await, Err(SendError::Broken(_)));
    assert!(
        is_gone.load(Ordering::SeqCst),
        "the receive stream is closed by dropping it"
    );
    assert!(
        stapled.get_ref().1.0.load(Ordering::SeqCst),
        "the send stream was closed"
    );
    assert_is!(
        context.within(stapled.receive(&mut [0; 1])).await,
        Err(ReceiveError::Closed)
    );
    context.assert_sends_closed(&mut stapled).await;
    assert_is!(context.within(stapled.flush()).await, Err(SendError::Closed));
    assert_is!(context.within(stapled.send_ready()).await, Err(SendError::Closed));
}

async fn a_receive_into_nothing_is_refused_and_takes_nothing(context: Ground) {
    let (mut stapled, mut source, _sink) = made_of_two();
    context.within(source.send(b"x")).await.unwrap();
    let refused = context.within(stapled.receive(&mut [])).await;
    assert_is!(refused, Err(ReceiveError::EmptyBuffer));
    assert_eq!(context.receive_bytes(&mut stapled, 1).await, b"x");
    context.within(stapled.close()).await.unwrap();
    let refused = context.within(stapled.receive(&mut [])).await;
    assert_is!(refused, Err(ReceiveError::Closed));
}

async fn however_much_had_arrived_is_received_before_broken(context: Ground) {
    // More receives than a stream gives in one turn: a pause of it is not its last word.
    let arrived: Vec<u8> = (0..=u8::MAX).cycle().take(1000).collect();
    for waits in [false, true] {
        let ((receive, mut source), (send, sink)) = (MemoryStream::pair(1000), MemoryStream::pair(8));
        let receive = Faulty::new(receive);
        let receive = if waits { receive.waits() } else { receive };
        let mut stapled = Stapled::new(receive, send);
        context.within(source.send(&arrived)).await.unwrap();
        closer(&sink).abort();
        let send = context.within(stapled.send(b"x")).await;
        assert_is!(send, Err(SendError::Broken(_)));
        let mut byte = [0];
        for expected in &arrived {
            context.within(stapled.receive(&mut byte)).await.unwrap();
            assert_eq!(byte[0], *expected);
        }
        // And then nothing more, whatever comes.
        for _ in 0..2 {
            let end = context.within(stapled.receive(&mut byte)).await;
            assert_is!(end, Err(ReceiveError::Broken(_)));
            context.within(source.send(b"late")).await.unwrap();
        }
        let refused = context.within(stapled.receive(&mut [])).await;
        assert_is!(refused, Err(ReceiveError::EmptyBuffer));
    }
}

async fn what_breaks_one_part_breaks_both_directions(context: Ground) {
    // A send meets it: what had arrived is received, and then no clean end.
    for ends in [false, true] {
        let (mut stapled, mut source, sink) = made_of_two();
        context.within(source.send(b"a part")).await.unwrap();
        if ends {
            context.within(source.send_eof()).await.unwrap();
        }
        closer(&sink).abort();
        assert_is!(
            context.within(stapled.send(b"x")).await,
            Err(SendError::Broken(_))
        );
        let (received, end) = context.drain(&mut stapled).await;
        assert_eq!(received, b"a part");
        assert_is!(end, ReceiveError::Broken(_));
    }
    // An end that was told stays the end.
    let (mut stapled, mut source, sink) = made_of_two();
    context.within(source.send_eof()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut stapled).await, b"");
    closer(&sink).abort();
    assert_is!(
        context.within(stapled.send(b"x")).await,
        Err(SendError::Broken(_))
    );
    assert_eq!(context.receive_to_end(&mut stapled).await, b"");
    // A receive meets it: nothing is sent any more, and what was closed says so first.
    for closes in [false, true] {
        let (mut stapled, source, mut sink) = made_of_two();
        closer(&source).abort();
        if closes {
            context.within(stapled.send_eof()).await.unwrap();
        }
        let received = context.within(stapled.receive(&mut [0; 1])).await;
        assert_is!(received, Err(ReceiveError::Broken(_)));
        if closes {
            context.assert_sends_closed(&mut stapled).await;
            continue;
        }
        for data in [&b"x"[..], b""] {
            assert_is!(
                context.within(stapled.send(data)).await,
                Err(SendError::Broken(_))
            );
        }
        assert_is!(
            context.within(stapled.send_ready()).await,
            Err(SendError::Broken(_))
        );
        assert_is!(
            context.within(stapled.send_eof()).await,
            Err(SendError::Broken(_))
        );
        context.assert_waits(&mut sink.receive(&mut [0; 1])).await;
        context.within(stapled.close()).await.unwrap();
        assert_eq!(context.receive_to_end(&mut sink).await, b"");
    }
}

async fn what_one_direction_notices_wakes_who_waits_in_the_other(context: Ground) {
    let (mut stapled, _source, sink) = made_of_two();
    closer(&sink).abort();
    let mut has_sent = false;
    let both = poll_fn(|cx| {
        let received = stapled.poll_receive(cx, &mut [0; 1]);
        if received.is_pending() && !std::mem::replace(&mut has_sent, true) {
            let sent = stapled.poll_send(cx, &[IoSlice::new(b"x")]);
            assert_is!(sent, Poll::Ready(Err(SendError::Broken(_))));
        }
        received
    });
    assert_is!(context.within(both).await, Err(ReceiveError::Broken(_)));
    assert!(has_sent);
}

async fn a_closer_closes_both_parts_or_there_is_none(context: Ground) {
    let closes: [fn(&Closer); 2] = [Closer::close, Closer::abort];
    for close in closes {
        let (mut stapled, mut source, mut sink) = made_of_two();
        let closer = closer(&stapled);
        let mut buf = [0; 1];
        let mut receiving = stapled.receive(&mut buf);
        context.assert_waits(&mut receiving).await;
        close(&closer);
        assert_is!(context.within(receiving).await, Err(ReceiveError::Closed));
        context.assert_sends_closed(&mut stapled).await;
        assert_is!(context.within(source.send(b"x")).await, Err(SendError::Broken(_)));
        context
            .within(sink.receive(&mut [0; 1]))
            .await
            .expect_err("nothing more comes");
        // It keeps nothing, and does nothing more.
        drop(stapled);
        close(&closer);
    }
    // That of one part alone would be a lie.
    let (send, _peer) = MemoryStream::pair(8);
    let stapled = Stapled::new(Failing::default(), send);
    assert!(stapled.attribute::<Closer>().is_none());
}

/// A stapled stream, the end that its bytes come from, and the one that they go to.
fn made_of_two() -> (
    Stapled<MemoryStream, Faulty<MemoryStream>>,
    MemoryStream,
    MemoryStream,
) {
    let (receive, source) = MemoryStream::pair(1024);
    let (send, sink) = MemoryStream::pair(1024);
    (
        Stapled::new(receive, Faulty::new(send).flush_waits(2)),
        source,
        sink,
    )
}

/// Fails whatever it is asked for. Remembers that it was closed, or dropped.
#[derive(Debug, Default)]
struct Failing(Arc<AtomicBool>);

fn failed() -> Cause {
    ErrorKind::Other.into()
}

impl Drop for Failing {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Attributes for Failing {
    fn attributes<'a>(&'a self, _: &mut Request<'_, 'a>) {}
}

impl ByteReceiveStream for Failing {
    fn poll_receive(
        &mut self,
        _: &mut TaskContext<'_>,
        _: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        Poll::Ready(Err(ReceiveError::Broken(failed())))
    }
}

impl ByteSendStream for Failing {
    fn poll_send(&mut self, _: &mut TaskContext<'_>, _: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        Poll::Ready(Err(SendError::Broken(failed())))
    }

    fn poll_send_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Err(SendError::Broken(failed())))
    }

    fn poll_flush(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Err(SendError::Broken(failed())))
    }

    fn poll_send_eof(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(Err(SendError::Broken(failed())))
    }

    fn poll_close(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        self.0.store(true, Ordering::SeqCst);
        Poll::Ready(Err(SendError::Broken(failed())))
    }
}
