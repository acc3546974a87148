//! Iterators as streams of the `futures` crates.
#![cfg(feature = "futures-core")]

use std::net::UdpSocket as StdSocket;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anynet_core::ReceiveError;
use anynet_smol::Smol;
use anynet_sockets::{TcpListener, TcpStream, UdpSocket};
use futures_core::Stream;
use futures_lite::StreamExt;

#[test]
fn datagrams_are_a_stream_that_ends_with_the_close() {
    anynet_smol::run(async {
        let socket = UdpSocket::<Smol>::bind("127.0.0.1:0").await.unwrap();
        let other = StdSocket::bind("127.0.0.1:0").unwrap();
        let (to, from) = (socket.local_address(), other.local_addr().unwrap());
        let mut datagrams = socket.datagrams(4);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(pin!(&mut datagrams).poll_next(&mut cx).is_pending());
        for data in [&b"one"[..], b"", b"three"] {
            other.send_to(data, to).unwrap();
        }
        let mut next = async || StreamExt::next(&mut datagrams).await.unwrap().unwrap();
        assert_eq!(next().await, (b"one".to_vec(), from));
        assert_eq!(next().await, (Vec::new(), from));
        assert_eq!(next().await, (b"thre".to_vec(), from));
        assert!(datagrams.truncated());
        // One way of asking does not disturb the other.
        assert!(pin!(&mut datagrams).poll_next(&mut cx).is_pending());
        other.send_to(b"four", to).unwrap();
        assert_eq!(datagrams.next().await.unwrap().unwrap(), (&b"four"[..], from));
        assert!(pin!(&mut datagrams).poll_next(&mut cx).is_pending());
        socket.closer().close();
        assert!(StreamExt::next(&mut datagrams).await.is_none());
        assert!(matches!(
            pin!(&mut datagrams).poll_next(&mut cx),
            Poll::Ready(None)
        ));
    })
    .unwrap();
}

#[test]
fn chunks_are_a_stream_that_ends_with_the_end() {
    anynet_smol::run(async {
        let listener = TcpListener::<Smol>::bind("127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::<Smol>::connect(listener.local_address())
            .await
            .unwrap();
        let mut stream = listener.accept().await.unwrap();
        client.send(b"some bytes").await.unwrap();
        client.send_eof().await.unwrap();
        let chunks: Result<Vec<Vec<u8>>, ReceiveError> = stream.chunks(4).try_collect().await;
        let chunks = chunks.unwrap();
        assert!(chunks.iter().all(|chunk| (1..=4).contains(&chunk.len())));
        assert_eq!(chunks.concat(), b"some bytes");
        // A final error is told once.
        let mut empty = stream.chunks(0);
        let told = StreamExt::next(&mut empty).await;
        assert!(matches!(told, Some(Err(ReceiveError::EmptyBuffer))));
        assert!(StreamExt::next(&mut empty).await.is_none());
    })
    .unwrap();
}
