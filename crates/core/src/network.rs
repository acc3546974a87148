//! A place to connect and listen in: what generic applications ask for.

use std::future::ready;
use std::net::SocketAddr;

use crate::{BindError, ByteStream, ConnectError, Datagram, Executor, Listener, ResolveError};

/// A network of IP addresses, and the executor that it runs on.
///
/// A library that is written over `N: Network` runs on every runtime, in memory and in a simulation. Every runtime
/// becomes a network through `anynet_sockets::OsNetwork`.
///
/// These are the bare operations, one address each; names in, racing of addresses and serving are policy above it.
///
/// ```
/// use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt, Network, Result};
/// use std::net::SocketAddr;
///
/// async fn ask<N: Network>(network: &N, server: SocketAddr) -> Result<Vec<u8>> {
///     let mut stream = network.connect(server).await?;
///     stream.send(b"what time is it?\n").await?;
///     let mut answer = vec![0; 64];
///     let n = stream.receive(&mut answer).await?;
///     answer.truncate(n);
///     Ok(answer)
/// }
/// ```
pub trait Network: Executor {
    /// A connection.
    type Stream: ByteStream + Send + 'static;
    /// Accepts connections.
    type Listener: Listener<Stream = Self::Stream>;
    /// Sends and receives datagrams.
    type Datagram: Datagram;

    /// Connects to one address. Dropping the future ends the attempt.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Failed`] with this one attempt.
    fn connect(&self, to: SocketAddr) -> impl Future<Output = Result<Self::Stream, ConnectError>> + Send;

    /// Binds one address and listens on it. Port 0 lets the network choose; the listener's
    /// [`LocalAddress`](crate::LocalAddress) says which it was.
    ///
    /// # Errors
    ///
    /// [`BindError::Failed`] with this one attempt.
    fn listen(&self, on: SocketAddr) -> impl Future<Output = Result<Self::Listener, BindError>> + Send;

    /// Binds one address for datagrams; UDP, in the system's network. Port 0 lets the network choose; the socket's
    /// [`LocalAddress`](crate::LocalAddress) says which it was.
    ///
    /// # Errors
    ///
    /// [`BindError::Failed`] with this one attempt.
    fn bind(&self, on: SocketAddr) -> impl Future<Output = Result<Self::Datagram, BindError>> + Send;

    /// The addresses of `host`, each with `port`; at least one.
    ///
    /// # Errors
    ///
    /// If the name has no address, or cannot be looked up.
    fn resolve(
        &self,
        host: &str,
        port: u16,
    ) -> impl Future<Output = Result<Vec<SocketAddr>, ResolveError>> + Send;

    /// As [`resolve`](Self::resolve), with the port of `service`, such as `https`. A network without a table of services
    /// knows none, as is the default.
    ///
    /// # Errors
    ///
    /// [`ResolveError::UnknownService`] also.
    fn resolve_service(
        &self,
        host: &str,
        service: &str,
    ) -> impl Future<Output = Result<Vec<SocketAddr>, ResolveError>> + Send {
        let _ = host;
        ready(Err(ResolveError::UnknownService {
            service: service.to_owned(),
            cause: None,
        }))
    }
}
