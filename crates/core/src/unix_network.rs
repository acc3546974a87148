//! A place to connect and listen in by UNIX addresses.

use crate::{BindError, ByteStream, ConnectError, Datagram, Executor, Listener, UnixAddress};

/// A network of UNIX addresses: what [`Network`](crate::Network) is for IP addresses. Not every network has one.
///
/// ```
/// use anynet_core::{ByteSendStreamExt, Result, UnixAddress, UnixNetwork};
///
/// async fn log<N: UnixNetwork>(network: &N, collector: &UnixAddress, line: &str) -> Result<()> {
///     let mut stream = network.connect_unix(collector).await?;
///     stream.send(line.as_bytes()).await?;
///     Ok(stream.close().await?)
/// }
/// ```
pub trait UnixNetwork: Executor {
    /// A connection.
    type UnixStream: ByteStream + Send + 'static;
    /// Accepts connections.
    type UnixListener: Listener<Stream = Self::UnixStream>;
    /// Sends and receives datagrams.
    type UnixDatagram: Datagram;

    /// Connects to one address. Dropping the future ends the attempt.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Failed`] with this one attempt.
    fn connect_unix(
        &self,
        to: &UnixAddress,
    ) -> impl Future<Output = Result<Self::UnixStream, ConnectError>> + Send;

    /// Binds one address and listens on it.
    ///
    /// # Errors
    ///
    /// [`BindError::Failed`] with this one attempt.
    fn listen_unix(
        &self,
        on: &UnixAddress,
    ) -> impl Future<Output = Result<Self::UnixListener, BindError>> + Send;

    /// Binds one address for datagrams.
    ///
    /// # Errors
    ///
    /// [`BindError::Failed`] with this one attempt.
    fn bind_unix(
        &self,
        on: &UnixAddress,
    ) -> impl Future<Output = Result<Self::UnixDatagram, BindError>> + Send;
}
