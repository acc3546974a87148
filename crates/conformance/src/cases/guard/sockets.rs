//! Guarded streams that are sockets.

use std::time::Duration;

use anynet_core::{AttributesExt, BoxRuntime, Executor, LocalAddress, PeerAddress, ReceiveError, SendError};
use anynet_sockets::TcpStream;
use anynet_util::{Guard, GuardedStream, Server};

use crate::Context;
use crate::case::cases;

cases![a_guarded_stream_can_do_what_it_could_without];

async fn a_guarded_stream_can_do_what_it_could_without(context: Context) {
    let probe = |mut stream: GuardedStream<TcpStream<BoxRuntime>, BoxRuntime>| async move {
        let facts = (
            stream
                .attribute::<PeerAddress>()
                .map(|PeerAddress(peer)| peer.socket_addr()),
            stream.attribute::<LocalAddress>().is_some(),
            stream.raw_socket().is_some(),
        );
        assert_eq!(facts, (Some(Some(stream.get_ref().peer_address())), true, true));
        assert!(stream.get_ref().nodelay()?);
        assert_eq!(stream.get_mut().peek(&mut [0; 8]).await?, 1);
        let mut received = [0; 1];
        stream.receive_exactly(&mut received).await?;
        stream
            .send_vectored(&mut [std::io::IoSlice::new(&received)])
            .await?;
        stream.flush().await?;
        stream.send_eof().await?;
        assert!(matches!(stream.send(b"x").await, Err(SendError::Closed)));
        assert!(matches!(
            stream.receive(&mut [0; 1]).await,
            Err(ReceiveError::EndOfStream)
        ));
        Ok(stream.close().await?)
    };
    let listener = context.listener().await;
    let mut client = context.connect(listener.local_address()).await;
    let server = Server::new(listener);
    let handle = server.handle();
    let guard = Guard::new(context.runtime().clone())
        .idle_timeout(Duration::from_secs(5))
        .abort_on_failure();
    let _serving = context.runtime().spawn(server.serve(guard.around(probe)));
    context.within(client.send(b"x")).await.unwrap();
    context.within(client.receive_exactly(&mut [0])).await.unwrap();
    let end = context.within(client.receive(&mut [0; 1])).await;
    assert!(matches!(end, Err(ReceiveError::EndOfStream)), "{end:?}");
    context.within(client.send_eof()).await.unwrap();
    context.until(|| handle.statistics().finished == 1).await;
}
