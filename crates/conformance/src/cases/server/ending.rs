//! The end of a server: what is counted then, and which listeners bring it about.

use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anynet_core::{BoxStream, BoxTask, ByteReceiveStreamExt, ByteSendStreamExt, Executor, Result};
use anynet_util::{Server, ServerHandle};

use super::{Started, answer, assert_answer, assert_ends, farewell};
use crate::Ground;
use crate::case::cases;
use crate::steps::closer;

cases![given Ground:
    what_was_counted_adds_up_when_it_has_ended,
    connections_of_a_listener_that_is_closed_alone_live_on,
    closing_the_last_listener_is_a_shutdown_that_handlers_hear_of,
    a_destructor_that_panics_when_its_connection_is_cancelled_harms_nobody,
];

const GRACE: Duration = Duration::from_millis(50);

async fn what_was_counted_adds_up_when_it_has_ended(context: Ground) {
    let hang = |mut stream: BoxStream| async move {
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

async fn connections_of_a_listener_that_is_closed_alone_live_on(context: Ground) {
    let (one, of_one) = context.any_listener().await;
    let (other, of_other) = context.any_listener().await;
    let closer = closer(&one);
    let (handle, serving) = start(&context, Server::new(one).and(other).grace(GRACE), answer);
    let mut client = context.connect(of_one).await;
    assert_answer(&context, &mut client, b'=').await;
    closer.close();
    context.network().sleep(2 * GRACE).await;
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

async fn closing_the_last_listener_is_a_shutdown_that_handlers_hear_of(context: Ground) {
    let (one, address) = context.any_listener().await;
    let (other, _) = context.any_listener().await;
    let (first, last) = (closer(&other), closer(&one));
    let server = Server::new(one).and(other);
    let handler = farewell(server.handle());
    let (_, mut serving) = start(&context, server, handler);
    let mut client = context.connect(address).await;
    context.within(client.receive_exactly(&mut [0; 5])).await.unwrap();
    first.close();
    context.assert_waits(&mut serving).await;
    last.close();
    context.within(client.receive_exactly(&mut [0; 7])).await.unwrap();
    context.within(serving).await.unwrap();
}

async fn a_destructor_that_panics_when_its_connection_is_cancelled_harms_nobody(context: Ground) {
    let server = Started::new(
        &context,
        |server| server,
        |mut stream: BoxStream| async move {
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

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        std::pin::pin!(pending()).poll(cx)
    }
}

impl Drop for ThrowsWhenDropped {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("thrown"));
    }
}

fn start<L, H, F>(context: &Ground, server: Server<L>, handler: H) -> (ServerHandle, BoxTask<Result<()>>)
where
    L: anynet_core::Listener,
    H: Fn(L::Stream) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let handle = server.handle();
    (handle, context.network().spawn(server.serve(handler)))
}
