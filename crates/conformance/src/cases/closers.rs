//! What a closer may meet at its work.

use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll, Wake};
use std::thread;
use std::time::Duration;

use anynet_core::{BoxRuntime, ByteReceiveStream, Executor, ReceiveError, SendError};
use anynet_sockets::TcpStream;

use crate::Context;
use crate::case::{Outcome, cases};
use crate::context::{Descriptor, Woken, poll_once, poll_with};

cases![
    whoever_it_wakes_may_close_the_stream_at_once,
    it_reaches_a_wait_that_has_moved_to_another_task,
    it_is_not_missed_by_a_wait_that_begins_in_that_moment,
    it_ends_a_lingering_close,
    a_stream_that_it_closed_gives_no_descriptor_away,
    a_stream_that_it_closed_ends_in_order_when_it_is_dropped,
];

async fn whoever_it_wakes_may_close_the_stream_at_once(context: Context) -> Outcome {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let descriptor = Descriptor::of(&ours)?;
    let closer = ours.closer();
    let owner = Arc::new(ClosesWhenWoken::default());
    let waker = owner.clone().into();
    let polled = ours.poll_receive(&mut TaskContext::from_waker(&waker), &mut [0; 1]);
    assert!(polled.is_pending(), "nothing came yet");
    *owner.0.lock().unwrap() = Some(ours);
    let closing = thread::spawn(move || closer.close());
    context.until(|| closing.is_finished()).await;
    assert!(!descriptor.is_open(), "its owner has closed it");
    let (_, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    Ok(())
}

async fn it_reaches_a_wait_that_has_moved_to_another_task(context: Context) {
    let (mut ours, _theirs) = context.tcp_pair().await;
    let closer = ours.closer();
    let mut buf = [0; 1];
    let (before, now) = (Arc::new(Woken::default()), Arc::new(Woken::default()));
    assert!(poll_with(&mut ours.receive(&mut buf), &before).is_pending());
    let mut receive = ours.receive(&mut buf);
    assert!(poll_with(&mut receive, &now).is_pending());
    closer.close();
    assert!(now.was_called(), "the wait is this task's now");
    assert!(!before.was_called(), "and no longer that one's");
    let received = poll_once(&mut receive);
    assert!(
        matches!(received, Poll::Ready(Err(ReceiveError::Closed))),
        "got {received:?}"
    );
}

async fn it_is_not_missed_by_a_wait_that_begins_in_that_moment(context: Context) -> Outcome {
    for _round in 0..200 {
        let (mut ours, _theirs) = context.tcp_pair().await;
        let descriptor = Descriptor::of(&ours)?;
        let closer = ours.closer();
        let receiving = context.runtime().spawn(async move {
            let received = ours.receive(&mut [0; 1]).await;
            (received, ours)
        });
        let closing = thread::spawn(move || closer.close());
        let (received, _ours) = context.within(receiving).await;
        assert!(matches!(received, Err(ReceiveError::Closed)), "got {received:?}");
        closing.join().unwrap();
        assert!(!descriptor.is_open(), "who is told of the close releases");
    }
    Ok(())
}

async fn it_ends_a_lingering_close(context: Context) -> Outcome {
    let (mut ours, mut theirs) = context.tcp_pair().await;
    let descriptor = Descriptor::of(&ours)?;
    let closer = ours.closer();
    let mut lingering = Box::pin(ours.close_lingering(Duration::from_secs(60)));
    context.assert_waits(&mut lingering).await;
    closer.close();
    let ended = context.within(lingering).await;
    assert!(matches!(ended, Err(SendError::Closed)), "got {ended:?}");
    assert!(!descriptor.is_open(), "it has closed all the same");
    let (_, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    Ok(())
}

async fn a_stream_that_it_closed_gives_no_descriptor_away(context: Context) -> Outcome {
    let (ours, mut theirs) = context.tcp_pair().await;
    let descriptor = Descriptor::of(&ours)?;
    ours.closer().close();
    let refused = ours.into_fd();
    assert!(refused.is_err(), "it was closed");
    assert!(!descriptor.is_open(), "nobody has it");
    let (_, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    Ok(())
}

async fn a_stream_that_it_closed_ends_in_order_when_it_is_dropped(context: Context) {
    for as_halves in [false, true] {
        let (mut ours, mut theirs) = context.tcp_pair().await;
        context.within(theirs.send(b"never received")).await.unwrap();
        context.within(ours.peek(&mut [0; 1])).await.unwrap();
        let sent = context.clog(&mut ours).await;
        ours.closer().close();
        if as_halves {
            drop(ours.into_split());
        } else {
            drop(ours);
        }
        let (received, end) = context.drain(&mut theirs).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
        assert_eq!(received.len(), sent, "what was sent before still arrives");
    }
}

/// A waker whose task owns the stream, and runs on the thread that wakes it.
#[derive(Default)]
struct ClosesWhenWoken(Mutex<Option<TcpStream<BoxRuntime>>>);

impl Wake for ClosesWhenWoken {
    fn wake(self: Arc<Self>) {
        if let Some(mut stream) = self.0.lock().unwrap().take() {
            assert!(poll_once(&mut stream.close()).is_ready());
        }
    }
}
