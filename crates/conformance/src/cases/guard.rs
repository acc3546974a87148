//! Connections under guard, and wrapped ones.

pub(super) mod limits;
pub(super) mod sockets;

use std::future::{pending, poll_fn};
use std::io::{ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use anynet_core::{
    BoxNetwork, BoxStream, BoxTask, ByteReceiveStream, ByteReceiveStreamExt, ByteSendStream,
    ByteSendStreamExt, Error, Executor, ReceiveError, Result, SendError,
};
use anynet_util::{Guard, GuardedStream, ServeError, Server, ServerHandle, wrapped};

use crate::Ground;
use crate::case::cases;

cases![given Ground:
    an_idle_connection_ends_after_its_time_which_every_byte_starts_anew,
    an_idle_connection_ends_whatever_its_handler_does,
    a_connection_that_does_not_move_breaks_and_one_that_is_busy_does_not,
    a_send_that_does_not_move_breaks,
    a_receive_that_does_not_move_breaks_beside_sends_that_did,
    a_handler_that_did_not_end_well_resets_its_connection,
    a_handler_that_ended_well_ends_its_connection_in_order,
    a_guarded_stream_that_was_taken_out_is_its_takers,
    a_stream_that_was_taken_out_is_never_idle,
    sends_of_no_bytes_do_not_keep_a_connection,
    wrapping_runs_in_the_connections_own_task_and_has_a_deadline,
    a_wrapper_that_fails_is_the_connections_failure,
];

/// Long enough to be kept with time to spare on a busy machine, short enough to wait for.
const LIMIT: Duration = Duration::from_millis(600);

async fn an_idle_connection_ends_after_its_time_which_every_byte_starts_anew(context: Ground) {
    let server = Started::guarded(&context, |guard| guard.idle_timeout(LIMIT), echo).await;
    let mut client = context.connect(server.address).await;
    let connected = context.network().now();
    let mut last = connected;
    for _ in 0..8 {
        context.network().sleep(LIMIT / 4).await;
        last = context.network().now();
        context.within(client.send(b"x")).await.unwrap();
        context.within(client.receive_exactly(&mut [0])).await.unwrap();
    }
    let received = context.within(client.receive(&mut [0; 8])).await;
    assert!(
        matches!(received, Err(ReceiveError::EndOfStream)),
        "in order: {received:?}"
    );
    let quiet = context.network().now() - last;
    assert!(quiet >= LIMIT && last - connected >= 2 * LIMIT, "{quiet:?}");
    server
        .assert_told(&context, |error| matches!(error, Error::TimedOut(_)))
        .await;
}

async fn an_idle_connection_ends_whatever_its_handler_does(context: Ground) {
    let hang = |_stream| async { pending().await };
    let server = Started::guarded(&context, |guard| guard.idle_timeout(LIMIT), hang).await;
    let mut client = context.connect(server.address).await;
    let received = context.within(client.receive(&mut [0; 8])).await;
    assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");
    server
        .assert_told(&context, |error| matches!(error, Error::TimedOut(_)))
        .await;
}

async fn a_connection_that_does_not_move_breaks_and_one_that_is_busy_does_not(context: Ground) {
    let network = context.network().clone();
    let busy = move |mut stream: Guarded| {
        let network = network.clone();
        async move {
            stream.receive(&mut [0; 8]).await?;
            network.sleep(2 * LIMIT).await; // the peer is not waited for
            stream.send(b"x").await?;
            stream.receive(&mut [0; 8]).await?;
            Ok(())
        }
    };
    let server = Started::guarded(&context, |guard| guard.progress_timeout(LIMIT), busy).await;
    let mut client = context.connect(server.address).await;
    context.within(client.send(b"x")).await.unwrap();
    context.within(client.receive_exactly(&mut [0])).await.unwrap();
    let received = context.within(client.receive(&mut [0; 8])).await;
    assert!(
        matches!(received, Err(ReceiveError::Broken(_))),
        "a reset: {received:?}"
    );
    server
        .assert_told(&context, |error| {
            matches!(error, Error::Receive(ReceiveError::Broken(cause)) if cause.kind() == ErrorKind::TimedOut)
        })
        .await;
}

async fn a_send_that_does_not_move_breaks(context: Ground) {
    let send = |mut stream: Guarded| async move {
        loop {
            if let Err(error) = stream.send(&[0; 64 << 10]).await {
                // And again and again.
                assert!(matches!(stream.send(b"x").await, Err(SendError::Broken(_))));
                assert!(matches!(
                    stream.receive(&mut [0; 1]).await,
                    Err(ReceiveError::Broken(_))
                ));
                return Err(error.into());
            }
        }
    };
    let server = Started::guarded(&context, |guard| guard.progress_timeout(LIMIT), send).await;
    let client = context.connect(server.address).await;
    server
        .assert_told(&context, |error| {
            matches!(error, Error::Send(SendError::Broken(cause)) if cause.kind() == ErrorKind::TimedOut)
        })
        .await;
    drop(client);
}

async fn a_receive_that_does_not_move_breaks_beside_sends_that_did(context: Ground) {
    // Both directions in one task, as a proxy has them.
    let both = |mut stream: Guarded| async move {
        let mut has_sent = false;
        let received = poll_fn(|cx| {
            let received = stream.poll_receive(cx, &mut [0; 8]);
            if received.is_pending()
                && !has_sent
                && let Poll::Ready(sent) = stream.poll_send(cx, &[IoSlice::new(b"x")])
            {
                assert_eq!(sent.unwrap(), 1);
                has_sent = true;
            }
            received
        });
        received.await?;
        Ok(())
    };
    let server = Started::guarded(&context, |guard| guard.progress_timeout(LIMIT), both).await;
    let mut client = context.connect(server.address).await;
    context.within(client.receive_exactly(&mut [0])).await.unwrap();
    let end = context.within(client.receive(&mut [0])).await;
    assert!(matches!(end, Err(ReceiveError::Broken(_))), "{end:?}");
    server
        .assert_told(&context, |error| {
            matches!(error, Error::Receive(ReceiveError::Broken(cause)) if cause.kind() == ErrorKind::TimedOut)
        })
        .await;
}

async fn a_handler_that_did_not_end_well_resets_its_connection(context: Ground) {
    let end = |mut stream: Guarded| async move {
        let mut how = [0];
        stream.receive(&mut how).await?;
        stream.send(b"a part").await?;
        match how {
            [b'!'] => Err(Error::other("asked to fail")),
            [b'*'] => std::panic::resume_unwind(Box::new("asked to panic")),
            _ => pending().await,
        }
    };
    let server = Started::guarded(&context, Guard::abort_on_failure, end).await;
    let mut hung = context.connect(server.address).await;
    context.within(hung.send(b"?")).await.unwrap();
    context.within(hung.receive_exactly(&mut [0; 6])).await.unwrap();
    for how in [b'!', b'*'] {
        let mut client = context.connect(server.address).await;
        context.within(client.send(&[how])).await.unwrap();
        let (_, end) = context.drain(&mut client).await;
        assert!(matches!(end, ReceiveError::Broken(_)), "{end:?}");
    }
    drop(server.serving);
    let (_, end) = context.drain(&mut hung).await;
    assert!(matches!(end, ReceiveError::Broken(_)), "cancelled: {end:?}");
}

async fn a_handler_that_ended_well_ends_its_connection_in_order(context: Ground) {
    let send = |mut stream: Guarded| async move { Ok(stream.send(b"all of it").await?) };
    let server = Started::guarded(&context, Guard::abort_on_failure, send).await;
    let mut client = context.connect(server.address).await;
    let (received, end) = context.drain(&mut client).await;
    assert_eq!(received, b"all of it");
    assert!(matches!(end, ReceiveError::EndOfStream), "{end:?}");
}

async fn a_guarded_stream_that_was_taken_out_is_its_takers(context: Ground) {
    let kept = Arc::<Mutex<Option<BoxStream>>>::default();
    let keep = kept.clone();
    let take = move |stream: Guarded| {
        *keep.lock().unwrap() = Some(stream.into_inner());
        async { Err(Error::other("and fails")) }
    };
    let server = Started::guarded(&context, Guard::abort_on_failure, take).await;
    let mut client = context.connect(server.address).await;
    context.until(|| server.handle.statistics().failed == 1).await;
    let mut kept = kept.lock().unwrap().take().unwrap();
    context.within(client.send(b"ping")).await.unwrap();
    assert_eq!(context.receive_bytes(&mut kept, 4).await, b"ping");
    context.within(kept.send(b"pong")).await.unwrap();
    assert_eq!(context.receive_bytes(&mut client, 4).await, b"pong");
}

async fn a_stream_that_was_taken_out_is_never_idle(context: Ground) {
    let network = context.network().clone();
    let take = move |stream: Guarded| {
        let network = network.clone();
        async move {
            let mut stream = stream.into_inner();
            network.sleep(2 * LIMIT).await;
            Ok(stream.send(b"x").await?)
        }
    };
    let server = Started::guarded(&context, |guard| guard.idle_timeout(LIMIT), take).await;
    let mut client = context.connect(server.address).await;
    context.within(client.receive_exactly(&mut [0])).await.unwrap();
    context.until(|| server.handle.statistics().finished == 1).await;
}

async fn sends_of_no_bytes_do_not_keep_a_connection(context: Ground) {
    let network = context.network().clone();
    let send_nothing = move |mut stream: Guarded| {
        let network = network.clone();
        async move {
            loop {
                stream.send_some(&[]).await?;
                network.sleep(LIMIT / 4).await;
            }
        }
    };
    let server = Started::guarded(&context, |guard| guard.idle_timeout(LIMIT), send_nothing).await;
    let mut client = context.connect(server.address).await;
    let received = context.within(client.receive(&mut [0; 8])).await;
    assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");
}

async fn wrapping_runs_in_the_connections_own_task_and_has_a_deadline(context: Ground) {
    let server = Started::new(
        &context,
        wrapped(context.network().clone(), LIMIT, greet, greeted),
    )
    .await;
    // One that dawdles keeps nobody waiting.
    let begun = context.network().now();
    let mut dawdling = context.connect(server.address).await;
    let mut quick = context.connect(server.address).await;
    context.within(quick.send(b"q")).await.unwrap();
    context.within(quick.receive_exactly(&mut [0])).await.unwrap();
    let received = context.within(dawdling.receive(&mut [0])).await;
    assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");
    let took = context.network().now() - begun;
    assert!(took >= LIMIT, "{took:?}");
    server
        .assert_told(&context, |error| matches!(error, Error::TimedOut(_)))
        .await;
    // The deadline is for the wrapping alone.
    context.within(quick.send(b"q")).await.unwrap();
    context.within(quick.receive_exactly(&mut [0])).await.unwrap();
}

async fn a_wrapper_that_fails_is_the_connections_failure(context: Ground) {
    let server = Started::new(
        &context,
        wrapped(context.network().clone(), LIMIT, greet, greeted),
    )
    .await;
    let mut wrong = context.connect(server.address).await;
    context.within(wrong.send(b"w")).await.unwrap();
    let received = context.within(wrong.receive(&mut [0])).await;
    assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");
    server
        .assert_told(&context, |error| error.to_string() == "no greeting")
        .await;
    let mut right = context.connect(server.address).await;
    context.within(right.send(b"q")).await.unwrap();
    context.within(right.receive_exactly(&mut [0])).await.unwrap();
}

type Guarded = GuardedStream<BoxStream, BoxNetwork>;

/// What wraps: the client begins with a `q`.
async fn greet(mut stream: BoxStream) -> Result<(u8, BoxStream)> {
    let mut greeting = [0];
    stream.receive_exactly(&mut greeting).await?;
    if greeting != *b"q" {
        return Err(Error::other("no greeting"));
    }
    Ok((greeting[0], stream))
}

/// What takes the wrapped stream: sends the greeting back, for each byte.
async fn greeted((greeting, mut stream): (u8, BoxStream)) -> Result<()> {
    loop {
        stream.send(&[greeting]).await?;
        stream.receive(&mut [0]).await?;
    }
}

async fn echo(mut stream: Guarded) -> Result<()> {
    let mut buf = [0; 8];
    loop {
        let received = stream.receive(&mut buf).await?;
        stream.send(&buf[..received]).await?;
    }
}

/// A server that serves, and what it reports.
struct Started {
    address: SocketAddr,
    handle: ServerHandle,
    reports: Arc<Mutex<Vec<ServeError>>>,
    serving: BoxTask<Result<()>>,
}

impl Started {
    async fn new<H, F>(context: &Ground, handler: H) -> Self
    where
        H: Fn(BoxStream) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (listener, address) = context.any_listener().await;
        let reports = Arc::<Mutex<Vec<_>>>::default();
        let told = reports.clone();
        let server = Server::new(listener).on_error(move |error| told.lock().unwrap().push(error));
        Self {
            address,
            handle: server.handle(),
            reports,
            serving: context.network().spawn(server.serve(handler)),
        }
    }

    async fn guarded<H, F>(
        context: &Ground,
        guard: impl FnOnce(Guard<BoxNetwork>) -> Guard<BoxNetwork>,
        handler: H,
    ) -> Self
    where
        H: Fn(Guarded) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let guard = guard(Guard::new(context.network().clone()));
        Self::new(context, guard.around(handler)).await
    }

    /// Asserts that one connection failed, and how.
    fn assert_told<'a>(
        &self,
        context: &'a Ground,
        check: impl Fn(&Error) -> bool + 'a,
    ) -> impl Future<Output = ()> + 'a {
        let reports = self.reports.clone();
        async move {
            context.until(|| !reports.lock().unwrap().is_empty()).await;
            let reports = reports.lock().unwrap();
            assert!(
                matches!(&reports[..], [ServeError::Failed { error, .. }] if check(error)),
                "{reports:?}"
            );
        }
    }
}
