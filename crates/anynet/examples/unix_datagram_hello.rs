//! A server and a client that talk by UNIX datagrams, on whichever runtime is compiled in.
//!
//! ```text
//! cargo run --example unix_datagram_hello --features smol
//! cargo run --example unix_datagram_hello --features tokio
//! ```

use anynet::{ConnectedUnixDatagram, UnixDatagram};

async fn hello() -> anynet::Result<()> {
    let path = |whose| std::env::temp_dir().join(format!("anynet-{whose}-{}", std::process::id()));
    // Nobody but this user may send to it, from the first instant on.
    let socket = UnixDatagram::bind(path("server")).mode(0o600).await?;
    let server = anynet::spawn(greet(socket))?;

    // With a name of its own, so that the server can answer.
    let client = ConnectedUnixDatagram::connect(path("server"))
        .local_address(path("client"))
        .await?;
    client.send(b"Ada").await?;
    let mut buf = [0; 1024];
    let received = client.receive(&mut buf).await?;
    let greeting = String::from_utf8_lossy(&buf[..received.length]);
    println!("client: received {greeting:?} from {}", client.peer_address());
    drop(client);
    server.await?;
    let gone = !path("server").exists() && !path("client").exists();
    println!("the files are gone with their sockets: {gone}");
    Ok(())
}

/// Greets whoever comes first.
async fn greet(socket: UnixDatagram) -> anynet::Result<()> {
    let mut buf = [0; 1024];
    let (received, sender) = socket.receive_from(&mut buf).await?;
    let name = String::from_utf8_lossy(&buf[..received.length]);
    println!("server: {name:?} said hello from {sender}");
    socket
        .send_to(format!("Hello, {name}").as_bytes(), sender)
        .await?;
    Ok(())
}

fn main() -> anynet::Result<()> {
    anynet::run(hello())?
}
