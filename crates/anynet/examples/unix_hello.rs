//! A server and a client that talk over a UNIX socket, on whichever runtime is compiled in.
//!
//! ```text
//! cargo run --example unix_hello --features smol
//! cargo run --example unix_hello --features tokio
//! ```

use anynet::{ReceiveError, UnixListener, UnixStream};

async fn hello() -> anynet::Result<()> {
    let path = std::env::temp_dir().join(format!("anynet-hello-{}", std::process::id()));
    // Nobody but this user may connect, from the first instant on.
    let listener = UnixListener::bind(&path).mode(0o600).await?;
    let server = anynet::spawn(async move { greet(listener.accept().await?).await })?;

    let mut stream = UnixStream::connect(&path).await?;
    stream.send(b"Ada").await?;
    stream.send_eof().await?;
    println!("client: received {:?}", receive_all(&mut stream).await?);
    stream.close().await?;
    server.await?;
    println!("the file is gone with its listener: {}", !path.exists());
    Ok(())
}

async fn greet(mut stream: UnixStream) -> anynet::Result<()> {
    let name = receive_all(&mut stream).await?;
    println!("server: {name:?} said hello on {}", stream.local_address());
    stream.send(format!("Hello, {name}").as_bytes()).await?;
    Ok(stream.close().await?)
}

async fn receive_all(stream: &mut UnixStream) -> anynet::Result<String> {
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
    anynet::run(hello())?
}
