//! From and into async-net's and async-io's own sockets.

use std::io;
use std::net::TcpStream as StdTcpStream;
use std::sync::Arc;

use anynet_sockets::TcpStream;
use async_io::Async;

use crate::Smol;

/// Takes over an `async_net::TcpStream` or an `async_io::Async<std::net::TcpStream>`.
///
/// Bytes that have not been handed out are still in the kernel, so none is lost.
///
/// # Errors
///
/// If a clone of the stream is in use, or the descriptor cannot be registered anew.
pub fn from_native(stream: impl Into<Arc<Async<StdTcpStream>>>) -> io::Result<TcpStream<Smol>> {
    let stream = Arc::into_inner(stream.into())
        .ok_or_else(|| io::Error::new(io::ErrorKind::ResourceBusy, "a clone of the stream is in use"))?;
    Ok(TcpStream::from_std(Smol::new(), stream.into_inner()?)?)
}

/// Hands a stream over to async-net, registered anew. The inner `Async` comes out of that by `Into`.
///
/// # Errors
///
/// If the stream was closed.
pub fn into_native(stream: TcpStream<Smol>) -> io::Result<async_net::TcpStream> {
    Ok(Async::new_nonblocking(stream.into_std()?)?.into())
}
