//! Connecting and listening by name: which address to try, and what to say when all fail.

use std::net::SocketAddr;

use anynet_core::{BindError, ConnectError, Network};

use crate::Target;

/// Connects to `target`: looks its name up and tries the addresses in order until one answers.
///
/// Cancel-safe: dropping the future ends the attempt that is under way.
///
/// # Errors
///
/// [`ConnectError::Resolve`] if the name has no address; [`ConnectError::Failed`] with every attempt if none succeeded.
pub async fn connect<N: Network>(network: &N, target: impl Into<Target>) -> Result<N::Stream, ConnectError> {
    connect_with(network, target, |address| network.connect(address)).await
}

/// As [`connect()`], where `attempt` connects to one address: for a socket with options of its own.
///
/// # Errors
///
/// As [`connect()`].
pub async fn connect_with<N, S, F>(
    network: &N,
    target: impl Into<Target>,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<S, ConnectError>
where
    N: Network,
    F: Future<Output = Result<S, ConnectError>>,
{
    let addresses = target
        .into()
        .resolve(network)
        .await
        .map_err(ConnectError::Resolve)?;
    let mut attempts = Vec::new();
    for address in addresses {
        match attempt(address).await {
            Ok(stream) => return Ok(stream),
            Err(ConnectError::Failed(mut failed)) => attempts.append(&mut failed),
            Err(error) => return Err(error),
        }
    }
    Err(ConnectError::Failed(attempts))
}

/// Listens on `target`: looks its name up and binds the first of the addresses that can be bound.
///
/// # Errors
///
/// [`BindError::Resolve`] if the name has no address; [`BindError::Failed`] with every attempt if none could be bound.
pub async fn listen<N: Network>(network: &N, target: impl Into<Target>) -> Result<N::Listener, BindError> {
    listen_with(network, target, |address| network.listen(address)).await
}

/// As [`listen()`], where `attempt` listens on one address: for a socket with options of its own.
///
/// # Errors
///
/// As [`listen()`].
pub async fn listen_with<N, L, F>(
    network: &N,
    target: impl Into<Target>,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<L, BindError>
where
    N: Network,
    F: Future<Output = Result<L, BindError>>,
{
    let addresses = target.into().resolve(network).await.map_err(BindError::Resolve)?;
    let mut attempts = Vec::new();
    for address in addresses {
        match attempt(address).await {
            Ok(listener) => return Ok(listener),
            Err(BindError::Failed(mut failed)) => attempts.append(&mut failed),
            Err(error) => return Err(error),
        }
    }
    Err(BindError::Failed(attempts))
}
