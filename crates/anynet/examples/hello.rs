//! A server and a client that talk over TCP up to the end of the stream, on whichever runtime is compiled in.
//!
//! ```text
//! cargo run --example hello --features smol
//! cargo run --example hello --features tokio
//! cargo run --example hello --features tokio,smol -- smol
//! ```

use anynet::{ReceiveError, Runtime, TcpListener, TcpStream};

async fn hello() -> anynet::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_address();
    let server = anynet::spawn(async move { greet(listener.accept().await?).await })?;

    let mut stream = TcpStream::connect(address).await?;
    println!("client: connected to {address} on {}", stream.runtime().name());
    stream.send(b"Ada").await?;
    stream.send_eof().await?;
    println!("client: received {:?}", receive_all(&mut stream).await?);
    println!("client: that was the end of the stream");
    stream.close().await?;
    server.await
}

async fn greet(mut stream: TcpStream) -> anynet::Result<()> {
    let name = receive_all(&mut stream).await?;
    println!(
        "server: {name:?} said hello, and then the end, on {}",
        stream.runtime().name()
    );
    stream.send(format!("Hello, {name}").as_bytes()).await?;
    Ok(stream.close().await?)
}

async fn receive_all(stream: &mut TcpStream) -> anynet::Result<String> {
    let (mut all, mut buf) = (Vec::new(), [0; 1024]);
    loop {
        match stream.receive(&mut buf).await {
            Ok(n) => all.extend_from_slice(&buf[..n]),
            Err(ReceiveError::EndOfStream) => return Ok(String::from_utf8_lossy(&all).into_owned()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn main() -> anynet::Result<()> {
    start::run(hello())?
}

/// Which runtime to start: the one that is compiled in, or the one that the argument names.
mod start {
    use std::io;

    #[cfg(not(all(feature = "tokio", feature = "smol")))]
    pub(super) fn run<F: Future>(future: F) -> io::Result<F::Output> {
        anynet::run(future)
    }

    #[cfg(all(feature = "tokio", feature = "smol"))]
    pub(super) fn run<F: Future>(future: F) -> io::Result<F::Output> {
        match std::env::args().nth(1).as_deref() {
            Some("tokio") => anynet::runtime::tokio::run(future),
            Some("smol") => anynet::runtime::smol::run(future),
            _ => {
                let message = "both runtimes are compiled in: pass tokio or smol as the argument";
                Err(io::Error::new(io::ErrorKind::InvalidInput, message))
            }
        }
    }
}
