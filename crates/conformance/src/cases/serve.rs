//! Serving connections.

pub(super) mod sockets;

use std::convert::Infallible;
use std::future::pending;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as TaskContext, Poll};

use anynet_core::{
    AttributesExt, BoxListener, BoxStream, BoxTask, ByteReceiveStreamExt, ByteSendStreamExt, Error, Executor,
    LocalAddress, ReceiveError, Result,
};
use anynet_util::{ServeError, serve};

use crate::Ground;
use crate::case::cases;
use crate::steps::closer;

cases![given Ground:
    an_error_of_a_handler_reaches_the_hook_and_no_sibling,
    a_panic_of_a_handler_reaches_the_hook_and_no_sibling,
    a_panic_before_the_handlers_future_reaches_the_hook_and_no_sibling,
    a_panic_of_a_handlers_destructor_reaches_the_hook_and_no_sibling,
    a_panic_of_the_hook_is_swallowed,
    a_client_that_half_closed_still_gets_its_answer,
    a_client_that_half_closes_at_once_is_data_and_then_the_end,
    dropping_it_ends_its_connections,
    dropping_it_leaves_the_listener_usable,
    it_ends_well_once_the_listener_is_closed_and_its_connections_have_ended,
    handlers_that_end_at_once_are_not_waited_for,
];

async fn an_error_of_a_handler_reaches_the_hook_and_no_sibling(context: Ground) {
    one_fails(
        &context,
        |stream| async move { echo_or(stream, || Err(Error::other("no such command"))).await },
        |error| {
            let ServeError::Failed { error, .. } = error else {
                panic!("{error:?}");
            };
            assert_eq!(error.to_string(), "no such command");
        },
    )
    .await;
}

async fn a_panic_of_a_handler_reaches_the_hook_and_no_sibling(context: Ground) {
    one_fails(
        &context,
        |stream| async move { echo_or(stream, || throw()).await },
        assert_panicked,
    )
    .await;
}

async fn a_panic_before_the_handlers_future_reaches_the_hook_and_no_sibling(context: Ground) {
    let clients = Mutex::new(0);
    let second_throws = move |stream| {
        *clients.lock().unwrap() += 1;
        if *clients.lock().unwrap() == 2 {
            throw();
        }
        echo_or(stream, || unreachable!("nobody fails later"))
    };
    one_fails(&context, second_throws, assert_panicked).await;
}

async fn a_panic_of_a_handlers_destructor_reaches_the_hook_and_no_sibling(context: Ground) {
    let throwing_after = |stream| {
        let failed = Arc::new(Mutex::new(false));
        let fail = failed.clone();
        ThrowsWhenDropped {
            connection: Box::pin(echo_or(stream, move || {
                *fail.lock().unwrap() = true;
                Ok(())
            })),
            failed,
        }
    };
    one_fails(&context, throwing_after, assert_panicked).await;
}

async fn a_panic_of_the_hook_is_swallowed(context: Ground) {
    let listener = Arc::new(context.any_listener().await.0);
    let serving = listener.clone();
    let _serving = context.network().spawn(async move {
        // Told by the task that serves, and by that of the connection.
        let clients = Mutex::new(0..);
        let throws_at_first = move |stream| {
            if clients.lock().unwrap().next() == Some(0) {
                throw();
            }
            echo_or(stream, || Err(Error::other("told")))
        };
        serve(&*serving, throws_at_first).on_error(|_| throw()).await
    });
    fail(&context, context.connect(address(&listener)).await).await;
    for _ in 0..3 {
        let mut client = context.connect(address(&listener)).await;
        assert_echo(&context, &mut client).await;
        fail(&context, client).await;
    }
}

