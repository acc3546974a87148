//! Tasks and sockets beside each other, and what becomes of sockets with their runtime.

pub(super) mod tasks;

use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use anynet_core::{AcceptError, BoxFuture, BoxRuntime, BoxTask, Executor, ReceiveError, SendError, TimedOut};
use anynet_sockets::{TcpStream, UnixSeqpacket};
use anynet_util::timeout;

use crate::Context;
use crate::case::{Outcome, cases};
use crate::steps::assert_is;

cases![
    a_deadline_is_met_beside_a_stream_that_is_always_ready,
    a_deadline_is_met_beside_a_listener_that_is_always_ready,
    a_stream_that_is_always_ready_lets_other_tasks_run,
    a_stream_moves_between_threads_in_the_middle_of_a_transfer,
    a_receive_that_waits_is_woken_on_the_thread_it_moved_to,
    a_socket_works_on_the_executor_of_another_runtime,
    a_waker_that_runs_its_task_at_once_may_use_sockets_in_it,
    a_socket_whose_runtime_was_shut_down_is_an_error_not_a_hang,
    a_stream_that_was_accepted_just_before_the_shutdown_is_broken_too,
    what_was_told_of_the_shutdown_is_told_without_a_wait_too,
];

/// Long enough to be seen, short enough to wait for.
const SHORT: Duration = Duration::from_millis(20);

async fn a_deadline_is_met_beside_a_stream_that_is_always_ready(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    context.within(peer.send(b"x")).await.unwrap();
    context.within(stream.peek(&mut [0; 1])).await.unwrap();
    let busy = async {
        loop {
            stream.peek(&mut [0; 1]).await.unwrap();
        }
    };
    let TimedOut { .. } = assert_met(&context, busy).await;
    let busy = async {
        loop {
            stream.send_ready().await.unwrap();
        }
    };
    let TimedOut { .. } = assert_met(&context, busy).await;
}

async fn a_deadline_is_met_beside_a_listener_that_is_always_ready(context: Context) {
    let listener = context.listener().await;
    // A client for every accept: whoever is taken is followed by another.
    let address = listener.local_address();
    let mut client = std::net::TcpStream::connect(address).unwrap();
    let busy = async {
        loop {
            let taken = listener.accept().await.unwrap();
            client = std::net::TcpStream::connect(address).unwrap();
            drop(taken);
        }
    };
    let TimedOut { .. } = assert_met(&context, busy).await;
}

async fn a_stream_that_is_always_ready_lets_other_tasks_run(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    context.within(peer.send(b"x")).await.unwrap();
    let _busy: BoxTask<()> = context.runtime().spawn(async move {
        loop {
            stream.peek(&mut [0; 1]).await.unwrap();
        }
    });
    context.settle().await;
    for _ in 0..10 {
        context.within(context.runtime().spawn(async {})).await;
    }
    let (mut one, mut other) = context.tcp_pair().await;
    context.within(one.send(b"x")).await.unwrap();
    context.within(other.receive(&mut [0; 1])).await.unwrap();
}

async fn a_stream_moves_between_threads_in_the_middle_of_a_transfer(context: Context) {
    let (stream, mut peer) = context.tcp_pair().await;
    let echoing = context.runtime().spawn(async move {
        let mut buf = [0; 1500];
        while let Ok(n) = peer.receive(&mut buf).await {
            peer.send(&buf[..n]).await.unwrap();
        }
    });
    let mut transfer = Transfer(Box::pin(a_mebibyte_there_and_back(stream)));
    // A few polls here and a few there, on threads of the runtime and on others.
    for hop in 0.. {
        let polls = a_few_polls(transfer);
        let polled = match hop % 3 {
            0 => context.within(polls).await,
            1 => context.within(context.runtime().spawn(polls)).await,
            _ => on_another_thread(&context, polls).await,
        };
        match polled {
            Ok(()) => break,
            Err(unfinished) => transfer = unfinished,
        }
    }
    context.within(echoing).await;
}

