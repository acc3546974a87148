//! A server: limits, statistics, several listeners, and its end.

pub(super) mod ending;
pub(super) mod several;

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use anynet_core::{
    BoxFuture, BoxListener, BoxStream, BoxTask, ByteReceiveStreamExt, ByteSendStreamExt, ByteStream,
    ConnectError, Error, Executor, Network, ReceiveError, Result,
};
use anynet_util::{Server, ServerHandle, Statistics};

use crate::Ground;
use crate::case::cases;
use crate::steps::closer;

cases![given Ground:
    what_becomes_of_connections_is_counted,
    clients_beyond_the_limit_are_dropped_and_a_place_that_is_freed_is_given_again,
    clients_beyond_the_limit_can_be_told_so,
    clients_beyond_the_limit_of_their_peer_are_dropped,
    an_accept_rate_leaves_the_others_in_the_queue,
    a_shutdown_releases_the_address_and_lets_the_open_connections_finish,
    handlers_that_ignore_a_shutdown_are_cancelled_after_the_grace,
    handlers_hear_of_a_shutdown,
    a_shutdown_before_it_serves_ends_it_at_once,
    closing_a_listener_ends_its_loop_and_a_handler_can_do_it,
    dropping_it_ends_loops_and_connections_and_frees_the_address,
    a_handler_that_hangs_harms_no_sibling,
];

async fn what_becomes_of_connections_is_counted(context: Ground) {
    let server = Started::new(&context, |server| server, answer);
    let server = server.await;
    let mut open = server.connect(&context).await;
    assert_answer(&context, &mut open, b'=').await;
    for what in [b'.', b'!', b'*', b'*'] {
        let mut client = server.connect(&context).await;
        context.within(client.send(&[what])).await.unwrap();
        assert_ends(&context, &mut client).await;
    }
    let all_counted = |counted: Statistics| counted.finished + counted.failed + counted.panicked == 4;
    context.until(|| all_counted(server.handle.statistics())).await;
    let counted = server.handle.statistics();
    assert_eq!(counted.accepted, 5);
    assert_eq!(counted.open, 1);
    assert_eq!((counted.finished, counted.failed, counted.panicked), (1, 1, 2));
    assert_eq!(
        (counted.refused, counted.refused_to_peer, counted.cancelled),
        (0, 0, 0)
    );
    drop(server.serving);
    context.until(|| server.handle.statistics().cancelled == 1).await;
    assert_eq!(server.handle.statistics().open, 0);
}

async fn clients_beyond_the_limit_are_dropped_and_a_place_that_is_freed_is_given_again(context: Ground) {
    let server = Started::new(&context, |server| server.limit(2), answer).await;
    let mut first = server.connect(&context).await;
    let mut second = server.connect(&context).await;
    for client in [&mut first, &mut second] {
        assert_answer(&context, client, b'=').await;
    }
    let mut third = server.connect(&context).await;
    assert_ends(&context, &mut third).await;
    assert_eq!(server.handle.statistics().refused, 1);
    assert_answer(&context, &mut first, b'=').await;
    // A place is free again however the handler ends.
    for end in [b'.', b'!', b'*'] {
        context.within(second.send(&[end])).await.unwrap();
        assert_ends(&context, &mut second).await;
        context.until(|| server.handle.statistics().open == 1).await;
        second = server.connect(&context).await;
        assert_answer(&context, &mut second, b'=').await;
    }
}

async fn clients_beyond_the_limit_can_be_told_so(context: Ground) {
    let tell = |mut stream: BoxStream| async move { Ok(stream.send(b"busy").await?) };
    let server = Started::new(&context, |server| server.limit(1).on_refused(tell), answer).await;
    let mut first = server.connect(&context).await;
    assert_answer(&context, &mut first, b'=').await;
    for refused in 1..4 {
        let mut client = server.connect(&context).await;
        let mut told = [0; 4];
        context.within(client.receive_exactly(&mut told)).await.unwrap();
        assert_eq!(&told, b"busy");
        assert_ends(&context, &mut client).await;
        assert_eq!(server.handle.statistics().refused, refused);
    }
    assert_eq!(server.handle.statistics().finished, 0, "they are no handlers");
    assert_answer(&context, &mut first, b'=').await;
}

