//! A server and a client that talk over UDP, and what becomes of a datagram that nobody takes, on whichever runtime is
//! compiled in.
//!
//! ```text
//! cargo run --example udp_hello --features smol
//! cargo run --example udp_hello --features tokio
//! ```

use anynet::{ConnectedUdpSocket, ReceiveError, UdpSocket};

async fn hello() -> anynet::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let address = socket.local_address();
    let server = anynet::spawn(greet(socket))?;

    let client = ConnectedUdpSocket::connect(address).await?;
    let mut buf = [0; 1500];
    client.send(b"Ada").await?;
    let received = client.receive(&mut buf).await?;
    let greeting = String::from_utf8_lossy(&buf[..received.length]);
    println!("client: received {greeting:?} from {address}");
    server.await?;

    // The server is gone. The network says so, once, and the socket lives on.
    client.send(b"Ada again").await?;
    match client.receive(&mut buf).await {
        Err(ReceiveError::Undelivered(cause)) => println!("client: undelivered: {cause}"),
        other => println!("client: {other:?}"),
    }
    Ok(())
}

/// Greets whoever comes first.
async fn greet(socket: UdpSocket) -> anynet::Result<()> {
    let mut datagrams = socket.datagrams(1500);
    if let Some(datagram) = datagrams.next().await {
        let (name, sender) = datagram?;
        let name = String::from_utf8_lossy(name).into_owned();
        println!("server: {name:?} said hello from {sender}");
        socket
            .send_to(format!("Hello, {name}").as_bytes(), sender)
            .await?;
    }
    Ok(())
}

fn main() -> anynet::Result<()> {
    anynet::run(hello())?
}