async fn a_receive_that_waits_is_woken_on_the_thread_it_moved_to(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    let mut receive: BoxFuture<'static, usize> =
        Box::pin(async move { stream.receive(&mut [0; 8]).await.unwrap() });
    context.assert_waits(&mut receive).await;
    let sending = context.runtime().spawn({
        let context = context.clone();
        async move {
            context.settle().await;
            peer.send(b"x").await.unwrap();
            peer
        }
    });
    assert_eq!(on_another_thread(&context, receive).await, 1);
    context.within(sending).await;
}

async fn a_socket_works_on_the_executor_of_another_runtime(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let (stream, mut peer) = there.tcp_pair().await;
    let echoing = context.runtime().spawn(async move {
        let mut buf = [0; 1500];
        while let Ok(n) = peer.receive(&mut buf).await {
            peer.send(&buf[..n]).await.unwrap();
        }
    });
    context.within(a_mebibyte_there_and_back(stream)).await;
    context.within(echoing).await;
    shut_down();
    Ok(())
}

async fn a_waker_that_runs_its_task_at_once_may_use_sockets_in_it(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    let listener = context.listener().await;
    let (address, there) = (listener.local_address(), context.clone());
    let ran = AtOnce::run(async move {
        stream.receive(&mut [0; 1]).await.unwrap();
        // From here on it runs where the runtime wakes it, in the midst of what the runtime does.
        stream.send(b"y").await.unwrap();
        drop(stream);
        there.runtime().sleep(SHORT).await;
        let mut stream = there.connect(address).await;
        let task = there.runtime().spawn(async {});
        task.await;
        stream.receive(&mut [0; 1]).await.unwrap();
        stream.close().await.unwrap();
    });
    context.settle().await;
    context.within(peer.send(b"x")).await.unwrap();
    context.within(peer.receive(&mut [0; 1])).await.unwrap();
    let mut accepted = context.within(listener.accept()).await.unwrap();
    context.settle().await;
    context.within(accepted.send(b"x")).await.unwrap();
    context.until(|| ran.is_done()).await;
}

async fn a_socket_whose_runtime_was_shut_down_is_an_error_not_a_hang(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let listener = there.listener().await;
    let (mut stream, mut peer) = there.tcp_pair().await;
    context.within(peer.send(b"too late")).await.unwrap();
    shut_down();
    for _ in 0..2 {
        let received = context.within(stream.receive(&mut [0; 8])).await;
        assert!(matches!(received, Err(ReceiveError::Broken(_))), "{received:?}");
        let sent = context.within(peer.send(b"x")).await;
        assert!(matches!(sent, Err(SendError::Broken(_))), "{sent:?}");
        let accepted = context.within(listener.accept()).await;
        assert!(matches!(accepted, Err(AcceptError::Broken(_))), "{accepted:?}");
    }
    Ok(())
}

async fn a_stream_that_was_accepted_just_before_the_shutdown_is_broken_too(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let (mut one, mut receives) = there.tcp_pair().await;
    let (_other, mut sends) = there.tcp_pair().await;
    context.within(one.send(b"too late")).await.unwrap();
    shut_down();
    assert_is!(
        context.within(receives.receive(&mut [0; 8])).await,
        Err(ReceiveError::Broken(_))
    );
    assert_is!(
        context.within(receives.send(b"x")).await,
        Err(SendError::Broken(_))
    );
    assert_is!(context.within(sends.send(b"x")).await, Err(SendError::Broken(_)));
    assert_is!(
        context.within(sends.receive(&mut [0; 8])).await,
        Err(ReceiveError::Broken(_))
    );
    Ok(())
}

