//! The end of a server: what is counted then, and which listeners bring it about.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use anynet_core::{BoxTask, Executor, Result};
use anynet_util::{Server, ServerHandle};

use super::{Started, Stream, answer, assert_answer, assert_ends};
use crate::Context;
use crate::case::cases;

cases![
    what_was_counted_adds_up_when_it_has_ended,
    connections_of_a_listener_that_is_closed_alone_live_on,
    closing_the_last_listener_is_a_shutdown_that_handlers_hear_of,
    a_destructor_that_panics_when_its_connection_is_cancelled_harms_nobody,
];

const GRACE: Duration = Duration::from_millis(50);

async fn what_was_counted_adds_up_when_it_has_ended(context: Context) {
    let hang = |mut stream: Stream| async move {
        let _slow = SlowToDrop;
        stream.send(b"x").await?;
        pending().await
    };
    let server = Started::new(&context, |server| server.grace(GRACE), hang).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = server.connect(&context).await;
        context.within(client.receive_exactly(&mut [0])).await.unwrap();
        clients.push(client);
    }
    server.handle.shut_down();
    context.within(server.serving).await.unwrap();
    // At once: whoever tells the statistics at the end tells all of them.
    let counted = server.handle.statistics();
    assert_eq!((counted.accepted, counted.cancelled, counted.open), (8, 8, 0));
}

async fn connections_of_a_listener_that_is_closed_alone_live_on(context: Context) {
    let (one, other) = (context.listener().await, context.listener().await);
    let (of_one, of_other) = (one.local_address(), other.local_address());
    let closer = one.closer();
    let (handle, serving) = start(&context, Server::new(one).and(other).grace(GRACE), answer);
    let mut client = context.connect(of_one).await;
    assert_answer(&context, &mut client, b'=').await;
    closer.close();
    context.runtime().sleep(2 * GRACE).await;
    assert_answer(&context, &mut client, b'=').await;
    let mut of_other = context.connect(of_other).await;
    assert_answer(&context, &mut of_other, b'=').await;
    // The end is the end for both.
    handle.shut_down();
    context.within(serving).await.unwrap();
    for client in [&mut client, &mut of_other] {
        assert_ends(&context, client).await;
    }
}

async fn closing_the_last_listener_is_a_shutdown_that_handlers_hear_of(context: Context) {
    let (one, other) = (context.listener().await, context.listener().await);
    let address = one.local_address();
    let (first, last) = (other.closer(), one.closer());
    let server = Server::new(one).and(other);
    let told = server.handle();
    let (_, mut serving) = start(&context, server, move |mut stream: Stream| {
        let told = told.clone();
        async move {
            stream.send(b"hello").await?;
            told.shutting_down().await;
            Ok(stream.send(b"goodbye").await?)
        }
    });
    let mut client = context.connect(address).await;
    context.within(client.receive_exactly(&mut [0; 5])).await.unwrap();
    first.close();
    context.assert_waits(&mut serving).await;
    last.close();
    context.within(client.receive_exactly(&mut [0; 7])).await.unwrap();
    context.within(serving).await.unwrap();
}

async fn a_destructor_that_panics_when_its_connection_is_cancelled_harms_nobody(context: Context) {
    let server = Started::new(
        &context,
        |server| server,
        |mut stream: Stream| async move {
            stream.send(b"x").await?;
            ThrowsWhenDropped.await
        },
    )
    .await;
    let mut client = server.connect(&context).await;
    context.within(client.receive_exactly(&mut [0])).await.unwrap();
    drop(server.serving);
    assert_ends(&context, &mut client).await;
    context.until(|| server.handle.statistics().open == 0).await;
    let counted = server.handle.statistics();
    assert_eq!((counted.panicked, counted.cancelled), (1, 0));
}

/// Takes its time to be dropped.
struct SlowToDrop;

impl Drop for SlowToDrop {
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Never ends, and panics when it is dropped.
struct ThrowsWhenDropped;

impl Future for ThrowsWhenDropped {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Result<()>> {
        std::pin::pin!(pending()).poll(cx)
    }
}

impl Drop for ThrowsWhenDropped {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("thrown"));
    }
}

fn start<L, H, F>(context: &Context, server: Server<L>, handler: H) -> (ServerHandle, BoxTask<Result<()>>)
where
    L: anynet_core::Listener,
    H: Fn(L::Stream) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let handle = server.handle();
    (handle, context.runtime().spawn(server.serve(handler)))
}
