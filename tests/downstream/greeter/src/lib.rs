//! A library that greets over any network. It turns on no runtime, and names none.

use std::net::SocketAddr;

use anynet::{
    AttributesExt, ByteReceiveStream, ByteReceiveStreamExt, ByteSendStreamExt, ByteStream, LocalAddress,
    Network, ReceiveError, Result, Task,
};

/// Greets one client after another, in a task of its own, and says where.
pub async fn start<N: Network>(network: &N, on: SocketAddr) -> Result<SocketAddr> {
    let listener = network.listen(on).await?;
    let LocalAddress(address) = listener
        .attribute()
        .ok_or_else(|| anynet::Error::other("no address"))?;
    let address = address
        .socket_addr()
        .ok_or_else(|| anynet::Error::other("no IP address"))?;
    let serving = async move { anynet::util::serve(&listener, |stream| greet(stream)).await };
    network.spawn(serving).detach();
    Ok(address)
}

/// Asks the greeter at `address` for a greeting.
pub async fn ask<N: Network>(network: &N, address: SocketAddr, name: &str) -> Result<String> {
    let mut stream = network.connect(address).await?;
    stream.send(name.as_bytes()).await?;
    stream.send_eof().await?;
    let greeting = receive_all(&mut stream).await?;
    stream.close().await?;
    Ok(greeting)
}

async fn greet(mut stream: impl ByteStream) -> Result<()> {
    let name = receive_all(&mut stream).await?;
    stream.send(format!("Hello, {name}").as_bytes()).await?;
    Ok(stream.close().await?)
}

async fn receive_all(stream: &mut impl ByteReceiveStream) -> Result<String> {
    let (mut all, mut buf) = (Vec::new(), [0; 256]);
    loop {
        match stream.receive(&mut buf).await {
            Ok(n) => all.extend_from_slice(&buf[..n]),
            Err(ReceiveError::EndOfStream) => return Ok(String::from_utf8_lossy(&all).into_owned()),
            Err(error) => return Err(error.into()),
        }
    }
}
