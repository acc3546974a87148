//! Attempts that wrap what they connect.

use std::io;
use std::net::SocketAddr;

use anynet_core::{ConnectError, Result};

/// An attempt for [`connect_with`](crate::connect_with) and [`HappyEyeballs::connect`](crate::HappyEyeballs::connect) that
/// is not done when it has a stream: `wrap` makes of it what is wanted, by a handshake, say, and **its failure is the
/// failure of the attempt**. The next address is tried then, and the error names the cause at its address. What serves such
/// streams is [`wrapped`](crate::wrapped()).
///
/// The attempts of a race wrap at the same time; a peer whose connection did not win has its stream dropped, in whatever
/// state that is. A handshake that hangs is ended by the deadline of the whole.
///
/// ```
/// use anynet_core::{ByteReceiveStreamExt, Error, Network};
/// use anynet_util::{MemoryStream, connect_with, wrapped_attempt};
///
/// # async fn example(network: anynet_util::MemoryNetwork) -> anynet_core::Result<()> {
/// let greeted = |mut stream: MemoryStream| async {
///     let mut version = [0];
///     stream.receive_exactly(&mut version).await?;
///     if version != [1] {
///         return Err(Error::other("a version that nobody speaks"));
///     }
///     Ok(stream)
/// };
/// let attempt = |address| wrapped_attempt(address, network.connect(address), greeted);
/// let stream = connect_with(&network, "example.org:80", attempt).await?;
/// # drop(stream);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// That of `connecting`, or else [`ConnectError::Failed`] with `address` and the error of `wrap`.
pub async fn wrapped_attempt<S, T, F>(
    address: SocketAddr,
    connecting: impl Future<Output = Result<S, ConnectError>>,
    wrap: impl FnOnce(S) -> F,
) -> Result<T, ConnectError>
where
    F: Future<Output = Result<T>>,
{
    let wrapping = wrap(connecting.await?);
    let failed = |error| ConnectError::failed(address, io::Error::from(error));
    wrapping.await.map_err(failed)
}
