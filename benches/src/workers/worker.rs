//! What a worker does, written once: for anynet over its runtime, and for the runtime's own sockets, which have the same names
//! on both. The program above says what these are.

use std::net::SocketAddr;

use anynet::{BoxStream, Current, Runtime};
use anynet_benches::crowd::{self, Served, bursts, idle};
use anynet_benches::ours;
use anynet_benches::work::{
    BUFFER, BURST, CHUNK, CHUNKS, Candidate, Ends, Figures, MESSAGE, Measurement, Order, WARM_UP, Work,
};

use super::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, TcpListener, TcpStream, UdpSocket, UnixStream, here,
    runtime, spawn,
};

pub(super) async fn run(order: Order) -> Figures {
    match order.candidate {
        Candidate::Native => native(order).await,
        Candidate::Generic => on(runtime(), order).await,
        Candidate::Facade => on(Current::current().unwrap(), order).await,
        Candidate::Boxed => boxed(runtime(), order).await,
        Candidate::BoxedFacade => boxed(Current::current().unwrap(), order).await,
    }
}

/// Runs the measured side here, and the other one as a task.
async fn beside(
    other: impl Future<Output = ()> + Send + 'static,
    measured: impl Future<Output = Figures>,
) -> Figures {
    let other = here(other);
    let figures = measured.await;
    other.await;
    figures
}

async fn on<R: Runtime>(runtime: R, Order { work, ops, .. }: Order) -> Figures {
    let listener = ours::listener(&runtime).await;
    let (address, served) = (listener.local_address(), Served::default());
    match work {
        Work::Connect => {
            let connecting = ours::connect(runtime, address, ops);
            return beside(ours::accept(listener, ops), connecting).await;
        }
        Work::Accept => return ours::accepts(listener, ops).await,
        Work::Burst => {
            let _serving = here(ours::serve_bursts(listener, served.clone()));
            return bursts(address, ops, served).await;
        }
        Work::Idle => {
            spawn(ours::hold(listener, served.clone()));
            return idle(address, ops, served).await;
        }
        Work::IdleServed => {
            spawn(ours::serve_idle(listener, served.clone()));
            return idle(address, ops, served).await;
        }
        Work::Datagrams => return ours::datagrams(&runtime, ops).await,
        _ => drop(listener),
    }
    if work == Work::UnixPingPong {
        let (client, server, ends) = ours::unix_pair(&runtime);
        return beside(ours::answer(server), ours::ask(client, ops, ends)).await;
    }
    let (client, server, ends) = ours::pair(&runtime).await;
    match work {
        Work::Bulk => beside(ours::pour(server, ops), ours::drain(client, ops, ends)).await,
        _ => beside(ours::answer(server), ours::ask(client, ops, ends)).await,
    }
}

async fn boxed<R: Runtime>(runtime: R, Order { work, ops, .. }: Order) -> Figures {
    let (client, server, ends): (BoxStream, BoxStream, Ends) = if work == Work::UnixPingPong {
        let (client, server, ends) = ours::unix_pair(&runtime);
        (Box::new(client), Box::new(server), ends)
    } else {
        let (client, server, ends) = ours::pair(&runtime).await;
        (Box::new(client), Box::new(server), ends)
    };
    match work {
        Work::Bulk => beside(ours::pour(server, ops), ours::drain(client, ops, ends)).await,
        _ => beside(ours::answer(server), ours::ask(client, ops, ends)).await,
    }
}

async fn native(Order { work, ops, .. }: Order) -> Figures {
    let listener = TcpListener::bind(ours::LOOPBACK).await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = Served::default();
    match work {
        Work::Connect => return beside(accept(listener, ops), connect(address, ops)).await,
        Work::Accept => return accepts(listener, ops).await,
        Work::Burst => {
            let _serving = here(serve_bursts(listener, served.clone()));
            return bursts(address, ops, served).await;
        }
        Work::Idle => {
            spawn(hold(listener, served.clone()));
            return idle(address, ops, served).await;
        }
        Work::Datagrams => return datagrams(ops).await,
        _ => {}
    }
    if work == Work::UnixPingPong {
        let (client, server) = UnixStream::pair().unwrap();
        let ends = Ends::of(&client, &server);
        return beside(answer(server), ask(client, ops, ends)).await;
    }
    let client = TcpStream::connect(address).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    drop(listener);
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let ends = Ends::of(&client, &server);
    match work {
        Work::Bulk => beside(pour(server, ops), drain(client, ops, ends)).await,
        _ => beside(answer(server), ask(client, ops, ends)).await,
    }
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, ops: u64, ends: Ends) -> Figures {
    ask_times(&mut stream, WARM_UP).await;
    let measurement = Measurement::start();
    ask_times(&mut stream, ops).await;
    measurement.end(Some(ends))
}

