//! What becomes of sockets and tasks when their runtime is shut down, and another one goes on.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anynet_core::{
    AcceptError, BindError, BoxFuture, BoxRuntime, ConnectError, Error, Executor, Network, ReceiveError,
    SendError,
};
use anynet_sockets::TcpStream;
use socket2::{Domain, Socket, Type};

use crate::Context;
use crate::case::{Outcome, cases};
use crate::context::poll_once;

cases![
    an_operation_that_waited_is_an_error,
    a_connect_under_way_is_an_error,
    nothing_new_is_made,
    a_stream_is_closed_in_order_all_the_same,
    an_abort_and_a_closer_still_work,
    a_linger_is_no_hang_and_no_panic,
    a_serve_is_an_error_and_waits_for_nobody,
    a_sleep_ends_all_the_same,
    a_task_never_completes_and_is_dropped,
];

async fn an_operation_that_waited_is_an_error(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let listener = there.listener().await;
    let (mut receiving, _peer) = there.tcp_pair().await;
    let (mut sending, _silent) = there.tcp_pair().await;
    let accept = context
        .runtime()
        .spawn(async move { listener.accept().await.map(drop) });
    let receive = context
        .runtime()
        .spawn(async move { receiving.receive(&mut [0; 8]).await });
    let send = context.runtime().spawn(async move {
        loop {
            sending.send(&[0; 16 << 10]).await?;
        }
    });
    context.settle().await;
    shut_down();
    let accepted = context.within(accept).await;
    assert!(matches!(accepted, Err(AcceptError::Broken(_))), "{accepted:?}");
    let received = context.within(receive).await;
    assert!(matches!(received, Err(ReceiveError::Broken(_))), "{received:?}");
    let sent: Result<(), _> = context.within(send).await;
    assert!(matches!(sent, Err(SendError::Broken(_))), "{sent:?}");
    Ok(())
}

async fn a_connect_under_way_is_an_error(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let (_full, address, _clients) = full_listener(context.loopback);
    let mut waiting: BoxFuture<'static, _> = Box::pin(attempt(there.clone(), address));
    context.assert_waits(&mut waiting).await;
    shut_down();
    let error = context.within(waiting).await.unwrap_err();
    assert!(
        matches!(&error, ConnectError::Failed { attempts, .. } if attempts.len() == 1),
        "{error:?}"
    );
    Ok(())
}

async fn nothing_new_is_made(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let listener = context.listener().await;
    shut_down();
    let connected = context
        .within(there.network().connect(listener.local_address()))
        .await;
    assert!(
        matches!(connected, Err(ConnectError::Failed { .. })),
        "{connected:?}"
    );
    let bound = context.within(there.network().listen(context.loopback)).await;
    assert!(matches!(bound, Err(BindError::Failed { .. })), "{bound:?}");
    // What had connected before it could not be registered is not left open.
    context.settle().await;
    if let Poll::Ready(Ok(mut accepted)) = poll_once(&mut Box::pin(listener.accept())) {
        context
            .within(accepted.receive(&mut [0; 1]))
            .await
            .expect_err("there is nobody");
    }
    Ok(())
}

async fn a_stream_is_closed_in_order_all_the_same(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let (mut ended, mut closed, dropped, mut peers) = three_streams(&context, &there).await;
    for stream in [&mut ended, &mut closed] {
        context.within(stream.send(b"last words")).await.unwrap();
    }
    shut_down();
    context.within(ended.send_eof()).await.unwrap();
    context.within(closed.close()).await.unwrap();
    drop(dropped);
    for (peer, expected) in peers.iter_mut().zip([10, 10, 0]) {
        let mut received = 0;
        let end = loop {
            match context.within(peer.receive(&mut [0; 32])).await {
                Ok(n) => received += n,
                Err(end) => break end,
            }
        };
        assert!(matches!(end, ReceiveError::EndOfStream), "{end:?}");
        assert_eq!(received, expected);
    }
    Ok(())
}