async fn clients_beyond_the_limit_of_their_peer_are_dropped(context: Ground) {
    let server = Started::new(&context, |server| server.limit_per_peer(1), answer).await;
    let mut first = server.connect(&context).await;
    assert_answer(&context, &mut first, b'=').await;
    let mut second = server.connect(&context).await;
    assert_ends(&context, &mut second).await;
    let counted = server.handle.statistics();
    assert_eq!((counted.refused, counted.refused_to_peer), (0, 1));
    drop(first);
    context.until(|| server.handle.statistics().open == 0).await;
    let mut again = server.connect(&context).await;
    assert_answer(&context, &mut again, b'=').await;
}

async fn an_accept_rate_leaves_the_others_in_the_queue(context: Ground) {
    let server = Started::new(&context, |server| server.accept_rate(4), answer).await;
    let started = context.network().now();
    let mut clients = Vec::new();
    for _ in 0..6 {
        clients.push(server.connect(&context).await);
    }
    for client in &mut clients {
        assert_answer(&context, client, b'=').await;
    }
    // Four at once, and then one each quarter of a second.
    let took = context.network().now() - started;
    assert!(took >= Duration::from_millis(400), "{took:?}");
}

async fn a_shutdown_releases_the_address_and_lets_the_open_connections_finish(context: Ground) {
    let mut server = Started::new(&context, |server| server, answer).await;
    let mut client = server.connect(&context).await;
    assert_answer(&context, &mut client, b'=').await;
    server.handle.shut_down();
    server.handle.shut_down();
    context.assert_waits(&mut server.serving).await;
    // The system turns clients away, and the address can be had again, while a connection is open still.
    match context.within(context.network().connect(server.address)).await {
        Err(error @ ConnectError::Failed { .. }) => {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        }
        other => panic!("{:?}", other.map(drop)),
    }
    let again = context.within(context.network().listen(server.address)).await;
    assert!(again.is_ok(), "{again:?}");
    assert_answer(&context, &mut client, b'=').await;
    drop(client);
    context
        .within(server.serving)
        .await
        .expect("a shutdown is no error");
    assert_eq!(server.handle.statistics().cancelled, 0);
}

async fn handlers_that_ignore_a_shutdown_are_cancelled_after_the_grace(context: Ground) {
    const GRACE: Duration = Duration::from_millis(100);
    let server = Started::new(&context, |server| server.grace(GRACE), answer).await;
    let mut client = server.connect(&context).await;
    assert_answer(&context, &mut client, b'=').await;
    let started = context.network().now();
    server.handle.shut_down();
    context
        .within(server.serving)
        .await
        .expect("a shutdown is no error");
    let took = context.network().now() - started;
    assert!(took >= GRACE, "{took:?}");
    assert_ends(&context, &mut client).await;
    context.until(|| server.handle.statistics().cancelled == 1).await;
}

async fn handlers_hear_of_a_shutdown(context: Ground) {
    let (listener, address) = context.any_listener().await;
    let server = Server::new(listener);
    let handle = server.handle();
    let serving = context.network().spawn(server.serve(farewell(handle.clone())));
    let mut client = context.connect(address).await;
    context.within(client.receive_exactly(&mut [0; 5])).await.unwrap();
    context.settle().await;
    handle.shut_down();
    context.within(client.receive_exactly(&mut [0; 7])).await.unwrap();
    context.within(serving).await.unwrap();
    context.within(Box::pin(handle.shutting_down())).await;
}

/// A handler that says hello, and goodbye when it hears of the server's shutdown.
fn farewell(
    server: ServerHandle,
) -> impl Fn(BoxStream) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static {
    move |mut stream| {
        let server = server.clone();
        Box::pin(async move {
            stream.send(b"hello").await?;
            server.shutting_down().await;
            Ok(stream.send(b"goodbye").await?)
        })
    }
}

