//! Tasks and time, on every executor there is.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt, Executor, Task, TimedOut};
use anynet_util::timeout;

use crate::Ground;
use crate::case::cases;

cases![given Ground:
    a_panic_of_a_task_resumes_in_whoever_awaits_it,
    a_panic_of_a_detached_task_harms_nobody,
    a_dropped_task_is_cancelled,
    a_detached_task_goes_on,
    a_task_that_never_ran_is_cancelled_too,
    a_task_is_spawned_from_any_thread,
    what_is_ready_is_in_time_even_with_no_time_left,
    a_sleep_is_no_shorter_than_asked,
    a_sleep_too_long_for_the_clock_waits,
];

/// Long enough to be seen, short enough to wait for.
const SHORT: Duration = Duration::from_millis(20);

async fn a_panic_of_a_task_resumes_in_whoever_awaits_it(context: Ground) {
    let sibling = context.network().spawn(async { 7 });
    let runtime = context.network().clone();
    let before_and_after_a_wait = [
        context.network().spawn(async { throw() }),
        context.network().spawn(async move {
            runtime.sleep(SHORT).await;
            throw();
        }),
    ];
    for mut task in before_and_after_a_wait {
        let resumed = poll_fn(
            |cx| match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut task).poll(cx))) {
                Ok(polled) => polled.map(|()| None),
                Err(payload) => Poll::Ready(Some(payload)),
            },
        );
        let payload = context.within(resumed).await.expect("a panic, not an output");
        assert_eq!(payload.downcast_ref(), Some(&"thrown"));
    }
    assert_eq!(context.within(sibling).await, 7);
}

async fn a_panic_of_a_detached_task_harms_nobody(context: Ground) {
    let sibling = context.network().spawn({
        let context = context.clone();
        async move { context.settle().await }
    });
    for _ in 0..10 {
        context.network().spawn(async { throw() }).detach();
    }
    context.within(sibling).await;
    context.within(context.network().spawn(async {})).await;
}

async fn a_dropped_task_is_cancelled(context: Ground) {
    let (mut stream, mut peer) = context.pair().await;
    let alive = Arc::new(());
    let guard = alive.clone();
    let task = context.network().spawn(async move {
        let _guard = guard;
        stream.receive(&mut [0; 1]).await
    });
    context.settle().await;
    assert_eq!(Arc::strong_count(&alive), 2, "it runs");
    drop(task);
    context.until(|| Arc::strong_count(&alive) == 1).await;
    // What it held is gone with it.
    context
        .within(peer.receive(&mut [0; 1]))
        .await
        .expect_err("the stream is closed");
}

async fn a_detached_task_goes_on(context: Ground) {
    let (mut stream, mut peer) = context.pair().await;
    let task = context.network().spawn({
        let context = context.clone();
        async move {
            context.settle().await;
            stream.send(b"x").await.unwrap();
            let _ = stream.receive(&mut [0; 8]).await; // until the case is over: an executor may never end
        }
    });
    task.detach();
    assert_eq!(context.within(peer.receive(&mut [0; 8])).await.unwrap(), 1);
    context.assert_waits(&mut peer.receive(&mut [0; 8])).await;
}

async fn a_task_that_never_ran_is_cancelled_too(context: Ground) {
    let (alive, ran) = (Arc::new(()), Arc::new(AtomicUsize::new(0)));
    for _ in 0..10 {
        let (guard, run) = (alive.clone(), ran.clone());
        drop(context.network().spawn(async move {
            let _guard = guard;
            run.fetch_add(1, Ordering::Relaxed);
            pending::<()>().await;
        }));
    }
    context.until(|| Arc::strong_count(&alive) == 1).await;
}

async fn a_task_is_spawned_from_any_thread(context: Ground) {
    let runtime = context.network().clone();
    let spawning = thread::spawn(move || {
        let own = runtime.clone();
        runtime.spawn(async move { own.sleep(SHORT).await })
    });
    context.within(spawning.join().unwrap()).await;
}

async fn what_is_ready_is_in_time_even_with_no_time_left(context: Ground) {
    let ready = timeout(context.network(), Duration::ZERO, async { 7 });
    assert_eq!(context.within(ready).await, Ok(7));
    let never = timeout(context.network(), Duration::ZERO, pending::<()>());
    assert!(matches!(context.within(never).await, Err(TimedOut { .. })));
}

async fn a_sleep_is_no_shorter_than_asked(context: Ground) {
    for asked in [
        Duration::ZERO,
        Duration::from_micros(1),
        Duration::from_micros(1500),
        SHORT,
    ] {
        let before = context.network().now();
        context.within(context.network().sleep(asked)).await;
        let slept = context.network().now() - before;
        assert!(slept >= asked, "{slept:?} of {asked:?}");
    }
}

async fn a_sleep_too_long_for_the_clock_waits(context: Ground) {
    let mut long = context.network().sleep(Duration::MAX);
    context.assert_waits(&mut long).await;
    let limited = timeout(context.network(), Duration::MAX, context.network().sleep(SHORT));
    context.within(limited).await.expect("the limit is far");
}

/// Panics, without a word on the standard error.
fn throw() {
    resume_unwind(Box::new("thrown"))
}
