//! From and into tokio's own sockets.

use std::io;

use anynet_core::Runtime;
use anynet_sockets::TcpStream;

use crate::Tokio;

/// Takes over a `tokio::net::TcpStream`.
///
/// Bytes that have not been handed out are still in the kernel, so none is lost.
///
/// # Errors
///
/// If there is no current runtime, or the descriptor cannot be registered anew.
pub fn from_native(stream: tokio::net::TcpStream) -> io::Result<TcpStream<Tokio>> {
    let runtime = Tokio::current()?;
    Ok(TcpStream::from_std(runtime, stream.into_std()?)?)
}

/// Hands a stream over to tokio, registered anew with the current runtime.
///
/// # Errors
///
/// If the stream was closed, or if there is no current runtime.
pub fn into_native(stream: TcpStream<Tokio>) -> io::Result<tokio::net::TcpStream> {
    let _context = Tokio::current()?; // where `from_std` would panic
    tokio::net::TcpStream::from_std(stream.into_std()?)
}