async fn a_client_that_half_closed_still_gets_its_answer(context: Ground) {
    let (listener, _serving, _) = serving(&context, |mut stream: Stream| async move {
        let mut question = Vec::new();
        let mut buf = [0; 8];
        loop {
            match stream.receive(&mut buf).await {
                Ok(n) => question.extend_from_slice(&buf[..n]),
                Err(ReceiveError::EndOfStream) => break,
                Err(error) => return Err(error.into()),
            }
        }
        question.reverse();
        Ok(stream.send(&question).await?)
    })
    .await;
    let mut client = context.connect(address(&listener)).await;
    context.within(client.send(b"a question")).await.unwrap();
    context.within(client.send_eof()).await.unwrap();
    let mut answer = [0; 10];
    context.within(client.receive_exactly(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"noitseuq a");
    assert_end(&context, &mut client).await;
}

async fn a_client_that_half_closes_at_once_is_data_and_then_the_end(context: Ground) {
    let (listener, _serving, _) = serving(&context, |mut stream: Stream| async move {
        let mut buf = [0; 32];
        let received = stream.receive(&mut buf).await?;
        let then = stream.receive(&mut [0; 1]).await;
        stream.send(&buf[..received]).await?;
        Ok(stream.send(format!(" and then {then:?}").as_bytes()).await?)
    })
    .await;
    let mut client = context.connect(address(&listener)).await;
    context.within(client.send(b"data")).await.unwrap();
    context.within(client.send_eof()).await.unwrap();
    let expected = b"data and then Err(EndOfStream)";
    let mut answer = [0; 30];
    context.within(client.receive_exactly(&mut answer)).await.unwrap();
    assert_eq!(&answer, expected);
    assert_end(&context, &mut client).await;
}

async fn dropping_it_ends_its_connections(context: Ground) {
    let alive = Arc::new(());
    let guard = alive.clone();
    let (listener, serving, _) = serving(&context, move |mut stream: Stream| {
        let guard = guard.clone();
        async move {
            let _guard = guard;
            stream.send(b"x").await?;
            let never: Infallible = pending().await;
            match never {}
        }
    })
    .await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = context.connect(address(&listener)).await;
        assert_eq!(
            context.within(client.receive(&mut [0; 8])).await.unwrap(),
            1,
            "it is served"
        );
        clients.push(client);
    }
    drop(serving);
    for client in &mut clients {
        assert_end(&context, client).await;
    }
    context.until(|| Arc::strong_count(&alive) == 1).await;
}

async fn dropping_it_leaves_the_listener_usable(context: Ground) {
    let (listener, first, _) = serving(&context, echo).await;
    let mut client = context.connect(address(&listener)).await;
    assert_echo(&context, &mut client).await;
    drop(first);
    assert_end(&context, &mut client).await;
    let again = listener.clone();
    let _second = context.network().spawn(async move { serve(&*again, echo).await });
    let mut client = context.connect(address(&listener)).await;
    assert_echo(&context, &mut client).await;
}

async fn it_ends_well_once_the_listener_is_closed_and_its_connections_have_ended(context: Ground) {
    // With connections that have ended already, and with one that is open.
    let (listener, mut serving, _) = serving(&context, echo).await;
    for _ in 0..3 {
        let mut client = context.connect(address(&listener)).await;
        assert_echo(&context, &mut client).await;
        context.within(client.close()).await.unwrap();
    }
    let mut client = context.connect(address(&listener)).await;
    assert_echo(&context, &mut client).await;
    closer(&*listener).close();
    context.assert_waits(&mut serving).await;
    assert_echo(&context, &mut client).await;
    drop(client);
    context.within(serving).await.expect("a close is no error");

    // Without any.
    let (listener, serving, _) = self::serving(&context, echo).await;
    context.settle().await;
    closer(&*listener).close();
    context.within(serving).await.expect("a close is no error");

    // Closed before it was served.
    closer(&*listener).close();
    context
        .within(serve(&*listener, echo).into_future())
        .await
        .expect("a close is no error");
}

async fn handlers_that_end_at_once_are_not_waited_for(context: Ground) {
    let (listener, serving, _) = serving(&context, |_| async { Ok(()) }).await;
    for _ in 0..100 {
        let mut client = context.connect(address(&listener)).await;
        assert_end(&context, &mut client).await;
    }
    closer(&*listener).close();
    context.within(serving).await.expect("a close is no error");
}

type Stream = BoxStream;

/// What reached a hook.
type Reports = Arc<Mutex<Vec<ServeError>>>;