async fn an_abort_and_a_closer_still_work(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let (mut aborted, by_closer, closed, mut peers) = three_streams(&context, &there).await;
    let (aborter, closer) = (by_closer.closer(), closed.closer());
    shut_down();
    aborted.abort();
    aborter.abort();
    closer.close();
    drop((by_closer, closed));
    for (peer, reset) in peers.iter_mut().zip([true, true, false]) {
        let received = context.within(peer.receive(&mut [0; 1])).await;
        match received {
            Err(ReceiveError::Broken(cause)) if reset => {
                assert_eq!(cause.kind(), io::ErrorKind::ConnectionReset);
            }
            Err(ReceiveError::EndOfStream) if !reset => {}
            other => panic!("{other:?}, where a reset was expected: {reset}"),
        }
    }
    Ok(())
}

async fn a_linger_is_no_hang_and_no_panic(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let (mut stream, _peer) = there.tcp_pair().await;
    shut_down();
    let lingered = context
        .within(stream.close_lingering(Duration::from_secs(60)))
        .await;
    assert!(matches!(lingered, Err(SendError::Broken(_))), "{lingered:?}");
    let received = context.within(stream.receive(&mut [0; 1])).await;
    assert!(matches!(received, Err(ReceiveError::Closed)), "{received:?}");
    Ok(())
}

async fn a_serve_is_an_error_and_waits_for_nobody(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let listener = there.listener().await;
    let address = listener.local_address();
    // The accepting happens here, the connections are served there.
    let serving = context.runtime().spawn(async move {
        let hello_and_wait = |mut stream: Stream| async move {
            stream.send(b"x").await?;
            pending().await
        };
        listener.serve(hello_and_wait).await
    });
    let mut client = context.connect(address).await;
    assert_eq!(context.within(client.receive(&mut [0; 8])).await.unwrap(), 1);
    shut_down();
    let ended = context.within(serving).await;
    assert!(
        matches!(ended, Err(Error::Accept(AcceptError::Broken(_)))),
        "{ended:?}"
    );
    context
        .within(client.receive(&mut [0; 8]))
        .await
        .expect_err("nobody is left");
    Ok(())
}

async fn a_sleep_ends_all_the_same(context: Context) -> Outcome {
    const SOON: Duration = Duration::from_millis(500);
    let (there, shut_down) = context.second()?;
    let mut running = there.runtime().sleep(SOON);
    context.assert_waits(&mut running).await;
    let made = there.runtime().sleep(SOON);
    shut_down();
    context.within(running).await;
    context.within(made).await;
    context.within(there.runtime().sleep(SOON)).await;
    Ok(())
}

async fn a_task_never_completes_and_is_dropped(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let alive = Arc::new(());
    let guard = alive.clone();
    let mut task = there.runtime().spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    shut_down();
    context.assert_waits(&mut task).await;
    context.until(|| Arc::strong_count(&alive) == 1).await;
    context.assert_waits(&mut there.runtime().spawn(async {})).await;
    Ok(())
}

/// A listener whose queue is full, so that the next to connect gets no answer, and those who fill it.
fn full_listener(loopback: SocketAddr) -> (Socket, SocketAddr, Vec<Socket>) {
    let socket = || Socket::new(Domain::for_address(loopback), Type::STREAM, None).unwrap();
    let listener = socket();
    listener.bind(&loopback.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let clients = (0..16).map(|_| {
        let client = socket();
        client.set_nonblocking(true).unwrap();
        // Some are still under way, without hope.
        let _ = client.connect(&address);
        client
    });
    let clients = clients.collect();
    (listener, address.as_socket().unwrap(), clients)
}

async fn attempt(context: Context, to: SocketAddr) -> Result<TcpStream<BoxRuntime>, ConnectError> {
    context.network().connect(to).await
}

type Stream = TcpStream<BoxRuntime>;

/// Three streams `there`, and their peers here.
async fn three_streams(context: &Context, there: &Context) -> (Stream, Stream, Stream, [Stream; 3]) {
    let listener = context.listener().await;
    let mut pairs = Vec::new();
    for _ in 0..3 {
        let stream = there.connect(listener.local_address()).await;
        pairs.push((stream, context.within(listener.accept()).await.unwrap()));
    }
    let (streams, peers): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let [first, second, third] = <[Stream; 3]>::try_from(streams).expect("three were made");
    (first, second, third, peers.try_into().expect("three were made"))
}
