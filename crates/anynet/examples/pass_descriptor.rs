//! A server that opens a file and passes it to a client, which could not have opened it itself, on whichever runtime is
//! compiled in.
//!
//! ```text
//! cargo run --example pass_descriptor --features smol
//! cargo run --example pass_descriptor --features tokio
//! ```

use std::fs::File;
use std::io::Read;

use anynet::{UnixListener, UnixStream};

async fn pass() -> anynet::Result<()> {
    let path = std::env::temp_dir().join(format!("anynet-pass-{}", std::process::id()));
    let listener = UnixListener::bind(&path).mode(0o600).await?;
    let server = anynet::spawn(async move { hand_out(listener.accept().await?).await })?;

    let mut stream = UnixStream::connect(&path).await?;
    // An empty buffer takes the descriptors that come with the next byte, and leaves the byte.
    let received = stream.receive_fds(&mut [], 1).await?;
    for fd in received.fds {
        let mut text = String::new();
        File::from(fd).read_to_string(&mut text)?;
        println!("client: the file begins with {:?}", text.lines().next());
    }
    stream.close().await?;
    server.await
}

async fn hand_out(mut stream: UnixStream) -> anynet::Result<()> {
    let file = File::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/pass_descriptor.rs"
    ))?;
    // Descriptors travel with at least one byte.
    stream.send_fds(b"a file", &[file]).await?;
    println!("server: sent");
    Ok(stream.close().await?)
}

fn main() -> anynet::Result<()> {
    anynet::run(pass())?
}