async fn a_shutdown_before_it_serves_ends_it_at_once(context: Ground) {
    let (listener, _) = context.any_listener().await;
    let server = Server::new(listener);
    server.handle().shut_down();
    context.within(server.serve(answer)).await.unwrap();
    let none: [BoxListener; 0] = [];
    context.within(Server::over(none).serve(answer)).await.unwrap();
}

async fn closing_a_listener_ends_its_loop_and_a_handler_can_do_it(context: Ground) {
    let (listener, address) = context.any_listener().await;
    let closer = closer(&listener);
    let server = Server::new(listener);
    let handle = server.handle();
    let serving = context
        .network()
        .spawn(server.serve(move |mut stream: BoxStream| {
            let closer = closer.clone();
            async move {
                closer.close();
                Ok(stream.send(b"the last").await?)
            }
        }));
    let mut client = context.connect(address).await;
    context.within(client.receive_exactly(&mut [0; 8])).await.unwrap();
    context.within(serving).await.expect("a close is no error");
    assert_eq!(handle.statistics().finished, 1);
    let again = context.within(context.network().listen(address)).await;
    assert!(again.is_ok(), "{again:?}");
}

async fn dropping_it_ends_loops_and_connections_and_frees_the_address(context: Ground) {
    let server = Started::new(&context, |server| server, answer).await;
    let mut client = server.connect(&context).await;
    assert_answer(&context, &mut client, b'=').await;
    drop(server.serving);
    assert_ends(&context, &mut client).await;
    // Soon: a task's destructors need not have run when the drop returns.
    for _ in 0..100 {
        if context
            .within(context.network().listen(server.address))
            .await
            .is_ok()
        {
            return;
        }
        context.settle().await;
    }
    panic!("the address is still taken");
}

async fn a_handler_that_hangs_harms_no_sibling(context: Ground) {
    let server = Started::new(&context, |server| server, answer).await;
    let mut hung = server.connect(&context).await;
    context.within(hung.send(b"?")).await.unwrap();
    let mut sibling = server.connect(&context).await;
    assert_answer(&context, &mut sibling, b'=').await;
    assert_eq!(server.handle.statistics().open, 2);
}

/// Does what the client asks for: `=` answers, `.` ends, `!` fails, `*` panics, `?` hangs.
async fn answer(mut stream: impl ByteStream + Send) -> Result<()> {
    let mut command = [0];
    loop {
        match stream.receive(&mut command).await {
            Ok(_) => match command {
                [b'='] => stream.send(&command).await?,
                [b'!'] => return Err(Error::other("asked to fail")),
                [b'*'] => std::panic::resume_unwind(Box::new("asked to panic")),
                [b'?'] => pending().await,
                _ => return Ok(()),
            },
            Err(ReceiveError::EndOfStream) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// A server that serves.
struct Started {
    address: SocketAddr,
    handle: ServerHandle,
    serving: BoxTask<Result<()>>,
}

impl Started {
    async fn new<H, F>(
        context: &Ground,
        configure: impl FnOnce(Server<BoxListener>) -> Server<BoxListener>,
        handler: H,
    ) -> Self
    where
        H: Fn(BoxStream) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let (listener, address) = context.any_listener().await;
        let server = configure(Server::new(listener));
        Self {
            address,
            handle: server.handle(),
            serving: context.network().spawn(server.serve(handler)),
        }
    }

    fn connect<'a>(&self, context: &'a Ground) -> impl Future<Output = BoxStream> + use<'a> {
        context.connect(self.address)
    }
}

async fn assert_answer(context: &Ground, client: &mut (impl ByteStream + Send), what: u8) {
    context.within(client.send(&[what])).await.unwrap();
    let mut answer = [0];
    context.within(client.receive_exactly(&mut answer)).await.unwrap();
    assert_eq!(answer, [what]);
}

/// Asserts that the server ends the connection.
async fn assert_ends(context: &Ground, client: &mut (impl ByteStream + Send)) {
    let received = context.within(client.receive(&mut [0; 8])).await;
    assert!(
        matches!(received, Err(ReceiveError::EndOfStream | ReceiveError::Broken(_))),
        "{received:?}"
    );
}