async fn what_was_told_of_the_shutdown_is_told_without_a_wait_too(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let (mut stream, mut peer) = there.tcp_pair().await;
    let (message, its_peer) = UnixSeqpacket::pair_on(there.runtime()).expect("a pair");
    context.within(peer.send(b"too late")).await.unwrap();
    context.within(its_peer.send(b"too late")).await.unwrap();
    shut_down();
    context.within(stream.receive(&mut [0; 8])).await.unwrap_err();
    context.within(message.receive(&mut [0; 8])).await.unwrap_err();
    for _ in 0..2 {
        assert_is!(stream.try_receive(&mut [0; 8]), Err(ReceiveError::Broken(_)));
        assert_is!(stream.try_send(b"x"), Err(SendError::Broken(_)));
        assert_is!(message.try_receive(&mut [0; 8]), Err(ReceiveError::Broken(_)));
        assert_is!(message.try_send(b"x"), Err(SendError::Broken(_)));
    }
    Ok(())
}

async fn a_mebibyte_there_and_back(mut stream: TcpStream<BoxRuntime>) {
    const PIECES: usize = 64;
    const PIECE: usize = 16 << 10;
    for piece in 0..PIECES {
        let data: Vec<u8> = (0..PIECE).map(|n| ((n * 7 + piece) % 251) as u8).collect();
        let mut back = vec![0; PIECE];
        stream.send(&data).await.unwrap();
        let (first, rest) = back.split_at_mut(1 + piece * 100);
        stream.receive_exactly(first).await.unwrap();
        stream.receive_exactly(rest).await.unwrap();
        assert!(back == data, "piece {piece} came back changed");
    }
}

/// Awaits what never ends, until a deadline that must be met.
async fn assert_met(context: &Context, busy: impl Future<Output = ()>) -> TimedOut {
    let started = context.runtime().now();
    let ended = context.within(timeout(context.runtime(), SHORT, busy)).await;
    assert!(context.runtime().now() - started >= SHORT);
    ended.expect_err("it never ends")
}

/// A transfer under way.
struct Transfer(BoxFuture<'static, ()>);

/// Polls a transfer a few times, then gives it back as it is.
async fn a_few_polls(transfer: Transfer) -> Result<(), Transfer> {
    let (mut transfer, mut left) = (Some(transfer), 3);
    poll_fn(move |cx| {
        let Transfer(future) = transfer.as_mut().expect("not given back yet");
        let polled = future.as_mut().poll(cx);
        left -= 1;
        match polled {
            Poll::Pending if left == 0 => Poll::Ready(Err(transfer.take().expect("not given back yet"))),
            polled => polled.map(Ok),
        }
    })
    .await
}

/// A task without an executor: it runs in the very call that wakes it.
struct AtOnce {
    task: Mutex<Option<BoxFuture<'static, ()>>>,
    wakes: AtomicUsize,
}

impl AtOnce {
    fn run(future: impl Future<Output = ()> + Send + 'static) -> Arc<Self> {
        let task = Arc::new(Self {
            task: Mutex::new(Some(Box::pin(future))),
            wakes: AtomicUsize::new(0),
        });
        task.clone().wake();
        task
    }

    fn is_done(&self) -> bool {
        self.task.try_lock().is_ok_and(|task| task.is_none())
    }
}

impl Wake for AtOnce {
    fn wake(self: Arc<Self>) {
        if self.wakes.fetch_add(1, Ordering::AcqRel) > 0 {
            return; // whoever polls it will see
        }
        let waker = Waker::from(self.clone());
        let mut context = TaskContext::from_waker(&waker);
        let mut seen = 1;
        while seen > 0 {
            let mut task = self.task.lock().unwrap();
            if task
                .as_mut()
                .is_some_and(|task| task.as_mut().poll(&mut context).is_ready())
            {
                *task = None;
            }
            drop(task);
            seen = self.wakes.fetch_sub(seen, Ordering::AcqRel) - seen;
        }
    }
}

/// Awaits `future` on a thread of its own, which belongs to no runtime.
async fn on_another_thread<T: Send + 'static>(
    context: &Context,
    future: impl Future<Output = T> + Send + 'static,
) -> T {
    let thread = thread::spawn(|| block_on(future));
    context.until(|| thread.is_finished()).await;
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut TaskContext::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}