/// What the clients of [`echo_or`] send to have it fail.
const FAIL: u8 = b'!';

/// Serves on a listener of its own, and tells what reaches the hook.
async fn serving<H, F>(context: &Ground, handler: H) -> (Arc<BoxListener>, BoxTask<Result<()>>, Reports)
where
    H: Fn(Stream) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let reports = Reports::default();
    let hook_reports = reports.clone();
    let listener = Arc::new(context.any_listener().await.0);
    let serving = listener.clone();
    let task = context.network().spawn(async move {
        let hook = move |error| hook_reports.lock().unwrap().push(error);
        serve(&*serving, handler).on_error(hook).await
    });
    (listener, task, reports)
}

/// Has the second of two clients fail, and checks that this is told once and concerns neither the first, nor the next.
async fn one_fails<H, F>(context: &Ground, handler: H, check: fn(ServeError))
where
    H: Fn(Stream) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (listener, serving, reports) = serving(context, handler).await;
    let mut sibling = context.connect(address(&listener)).await;
    assert_echo(context, &mut sibling).await;
    fail(context, context.connect(address(&listener)).await).await;
    context.until(|| !reports.lock().unwrap().is_empty()).await;
    assert_echo(context, &mut sibling).await;
    let mut next = context.connect(address(&listener)).await;
    assert_echo(context, &mut next).await;
    // None of them is waited for in vain.
    drop((sibling, next));
    closer(&*listener).close();
    context.within(serving).await.expect("a close is no error");
    let mut reports = std::mem::take(&mut *reports.lock().unwrap());
    assert_eq!(reports.len(), 1, "it is told once: {reports:?}");
    check(reports.remove(0));
}

fn address(listener: &BoxListener) -> SocketAddr {
    let LocalAddress(address) = listener.attribute().expect("a listener has an address");
    address.socket_addr().expect("an IP address")
}

async fn echo<S: anynet_core::ByteStream>(stream: S) -> Result<()> {
    echo_or(stream, || unreachable!("nobody asks for a failure")).await
}

/// Echoes until the client's end, or until it asks for a failure.
async fn echo_or<S: anynet_core::ByteStream>(
    mut stream: S,
    failure: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let mut buf = [0; 64];
    loop {
        match stream.receive(&mut buf).await {
            Ok(n) if buf[..n].contains(&FAIL) => return failure(),
            Ok(n) => stream.send(&buf[..n]).await?,
            Err(ReceiveError::EndOfStream) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

async fn assert_echo(context: &Ground, client: &mut (impl anynet_core::ByteStream + Send)) {
    context.within(client.send(b"echo")).await.unwrap();
    let mut buf = [0; 4];
    context.within(client.receive_exactly(&mut buf)).await.unwrap();
    assert_eq!(&buf, b"echo");
}

/// Asks for a failure, and waits until the connection is gone. It may be gone before it is asked.
async fn fail(context: &Ground, mut client: Stream) {
    let _ = context.within(client.send(&[FAIL])).await;
    context
        .within(client.receive(&mut [0; 1]))
        .await
        .expect_err("the handler failed");
}

async fn assert_end(context: &Ground, client: &mut Stream) {
    let received = context.within(client.receive(&mut [0; 1])).await;
    assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");
}

/// Panics, without a word on the standard error.
fn throw() -> ! {
    resume_unwind(Box::new("thrown"))
}

fn assert_panicked(error: ServeError) {
    let text = error.to_string();
    assert!(text.ends_with(" panicked: thrown"), "{text}");
    let ServeError::Panicked { panic, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(panic.into_payload().downcast_ref(), Some(&"thrown"));
}

/// A connection whose destructor panics, if it failed.
struct ThrowsWhenDropped<F> {
    connection: Pin<Box<F>>,
    failed: Arc<Mutex<bool>>,
}

impl<F: Future> Future for ThrowsWhenDropped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        self.connection.as_mut().poll(cx)
    }
}

impl<F> Drop for ThrowsWhenDropped<F> {
    fn drop(&mut self) {
        if *self.failed.lock().unwrap() {
            throw();
        }
    }
}
