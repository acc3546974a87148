//! An echo server for any client: `socat - TCP:127.0.0.1:7777`, `ncat 127.0.0.1 7777`, a program of your own.
//!
//! ```text
//! cargo run --example echo_server --features smol -- 127.0.0.1:7777
//! ```
//!
//! Without an address it takes any free port and prints it.

use anynet::{ReceiveError, TcpListener, TcpStream};

async fn serve(address: String) -> anynet::Result<()> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_address());
    listener
        .serve(echo)
        .on_error(|error| eprintln!("{error:#}")) // with its causes
        .await
}

async fn echo(mut stream: TcpStream) -> anynet::Result<()> {
    let mut buf = vec![0; 64 << 10];
    loop {
        match stream.receive(&mut buf).await {
            Ok(n) => stream.send(&buf[..n]).await?,
            Err(ReceiveError::EndOfStream) => return Ok(stream.close().await?),
            Err(error) => return Err(error.into()),
        }
    }
}

fn main() -> anynet::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:0".to_owned());
    // Either runtime would do; with both compiled in, one has to be named.
    #[cfg(feature = "smol")]
    return anynet::runtime::smol::run(serve(address))?;
    #[cfg(not(feature = "smol"))]
    return anynet::run(serve(address))?;
}
