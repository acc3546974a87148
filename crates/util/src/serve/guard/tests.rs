//! What a guard ends, to the millisecond, and what it leaves alone.

use std::future::{Ready, poll_fn, ready};
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use anynet_core::{BoxTask, ByteReceiveStream, ByteSendStream, Executor, ReceiveError, Result, SendError};

use super::*;
use crate::{MemoryNetwork, MemoryStream, timeout};

type Guarded = GuardedStream<MemoryStream, MemoryNetwork>;

const CAPACITY: usize = 64;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// Runs `handler` on a stream that may wait for a second, beside its peer, and says how long it took.
fn under_progress_timeout<F>(handler: impl Fn(Guarded, MemoryNetwork) -> F) -> Duration
where
    F: Future<Output = Result<()>>,
{
    MemoryNetwork::run(async |network| {
        let start = network.now();
        let (ours, _theirs) = MemoryStream::pair(CAPACITY);
        let guard = Guard::new(network.clone()).progress_timeout(MS(1000));
        let guarded = guard.around(|stream| handler(stream, network.clone()));
        guarded(ours).await.unwrap();
        network.now() - start
    })
}

async fn assert_times_out(stream: &mut Guarded) {
    match stream.receive(&mut [0; 8]).await {
        Err(ReceiveError::Broken(cause)) => assert_eq!(cause.kind(), ErrorKind::TimedOut),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_send_begins_the_time_of_a_receive_that_waits_beside_it_anew_and_does_not_end_it() {
    let took = under_progress_timeout(async |mut stream: Guarded, network| {
        let mut pause = network.sleep(MS(400));
        let mut sends = true;
        // Both directions at once, as a proxy has them.
        let received = poll_fn(|cx| {
            let received = stream.poll_receive(cx, &mut [0; 8]);
            if sends && Pin::new(&mut pause).poll(cx).is_ready() {
                assert!(matches!(
                    stream.poll_send(cx, &[std::io::IoSlice::new(b"x")]),
                    Poll::Ready(Ok(1))
                ));
                sends = false;
            }
            received
        });
        assert!(matches!(received.await, Err(ReceiveError::Broken(_))));
        Ok(())
    });
    assert_eq!(took, MS(1400));
}

#[test]
fn a_receive_and_a_send_that_wait_in_two_tasks_have_their_times() {
    MemoryNetwork::run(async |network| {
        let start = network.now();
        let (ours, mut theirs) = MemoryStream::pair(CAPACITY);
        let own = network.clone();
        let guard = Guard::new(network.clone()).progress_timeout(MS(1000));
        let guarded = guard.around(move |stream: Guarded| {
            let network = own.clone();
            let stream = Arc::new(Mutex::new(stream));
            let sending = stream.clone();
            async move {
                let pause = network.sleep(MS(400));
                let sending = network.spawn(async move {
                    pause.await;
                    for _ in 0..2 {
                        let sent = [std::io::IoSlice::new(&[0; CAPACITY])];
                        poll_fn(|cx| sending.lock().unwrap().poll_send(cx, &sent)).await?;
                    }
                    Result::Ok(())
                });
                let received = poll_fn(|cx| stream.lock().unwrap().poll_receive(cx, &mut [0; 8])).await;
                assert!(matches!(received, Err(ReceiveError::Broken(_))));
                sending.await
            }
        });
        let guarded = network.spawn(guarded(ours));
        network.sleep(MS(600)).await;
        theirs.receive_exactly(&mut [0; CAPACITY]).await.unwrap();
        guarded.await.unwrap();
        assert_eq!(network.now() - start, MS(1600));
    });
}

#[test]
fn what_moves_no_byte_does_not_stop_the_time() {
    let took = under_progress_timeout(async |mut stream: Guarded, network| {
        for _ in 0..3 {
            let received = timeout(&network, MS(300), stream.receive(&mut [0; 8])).await;
            received.expect_err("the peer says nothing");
            stream.flush().await?;
            stream.send(b"").await?;
            let nothing = stream.receive(&mut []).await;
            assert!(matches!(nothing, Err(ReceiveError::EmptyBuffer)));
        }
        assert_times_out(&mut stream).await;
        Ok(())
    });
    assert_eq!(took, MS(1000));
    let took = under_progress_timeout(async |mut stream: Guarded, network| {
        stream.send(&[0; CAPACITY]).await?;
        for _ in 0..3 {
            let sent = timeout(&network, MS(300), stream.send(b"x")).await;
            sent.expect_err("the peer takes nothing");
            stream.send(b"").await?;
        }
        let sent = stream.send(b"x").await;
        assert!(matches!(sent, Err(SendError::Broken(_))), "{sent:?}");
        Ok(())
    });
    assert_eq!(took, MS(1000));
}

#[test]
fn a_handler_that_was_busy_meanwhile_has_all_of_its_time() {
    let took = under_progress_timeout(async |mut stream: Guarded, network| {
        for sends in [false, true] {
            let received = timeout(&network, MS(100), stream.receive(&mut [0; 8])).await;
            received.expect_err("the peer says nothing");
            if sends {
                stream.send(b"x").await?;
            }
            network.sleep(MS(5000)).await;
        }
        assert_times_out(&mut stream).await;
        Ok(())
    });
    assert_eq!(took, MS(2 * 5100 + 1000));
}

#[test]
fn after_its_time_a_stream_keeps_the_contract() {
    under_progress_timeout(async |mut stream: Guarded, _| {
        for _ in 0..2 {
            assert_times_out(&mut stream).await;
            assert!(matches!(stream.send(b"x").await, Err(SendError::Broken(_))));
            let nothing = stream.receive(&mut []).await;
            assert!(matches!(nothing, Err(ReceiveError::EmptyBuffer)), "{nothing:?}");
        }
        let _ = stream.close().await;
        let received = stream.receive(&mut [0; 8]).await;
        assert!(matches!(received, Err(ReceiveError::Closed)), "{received:?}");
        let sent = stream.send(b"").await;
        assert!(matches!(sent, Err(SendError::Closed)), "{sent:?}");
        Ok(())
    });
}

#[test]
fn an_end_that_was_reported_stays_the_end_when_a_send_has_waited_too_long() {
    MemoryNetwork::run(async |network| {
        let (ours, mut theirs) = MemoryStream::pair(4);
        theirs.send_eof().await.unwrap();
        let guard = Guard::new(network.clone()).progress_timeout(MS(1000));
        let handler = |mut stream: Guarded| async move {
            for _ in 0..2 {
                let end = stream.receive(&mut [0; 8]).await;
                assert!(matches!(end, Err(ReceiveError::EndOfStream)), "{end:?}");
                let sent = stream.send(b"more than fits").await;
                assert!(matches!(sent, Err(SendError::Broken(_))), "{sent:?}");
            }
            Ok(())
        };
        guard.around(handler)(ours).await.unwrap();
    });
}

#[test]
fn a_handler_whose_destructor_panics_did_not_end_well() {
    /// Is done, and has a destructor that panics.
    struct Throws(#[expect(dead_code, reason = "it is there to be dropped")] Guarded);

    impl Future for Throws {
        type Output = Result<()>;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl Drop for Throws {
        fn drop(&mut self) {
            std::panic::resume_unwind(Box::new("thrown"));
        }
    }

    MemoryNetwork::run(async |network| {
        let (ours, mut theirs) = MemoryStream::pair(64);
        let handler = Guard::new(network.clone()).abort_on_failure().around(Throws);
        let task = network.spawn(handler(ours));
        let end = theirs.receive(&mut [0; 8]).await;
        assert!(matches!(end, Err(ReceiveError::Broken(_))), "{end:?}");
        drop(task);
    });
}

/// An executor whose runtime is gone: every sleep is over.
#[derive(Clone, Debug)]
struct Gone(Instant);

impl Executor for Gone {
    type Task<T: Send + 'static> = BoxTask<T>;
    type Sleep = Ready<()>;

    fn now(&self) -> Instant {
        self.0
    }

    fn sleep(&self, _: Duration) -> Ready<()> {
        ready(())
    }

    fn spawn<F>(&self, _: F) -> BoxTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        unreachable!("a guard spawns nothing")
    }
}

#[test]
fn without_a_clock_an_idle_connection_ends_and_does_not_spin() {
    let executor = Gone(Instant::now());
    let watch = Watch::<()>::new(&executor, false);
    let mut idle = Idle {
        limit: Duration::from_secs(60),
        sleep: executor.sleep(Duration::ZERO),
        executor,
    };
    let mut cx = Context::from_waker(Waker::noop());
    assert!(idle.poll(&watch, &mut cx).is_ready());
}