async fn ask_times(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), times: u64) {
    let mut buf = [0; BUFFER];
    for _ in 0..times {
        stream.write_all(&MESSAGE).await.unwrap();
        assert_eq!(stream.read(&mut buf).await.unwrap(), MESSAGE.len());
    }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut buf = [0; BUFFER];
    loop {
        match stream.read(&mut buf).await.unwrap() {
            0 => break,
            n => stream.write_all(&buf[..n]).await.unwrap(),
        }
    }
}

async fn drain(mut stream: TcpStream, ops: u64, ends: Ends) -> Figures {
    drain_times(&mut stream, WARM_UP).await;
    let measurement = Measurement::start();
    drain_times(&mut stream, ops).await;
    measurement.end(Some(ends))
}

async fn drain_times(stream: &mut TcpStream, times: u64) {
    let mut buf = vec![0; CHUNK];
    let mut left = times * CHUNKS * CHUNK as u64;
    while left > 0 {
        let room = left.min(CHUNK as u64) as usize;
        left -= stream.read(&mut buf[..room]).await.unwrap() as u64;
    }
}

async fn pour(mut stream: TcpStream, ops: u64) {
    let chunk = vec![7; CHUNK];
    for _ in 0..(WARM_UP + ops) * CHUNKS {
        stream.write_all(&chunk).await.unwrap();
    }
}

async fn datagrams(ops: u64) -> Figures {
    let client = UdpSocket::bind(ours::LOOPBACK).await.unwrap();
    let server = UdpSocket::bind(ours::LOOPBACK).await.unwrap();
    let ends = Ends::of(&client, &server);
    datagrams_times(&client, &server, WARM_UP).await;
    let measurement = Measurement::start();
    datagrams_times(&client, &server, ops).await;
    measurement.end(Some(ends))
}

async fn datagrams_times(client: &UdpSocket, server: &UdpSocket, times: u64) {
    let (mut buf, to) = ([0; BUFFER], server.local_addr().unwrap());
    for _ in 0..times {
        for _ in 0..BURST {
            client.send_to(&MESSAGE, to).await.unwrap();
        }
        for _ in 0..BURST {
            let (received, _) = server.recv_from(&mut buf).await.unwrap();
            assert_eq!(received, MESSAGE.len());
        }
    }
}

async fn connect(to: SocketAddr, ops: u64) -> Figures {
    connect_times(to, WARM_UP).await;
    let measurement = Measurement::start();
    connect_times(to, ops).await;
    measurement.end(None)
}

async fn connect_times(to: SocketAddr, times: u64) {
    for _ in 0..times {
        drop(TcpStream::connect(to).await.unwrap());
    }
}

async fn accept(listener: TcpListener, ops: u64) {
    for _ in 0..WARM_UP + ops {
        drop(listener.accept().await.unwrap());
    }
}

async fn accepts(listener: TcpListener, ops: u64) -> Figures {
    accepts_times(&listener, WARM_UP).await;
    let measurement = Measurement::start();
    accepts_times(&listener, ops).await;
    measurement.end(None)
}

async fn accepts_times(listener: &TcpListener, times: u64) {
    let to = listener.local_addr().unwrap();
    for _ in 0..times {
        let client = crowd::connect(to);
        drop(listener.accept().await.unwrap());
        drop(client);
    }
}

async fn serve_bursts(listener: TcpListener, served: Served) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let served = served.clone();
        spawn(async move {
            drop(stream);
            served.one_more();
        });
    }
}

async fn hold(listener: TcpListener, served: Served) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        spawn(wait(stream, served.clone()));
    }
}

async fn wait(mut stream: TcpStream, served: Served) {
    stream.write_all(b"!").await.unwrap();
    served.one_more();
    let mut buf = [0; 64];
    while stream.read(&mut buf).await.is_ok_and(|n| n > 0) {}
}
