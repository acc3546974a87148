//! Looking up names: what is answered at once, and whom the rest is asked of.

mod answer;
mod idna;
mod library;
mod numeric;
mod pool;
mod system;

pub use system::SystemResolver;

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use anynet_core::{
    AddressInfo, Lookup, LookupFlags, NameFlags, NameInfo, ResolveError, Resolver, Service, SocketType,
};

/// The addresses that answer `lookup`, by the system's resolver ([`SystemResolver`]), in its order.
///
/// Needs no runtime. Cancel-safe: a look-up that is dropped is given up.
///
/// ```
/// use anynet_core::{Lookup, SocketType};
///
/// # async fn example() -> Result<(), anynet_core::ResolveError> {
/// let lookup = Lookup::new("example.org", "https").kind(SocketType::Stream);
/// for info in anynet_sockets::look_up(lookup).await? {
///     println!("{} by protocol {}", info.address, info.protocol);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// See [`ResolveError`]. Those of the system keep its code: [`ResolveError::resolver_error`].
#[doc(alias = "getaddrinfo")]
pub async fn look_up(lookup: Lookup) -> Result<Vec<AddressInfo>, ResolveError> {
    SystemResolver::new().look_up(&lookup).await
}

/// The names of `address`, by the system's resolver ([`SystemResolver`]).
///
/// Needs no runtime. Cancel-safe: a look-up that is dropped is given up. What it says of a peer proves nothing: whoever owns
/// an address names it as they like.
///
/// ```
/// use anynet_core::NameFlags;
///
/// # async fn example() -> Result<(), anynet_core::ResolveError> {
/// let numbers = NameFlags::NUMERIC_HOST | NameFlags::NUMERIC_SERVICE;
/// let names = anynet_sockets::look_up_name(([127, 0, 0, 1], 80).into(), numbers).await?;
/// assert_eq!((names.host.as_str(), names.service.as_str()), ("127.0.0.1", "80"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// See [`ResolveError`].
#[doc(alias = "getnameinfo")]
pub async fn look_up_name(address: SocketAddr, flags: NameFlags) -> Result<NameInfo, ResolveError> {
    SystemResolver::new().look_up_name(address, flags).await
}

/// How a connector finds addresses: its resolver, the system's if it has none of its own, and what they are for.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    resolver: Option<Arc<dyn Resolver>>,
    kind: SocketType,
}

impl Names {
    /// Addresses for sockets of one type.
    pub(crate) const fn of(kind: SocketType) -> Self {
        Self { resolver: None, kind }
    }

    /// Asks `resolver` from now on.
    pub(crate) fn set_resolver(&mut self, resolver: impl Resolver) {
        self.resolver = Some(Arc::new(resolver));
    }

    /// The answer to `lookup`, of which there is at least one.
    pub(crate) async fn look_up(&self, lookup: &Lookup) -> Result<Vec<AddressInfo>, ResolveError> {
        let found = match &self.resolver {
            None => SystemResolver::new().look_up(lookup).await?,
            Some(resolver) => match prepare(lookup)? {
                Prepared::Answered(found) => found,
                Prepared::Ask(lookup) => resolver.look_up(&lookup).await?,
            },
        };
        if found.is_empty() {
            return Err(ResolveError::NoAddress {
                host: lookup.host.clone().unwrap_or_default(),
            });
        }
        Ok(found)
    }

    pub(crate) async fn look_up_name(
        &self,
        address: SocketAddr,
        flags: NameFlags,
    ) -> Result<NameInfo, ResolveError> {
        match &self.resolver {
            None => look_up_name(address, flags).await,
            Some(resolver) => resolver.look_up_name(address, flags).await,
        }
    }

    /// The addresses to connect to or to listen on, each once. A literal address with a port is its own.
    pub(crate) async fn resolve(
        &self,
        host: &str,
        service: impl Into<Service>,
    ) -> Result<Vec<SocketAddr>, ResolveError> {
        let service = service.into();
        if let (Ok(ip), Service::Port(port)) = (host.parse::<IpAddr>(), &service) {
            return Ok(vec![SocketAddr::new(ip, *port)]);
        }
        let found = self.look_up(&Lookup::new(host, service).kind(self.kind)).await?;
        let mut seen = HashSet::new(); // whoever keeps a name may give it thousands
        let addresses = found.into_iter().map(|info| info.address);
        Ok(addresses.filter(|address| seen.insert(*address)).collect())
    }
}

/// What a question comes to before anybody is asked.
enum Prepared {
    /// Nobody has to be.
    Answered(Vec<AddressInfo>),
    /// This is to be asked.
    Ask(Lookup),
}

/// Refuses what cannot be right, answers what is numeric, and encodes names that are not ASCII. Does not block.
fn prepare(lookup: &Lookup) -> Result<Prepared, ResolveError> {
    lookup.validate()?;
    let is_numeric = lookup.host.is_none() || lookup.literal().is_some();
    match &lookup.service {
        Service::Port(_) if is_numeric => return library::literal(lookup).map(Prepared::Answered),
        Service::Name(service) if lookup.flags.contains(LookupFlags::NUMERIC_SERVICE) => {
            return Err(library::no_number(service));
        }
        _ => {}
    }
    if !is_numeric && lookup.flags.contains(LookupFlags::NUMERIC_HOST) {
        return Err(library::no_literal(lookup));
    }
    library::check(lookup)?;
    idna::encoded(lookup).map(Prepared::Ask)
}

/// The method `resolver` of builders that keep [`Names`] in a field `names`.
macro_rules! builder_resolver_method {
    () => {
        /// Asks `resolver` for the addresses of names, instead of the system's. A literal address with a port reaches no
        /// resolver, and a name that is not ASCII reaches it encoded.
        pub fn resolver(mut self, resolver: impl anynet_core::Resolver) -> Self {
            self.names.set_resolver(resolver);
            self
        }
    };
}

pub(crate) use builder_resolver_method;
