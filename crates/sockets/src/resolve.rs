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
        at_least_one(found, lookup.host.as_deref())
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
        let fitting = found.into_iter().filter(|info| info.kind == self.kind);
        let mut seen = HashSet::new(); // whoever keeps a name may give it thousands
        let addresses = fitting.map(|info| info.address);
        let addresses = addresses.filter(|address| seen.insert(*address)).collect();
        at_least_one(addresses, Some(host))
    }
}

fn at_least_one<T>(found: Vec<T>, host: Option<&str>) -> Result<Vec<T>, ResolveError> {
    if found.is_empty() {
        let host = host.unwrap_or_default().to_owned();
        return Err(ResolveError::NoAddress { host });
    }
    Ok(found)
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

#[cfg(test)]
mod tests {
    use std::future::ready;

    use anynet_core::BoxFuture;
    use futures_lite::future::block_on;

    use super::*;

    /// Answers whatever is asked with the same entries.
    #[derive(Debug)]
    struct Fixed(Vec<AddressInfo>);

    impl Resolver for Fixed {
        fn look_up<'a>(&'a self, _: &'a Lookup) -> BoxFuture<'a, Result<Vec<AddressInfo>, ResolveError>> {
            Box::pin(ready(Ok(self.0.clone())))
        }

        fn look_up_name(&self, _: SocketAddr, _: NameFlags) -> BoxFuture<'_, Result<NameInfo, ResolveError>> {
            unreachable!("nobody asks for a name")
        }
    }

    #[test]
    fn an_answer_for_another_type_of_socket_is_left_out() {
        let address = |last| SocketAddr::from(([192, 0, 2, last], 80));
        let entries = vec![
            AddressInfo::new(address(1), SocketType::Datagram),
            AddressInfo::new(address(2), SocketType::Stream),
        ];
        for (kind, last) in [(SocketType::Stream, 2), (SocketType::Datagram, 1)] {
            let mut names = Names::of(kind);
            names.set_resolver(Fixed(entries.clone()));
            let found = block_on(names.resolve("a-name", 80)).unwrap();
            assert_eq!(found, [address(last)]);
        }
        let mut names = Names::of(SocketType::Stream);
        names.set_resolver(Fixed(entries[..1].to_vec()));
        let found = block_on(names.resolve("a-name", 80));
        assert!(matches!(found, Err(ResolveError::NoAddress { host }) if host == "a-name"));
    }
}
