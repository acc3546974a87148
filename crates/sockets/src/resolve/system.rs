//! The system's resolver.

use std::io;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use anynet_core::{AddressInfo, BoxFuture, Lookup, NameFlags, NameInfo, ResolveError, Resolver, Service};

use super::library;
use super::numeric::looks_numeric;
use super::pool::Pool;
use super::{Prepared, prepare};

/// How long an idle thread stays: long enough for the next burst.
const IDLE: Duration = Duration::from_secs(5);

static POOL: LazyLock<Pool<Question, Answer>> = LazyLock::new(|| Pool::new(ask, Question::is_slow, IDLE));

/// The system's resolver: `getaddrinfo(3)` and `getnameinfo(3)`, as the host is configured.
///
/// It blocks, so it is asked on threads of its own: at most 8 in the process, named `anynet-resolver`, started when they are
/// needed and ended when they were idle for 5 seconds. No runtime waits for them when it shuts down. A look-up that is
/// given up goes on until the system lets go of it, and its answer is dropped; in the queue it is dropped. Equal look-ups
/// share one question to the system while it is being asked; no answer is kept for later. Look-ups of the names of addresses,
/// which hang most, get half of the threads at most.
///
/// Where nothing has to be looked up, it answers at once: for literal addresses with ports, and for everything that cannot be
/// right.
///
/// ```
/// use anynet_core::{Family, Lookup, Resolver};
/// use anynet_sockets::SystemResolver;
///
/// # async fn example() -> Result<(), anynet_core::ResolveError> {
/// let lookup = Lookup::new("example.org", "https").family(Family::Ipv6);
/// for info in SystemResolver::new().look_up(&lookup).await? {
///     println!("{}", info.address);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver {
    libc_numbers: bool,
}

impl SystemResolver {
    /// The system's resolver, which takes an IPv4 address for one only if it is written as four decimal numbers.
    pub const fn new() -> Self {
        Self { libc_numbers: false }
    }

    /// Whether hosts such as `127.1`, `0x7f.1`, `0177.0.0.1` and `2130706433` are addresses, as the C library reads them
    /// (inet_aton(3)). Otherwise they are refused: two programs that read them differently let a check of addresses be
    /// passed by.
    pub const fn libc_numbers(mut self, allowed: bool) -> Self {
        self.libc_numbers = allowed;
        self
    }

    async fn addresses(self, lookup: &Lookup) -> Result<Vec<AddressInfo>, ResolveError> {
        let host = lookup.host.as_deref().unwrap_or_default();
        if looks_numeric(host) {
            if !self.libc_numbers {
                return Err(ResolveError::Malformed {
                    text: host.to_owned(),
                    reason: "the host looks like an IPv4 address, and is not four decimal numbers",
                });
            }
            if let Service::Port(_) = lookup.service {
                return library::literal(lookup);
            }
        }
        match prepare(lookup)? {
            Prepared::Answered(found) => Ok(found),
            Prepared::Ask(lookup) => {
                let host = lookup.host.clone().unwrap_or_default();
                match asked(Question::Addresses(lookup), &host).await? {
                    Answer::Addresses(found) => found,
                    Answer::Names(_) => Err(lost(&host, io::ErrorKind::Other.into())),
                }
            }
        }
    }

    async fn names(self, address: SocketAddr, flags: NameFlags) -> Result<NameInfo, ResolveError> {
        if flags.contains(NameFlags::NUMERIC_HOST | NameFlags::NUMERIC_SERVICE) {
            return library::names_of(address, flags);
        }
        let host = address.ip().to_string();
        match asked(Question::Names(address, flags), &host).await? {
            Answer::Names(found) => found,
            Answer::Addresses(_) => Err(lost(&host, io::ErrorKind::Other.into())),
        }
    }
}

impl Resolver for SystemResolver {
    fn look_up<'a>(&'a self, lookup: &'a Lookup) -> BoxFuture<'a, Result<Vec<AddressInfo>, ResolveError>> {
        Box::pin(self.addresses(lookup))
    }

    fn look_up_name(
        &self,
        address: SocketAddr,
        flags: NameFlags,
    ) -> BoxFuture<'_, Result<NameInfo, ResolveError>> {
        Box::pin(self.names(address, flags))
    }
}

/// What a thread asks the library.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Question {
    Addresses(Lookup),
    Names(SocketAddr, NameFlags),
}

impl Question {
    /// Many networks have no server that knows the names of addresses, or one that never answers.
    fn is_slow(&self) -> bool {
        matches!(self, Self::Names(..))
    }
}

/// What it says.
#[derive(Clone)]
enum Answer {
    Addresses(Result<Vec<AddressInfo>, ResolveError>),
    Names(Result<NameInfo, ResolveError>),
}

fn ask(question: &Question) -> Answer {
    match question {
        Question::Addresses(lookup) => Answer::Addresses(library::addresses(lookup)),
        Question::Names(address, flags) => Answer::Names(library::names_of(*address, *flags)),
    }
}

async fn asked(question: Question, host: &str) -> Result<Answer, ResolveError> {
    let answer = POOL.ask(question).map_err(|error| lost(host, error))?;
    answer.await.map_err(|error| lost(host, error))
}

fn lost(host: &str, error: io::Error) -> ResolveError {
    ResolveError::Failed {
        host: host.to_owned(),
        cause: error.into(),
    }
}
