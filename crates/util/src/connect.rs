//! Connecting and listening by name: which address to try, and what to say when all fail.

mod attempt;
mod order;
mod race;
mod wrapped;

pub use attempt::{Attempt, Connected, Outcome};
pub use wrapped::wrapped_attempt;

use std::net::SocketAddr;
use std::time::Duration;

use anynet_core::{BindError, ConnectError, Network, TimedOut};

use crate::{Target, timeout};
use attempt::Log;
use race::race;

/// The time between two attempts that RFC 8305 recommends, in section 8.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The shortest time between two attempts that RFC 8305 allows, in section 8.
const SHORTEST_DELAY: Duration = Duration::from_millis(10);

/// Connects to `target`: looks its name up and races the addresses, as [`HappyEyeballs`] says.
///
/// Cancel-safe: dropping the future ends every attempt that is under way.
///
/// ```
/// use anynet_core::{ByteSendStreamExt, Error, Network};
/// use anynet_util::{MemoryNetwork, connect};
/// use std::net::IpAddr;
///
/// /// Runs on every network: `anynet::network()?` in an application, one in memory here.
/// async fn greet<N: Network>(network: &N, server: &str) -> Result<(), Error> {
///     let mut stream = connect(network, (server, 7)).await?;
///     Ok(stream.send(b"hello").await?)
/// }
///
/// MemoryNetwork::run(async |network| {
///     let ip: IpAddr = "192.0.2.1".parse().unwrap();
///     network.add_name("example.org", [ip]);
///     let _listener = network.listen((ip, 7).into()).await?;
///     greet(&network, "example.org").await
/// })
/// .unwrap();
/// ```
/// # Errors
///
/// [`ConnectError::Resolve`] if the name has no address; [`ConnectError::Failed`] with every attempt if none succeeded.
pub async fn connect<N: Network>(network: &N, target: impl Into<Target>) -> Result<N::Stream, ConnectError> {
    connect_with(network, target, |address| network.connect(address)).await
}

/// As [`connect()`], where `attempt` connects to one address: for a socket with options of its own. How long each took is
/// told by [`HappyEyeballs::connect`]; [`wrapped_attempt`] has an example.
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
    let connected = HappyEyeballs::new().connect(network, target, attempt).await?;
    Ok(connected.stream)
}

/// How the addresses of a name are tried: by the rules of Happy Eyeballs, RFC 8305, sections 4 and 5.
///
/// The addresses keep the order of the resolver, but that the two families take turns; one that comes twice is tried
/// once. An attempt is given 250 ms before the next one joins it; one that fails makes room for the next at once. The first
/// to succeed wins, and all others are dropped, which closes their sockets; so does dropping the future.
///
/// ```
/// use anynet_core::Network;
/// use anynet_util::{HappyEyeballs, MemoryNetwork};
/// use std::net::Ipv4Addr;
/// use std::time::Duration;
///
/// MemoryNetwork::run(async |network| {
///     let (silent, server) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2));
///     network.add_name("example.org", [silent, server]);
///     network.set_delay(silent, Duration::MAX);
///     let _listener = network.listen((server, 80).into()).await?;
///
///     let policy = HappyEyeballs::new().deadline(Duration::from_secs(10));
///     let target = ("example.org", 80);
///     let connected = policy.connect(&network, target, |address| network.connect(address)).await?;
///     assert_eq!(connected.attempts[0].took, Duration::from_millis(250));
///     assert_eq!(connected.attempts[1].took, Duration::ZERO);
///     Ok::<_, anynet_core::Error>(())
/// })
/// .unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HappyEyeballs {
    attempt_delay: Duration,
    deadline: Option<Duration>,
}

impl HappyEyeballs {
    /// 250 ms between attempts, and no deadline but those of the attempts themselves.
    pub const fn new() -> Self {
        Self {
            attempt_delay: ATTEMPT_DELAY,
            deadline: None,
        }
    }

    /// How long an attempt is given before the next one joins it: at least 10 ms, to which less is raised (RFC 8305,
    /// section 8). [`Duration::MAX`] tries one address after the other.
    #[must_use]
    pub fn attempt_delay(mut self, delay: Duration) -> Self {
        self.attempt_delay = delay.max(SHORTEST_DELAY);
        self
    }

    /// How long all of it may take, the look-up of the name too.
    #[must_use]
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Connects to `target`, where `attempt` connects to one address, and says which attempts were made.
    ///
    /// # Errors
    ///
    /// [`ConnectError::Resolve`] if the name has no address; [`ConnectError::Failed`] with every attempt if none succeeded;
    /// [`ConnectError::TimedOut`] if the deadline passed first. An attempt that says so, of a deadline of its own, has
    /// failed; one with an error of any other kind ends the race.
    pub async fn connect<N, S, F>(
        self,
        network: &N,
        target: impl Into<Target>,
        attempt: impl Fn(SocketAddr) -> F,
    ) -> Result<Connected<S>, ConnectError>
    where
        N: Network,
        F: Future<Output = Result<S, ConnectError>>,
    {
        let mut log = Log::default();
        let target = target.into();
        let run = self.run(network, &target, attempt, &mut log);
        let stream = match self.deadline {
            None => run.await?,
            Some(limit) => match timeout(network, limit, run).await {
                Ok(connected) => connected?,
                Err(TimedOut { limit, .. }) => {
                    return Err(ConnectError::TimedOut {
                        target: target.to_string(),
                        limit,
                        attempts: log.failed(network.now()),
                    });
                }
            },
        };
        match stream {
            Some(stream) => Ok(Connected {
                stream,
                attempts: log.attempts(network.now()),
            }),
            None => Err(ConnectError::Failed {
                target: target.name(),
                attempts: log.failed(network.now()),
            }),
        }
    }

    async fn run<N, S, F>(
        self,
        network: &N,
        target: &Target,
        attempt: impl Fn(SocketAddr) -> F,
        log: &mut Log,
    ) -> Result<Option<S>, ConnectError>
    where
        N: Network,
        F: Future<Output = Result<S, ConnectError>>,
    {
        let addresses = target.resolve(network).await.map_err(ConnectError::Resolve)?;
        let addresses = order::interleaved(addresses);
        race(network, addresses, self.attempt_delay, attempt, log).await
    }
}

impl Default for HappyEyeballs {
    fn default() -> Self {
        Self::new()
    }
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
    let target = target.into();
    let addresses = target.resolve(network).await.map_err(BindError::Resolve)?;
    let mut attempts = Vec::new();
    for address in addresses {
        match attempt(address).await {
            Ok(listener) => return Ok(listener),
            Err(BindError::Failed { attempts: failed, .. }) => attempts.extend(failed),
            Err(error) => return Err(error),
        }
    }
    Err(BindError::Failed {
        target: target.name(),
        attempts,
    })
}
