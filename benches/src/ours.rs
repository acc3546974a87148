//! anynet's candidates, written once: over any runtime, and over any stream.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anynet::sockets::{TcpListener, TcpStream, UdpSocket, UnixStream};
use anynet::{ByteReceiveStreamExt, ByteSendStreamExt, ByteStream, ReceiveError, Runtime, Task};

use crate::crowd::{self, Served};
use crate::work::{BUFFER, BURST, CHUNK, CHUNKS, Ends, Figures, MESSAGE, Measurement, WARM_UP};

/// Where to listen.
pub const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A listener.
pub async fn listener<R: Runtime>(runtime: &R) -> TcpListener<R> {
    TcpListener::bind_on(runtime, LOOPBACK).await.unwrap()
}

/// The two ends of a connection: the one that connected, and the one that was accepted.
pub async fn pair<R: Runtime>(runtime: &R) -> (TcpStream<R>, TcpStream<R>, Ends) {
    let listener = listener(runtime).await;
    let client = TcpStream::connect_on(runtime, listener.local_address())
        .await
        .unwrap();
    let server = listener.accept().await.unwrap();
    let ends = Ends::of(&client, &server);
    (client, server, ends)
}

/// The two ends of a UNIX connection.
pub fn unix_pair<R: Runtime>(runtime: &R) -> (UnixStream<R>, UnixStream<R>, Ends) {
    let (client, server) = UnixStream::pair_on(runtime).unwrap();
    let ends = Ends::of(&client, &server);
    (client, server, ends)
}

/// Bursts of datagrams from one socket to another.
pub async fn datagrams<R: Runtime>(runtime: &R, ops: u64) -> Figures {
    let client = UdpSocket::bind_on(runtime, LOOPBACK).await.unwrap();
    let server = UdpSocket::bind_on(runtime, LOOPBACK).await.unwrap();
    let ends = Ends::of(&client, &server);
    datagrams_times(&client, &server, WARM_UP).await;
    let measurement = Measurement::start();
    datagrams_times(&client, &server, ops).await;
    measurement.end(Some(ends))
}

async fn datagrams_times<R: Runtime>(client: &UdpSocket<R>, server: &UdpSocket<R>, times: u64) {
    let mut buf = [0; BUFFER];
    for _ in 0..times {
        for _ in 0..BURST {
            client.send_to(&MESSAGE, server.local_address()).await.unwrap();
        }
        for _ in 0..BURST {
            let (received, _) = server.receive_from(&mut buf).await.unwrap();
            assert_eq!(received.length, MESSAGE.len());
        }
    }
}

/// The client of a ping-pong.
pub async fn ask(mut stream: impl ByteStream, ops: u64, ends: Ends) -> Figures {
    ask_times(&mut stream, WARM_UP).await;
    let measurement = Measurement::start();
    ask_times(&mut stream, ops).await;
    measurement.end(Some(ends))
}

async fn ask_times(stream: &mut impl ByteStream, times: u64) {
    let mut buf = [0; BUFFER];
    for _ in 0..times {
        stream.send(&MESSAGE).await.unwrap();
        assert_eq!(stream.receive(&mut buf).await.unwrap(), MESSAGE.len());
    }
}

/// The server of a ping-pong.
pub async fn answer(mut stream: impl ByteStream) {
    let mut buf = [0; BUFFER];
    loop {
        match stream.receive(&mut buf).await {
            Ok(n) => stream.send(&buf[..n]).await.unwrap(),
            Err(ReceiveError::EndOfStream) => break,
            Err(error) => panic!("{error}"),
        }
    }
}

/// The receiver of a bulk transfer, which ends it.
pub async fn drain(mut stream: impl ByteStream, ops: u64, ends: Ends) -> Figures {
    drain_times(&mut stream, WARM_UP).await;
    let measurement = Measurement::start();
    drain_times(&mut stream, ops).await;
    measurement.end(Some(ends))
}

async fn drain_times(stream: &mut impl ByteStream, times: u64) {
    let mut buf = vec![0; CHUNK];
    let mut left = times * CHUNKS * CHUNK as u64;
    while left > 0 {
        let room = left.min(CHUNK as u64) as usize;
        left -= stream.receive(&mut buf[..room]).await.unwrap() as u64;
    }
}

/// The sender of a bulk transfer.
pub async fn pour(mut stream: impl ByteStream, ops: u64) {
    let chunk = vec![7; CHUNK];
    for _ in 0..(WARM_UP + ops) * CHUNKS {
        stream.send(&chunk).await.unwrap();
    }
}

/// Connects and closes again.
pub async fn connect<R: Runtime>(runtime: R, to: SocketAddr, ops: u64) -> Figures {
    connect_times(&runtime, to, WARM_UP).await;
    let measurement = Measurement::start();
    connect_times(&runtime, to, ops).await;
    measurement.end(None)
}

async fn connect_times<R: Runtime>(runtime: &R, to: SocketAddr, times: u64) {
    for _ in 0..times {
        drop(TcpStream::connect_on(runtime, to).await.unwrap());
    }
}

/// Accepts and closes again.
pub async fn accept<R: Runtime>(listener: TcpListener<R>, ops: u64) {
    for _ in 0..WARM_UP + ops {
        drop(listener.accept().await.unwrap());
    }
}

/// Accepts connections of blocking clients and closes them.
pub async fn accepts<R: Runtime>(listener: TcpListener<R>, ops: u64) -> Figures {
    accepts_times(&listener, WARM_UP).await;
    let measurement = Measurement::start();
    accepts_times(&listener, ops).await;
    measurement.end(None)
}

async fn accepts_times<R: Runtime>(listener: &TcpListener<R>, times: u64) {
    for _ in 0..times {
        let client = crowd::connect(listener.local_address());
        drop(listener.accept().await.unwrap());
        drop(client);
    }
}

/// Accepts connections and closes them, each in a task of its own.
pub async fn serve_bursts<R: Runtime>(listener: TcpListener<R>, served: Served) {
    let serving = listener.serve(move |stream| {
        let served = served.clone();
        async move {
            drop(stream);
            served.one_more();
            Ok(())
        }
    });
    serving.await.unwrap();
}

/// Accepts connections that are idle, each in a task of its own.
pub async fn hold<R: Runtime>(listener: TcpListener<R>, served: Served) {
    loop {
        let stream = listener.accept().await.unwrap();
        listener.runtime().spawn(wait(stream, served.clone())).detach();
    }
}

/// The same under `serve`.
pub async fn serve_idle<R: Runtime>(listener: TcpListener<R>, served: Served) {
    let serving = listener.serve(move |stream| wait(stream, served.clone()));
    serving.await.unwrap();
}

/// Greets the client, and waits for it.
async fn wait(mut stream: impl ByteStream, served: Served) -> anynet::Result<()> {
    stream.send(b"!").await?;
    served.one_more();
    let mut buf = [0; 64];
    while stream.receive(&mut buf).await.is_ok() {}
    Ok(())
}
