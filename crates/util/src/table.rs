//! Names from a table.

use std::collections::BTreeMap;
use std::future::ready;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use anynet_core::{
    AddressInfo, BoxFuture, Family, Lookup, LookupFlags, NameFlags, NameInfo, ResolveError, Resolver,
    Service, SocketType,
};

/// A [`Resolver`] that knows what it was told, and asks nobody: for tests, and for programs with hosts of their own.
///
/// Names are compared without regard to ASCII case and to a dot at their end. Addresses are answered in the order in which
/// they were told, as often as they were. Each is answered for TCP and for UDP, unless a type of socket or a protocol is
/// asked for.
///
/// ```
/// use anynet_core::{Lookup, Resolver, SocketType};
/// use anynet_util::TableResolver;
/// use std::net::Ipv4Addr;
///
/// # async fn example() -> Result<(), anynet_core::ResolveError> {
/// let table = TableResolver::new()
///     .host("db.example", [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2)])
///     .service("postgresql", 5432);
/// let lookup = Lookup::new("db.example", "postgresql").kind(SocketType::Stream);
/// let found = table.look_up(&lookup).await?;
/// assert_eq!(found[0].address, ([192, 0, 2, 1], 5432).into());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct TableResolver {
    hosts: BTreeMap<String, Vec<IpAddr>>,
    services: BTreeMap<String, u16>,
}

impl TableResolver {
    /// Knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `addresses` to those of the host `name`. With none, the name is known and has no address.
    ///
    /// A name that is not ASCII is to be written as it reaches a resolver, encoded: `xn--mnchen-3ya.test`.
    pub fn host<A: Into<IpAddr>>(mut self, name: &str, addresses: impl IntoIterator<Item = A>) -> Self {
        let known = self.hosts.entry(key(name)).or_default();
        known.extend(addresses.into_iter().map(Into::into));
        self
    }

    /// Lets the host `name` have `addresses`, and no others.
    pub(crate) fn set_host(&mut self, name: &str, addresses: impl IntoIterator<Item = IpAddr>) {
        self.hosts.insert(key(name), addresses.into_iter().collect());
    }

    /// Says the port of the service `name`.
    pub fn service(mut self, name: impl Into<String>, port: u16) -> Self {
        self.services.insert(name.into(), port);
        self
    }

    pub(crate) fn addresses(&self, lookup: &Lookup) -> Result<Vec<AddressInfo>, ResolveError> {
        lookup.validate()?;
        let port = self.port(&lookup.service, lookup.flags)?;
        let host = || lookup.host.clone().unwrap_or_default();
        let (found, scope) = self
            .ips(lookup)
            .ok_or_else(|| ResolveError::NoAddress { host: host() })?;
        let mut answer = Vec::new();
        for ip in of_family(&found, lookup) {
            let address = match ip {
                IpAddr::V4(_) => SocketAddr::new(ip, port),
                IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, scope).into(),
            };
            for kind in [SocketType::Stream, SocketType::Datagram] {
                let info = AddressInfo::new(address, kind);
                let kind_fits = lookup.kind.is_none_or(|asked| asked == kind);
                if kind_fits && lookup.protocol.is_none_or(|asked| asked == info.protocol) {
                    answer.push(info);
                }
            }
        }
        match answer.first_mut() {
            Some(first) if lookup.flags.contains(LookupFlags::CANONICAL_NAME) => {
                first.canonical_name = lookup.host.clone();
            }
            Some(_) => {}
            None => return Err(ResolveError::NoAddress { host: host() }),
        }
        Ok(answer)
    }

    /// The addresses of the host, of every family, and their scope.
    fn ips(&self, lookup: &Lookup) -> Option<(Vec<IpAddr>, u32)> {
        let Some(host) = &lookup.host else {
            let (v6, v4) = match lookup.flags.contains(LookupFlags::PASSIVE) {
                true => (Ipv6Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED),
                false => (Ipv6Addr::LOCALHOST, Ipv4Addr::LOCALHOST),
            };
            return Some((vec![v6.into(), v4.into()], 0));
        };
        match lookup.literal() {
            Some((ip, None)) => Some((vec![ip], 0)),
            // `u32::from_str` would take a leading `+`.
            Some((_, Some(zone))) if zone.starts_with('+') => None,
            Some((ip, Some(zone))) => Some((vec![ip], zone.parse().ok()?)),
            None if lookup.flags.contains(LookupFlags::NUMERIC_HOST) => None,
            None => Some((self.hosts.get(&key(host))?.clone(), 0)),
        }
    }

    fn port(&self, service: &Service, flags: LookupFlags) -> Result<u16, ResolveError> {
        let known = match service {
            Service::Port(port) => Some(*port),
            Service::Name(name) if !flags.contains(LookupFlags::NUMERIC_SERVICE) => {
                self.services.get(name).copied()
            }
            _ => None,
        };
        known.ok_or_else(|| ResolveError::UnknownService {
            service: service.to_string(),
            cause: None,
        })
    }

    fn names(&self, address: SocketAddr, flags: NameFlags) -> Result<NameInfo, ResolveError> {
        let mut hosts = self.hosts.iter();
        let host = hosts
            .find(|(_, addresses)| addresses.contains(&address.ip()))
            .filter(|_| !flags.contains(NameFlags::NUMERIC_HOST));
        let mut services = self.services.iter();
        let service = services
            .find(|(_, port)| **port == address.port())
            .filter(|_| !flags.contains(NameFlags::NUMERIC_SERVICE));
        if host.is_none() && flags.contains(NameFlags::NAME_REQUIRED) {
            return Err(ResolveError::NoName { address });
        }
        let number = || match address {
            SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
            _ => address.ip().to_string(),
        };
        Ok(NameInfo::new(
            host.map_or_else(number, |(name, _)| name.clone()),
            service.map_or_else(|| address.port().to_string(), |(name, _)| name.clone()),
        ))
    }
}

impl Resolver for TableResolver {
    fn look_up<'a>(&'a self, lookup: &'a Lookup) -> BoxFuture<'a, Result<Vec<AddressInfo>, ResolveError>> {
        Box::pin(ready(self.addresses(lookup)))
    }

    fn look_up_name(
        &self,
        address: SocketAddr,
        flags: NameFlags,
    ) -> BoxFuture<'_, Result<NameInfo, ResolveError>> {
        Box::pin(ready(self.names(address, flags)))
    }
}

/// What is the same for all spellings of a name.
fn key(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Those of the family that is asked for, or what stands for them.
fn of_family(ips: &[IpAddr], lookup: &Lookup) -> Vec<IpAddr> {
    let mapped = |ip: &IpAddr| match ip {
        IpAddr::V4(ip) => IpAddr::V6(ip.to_ipv6_mapped()),
        IpAddr::V6(_) => *ip,
    };
    let fits = |ip: &&IpAddr| match lookup.family {
        None => true,
        Some(Family::Ipv4) => ip.is_ipv4(),
        Some(Family::Ipv6) => ip.is_ipv6(),
        Some(_) => false,
    };
    let fitting: Vec<_> = ips.iter().filter(fits).copied().collect();
    let is_mapped = lookup.family == Some(Family::Ipv6) && lookup.flags.contains(LookupFlags::V4_MAPPED);
    if is_mapped && (fitting.is_empty() || lookup.flags.contains(LookupFlags::ALL)) {
        return ips.iter().map(mapped).collect();
    }
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TableResolver {
        TableResolver::new()
            .host(
                "both.example",
                [IpAddr::from([192, 0, 2, 1]), Ipv6Addr::LOCALHOST.into()],
            )
            .host("four.example", [Ipv4Addr::new(192, 0, 2, 2)])
            .host("none.example", [] as [IpAddr; 0])
            .service("http", 80)
    }

    fn found(lookup: Lookup) -> Vec<String> {
        let found = table()
            .addresses(&lookup.kind(SocketType::Stream))
            .unwrap_or_default();
        found.iter().map(|info| info.address.to_string()).collect()
    }

    #[test]
    fn it_answers_what_it_was_told_and_what_was_asked_for() {
        let all = ["192.0.2.1:80", "[::1]:80"];
        assert_eq!(found(Lookup::new("both.example", 80)), all);
        assert_eq!(found(Lookup::new("BOTH.example.", "http")), all);
        assert_eq!(
            found(Lookup::new("both.example", 80).family(Family::Ipv4)),
            all[..1]
        );
        assert_eq!(
            found(Lookup::new("both.example", 80).family(Family::Ipv6)),
            all[1..]
        );
        let mapped = Lookup::new("four.example", 80).family(Family::Ipv6);
        assert!(found(mapped.clone()).is_empty());
        assert_eq!(
            found(mapped.flags(LookupFlags::V4_MAPPED)),
            ["[::ffff:192.0.2.2]:80"]
        );
        assert_eq!(found(Lookup::new("fe80::1%7", 80)), ["[fe80::1%7]:80"]);
        assert!(found(Lookup::new("fe80::1%+7", 80)).is_empty());
        assert_eq!(found(Lookup::without_host(80)), ["[::1]:80", "127.0.0.1:80"]);
        let passive = Lookup::without_host(80).flags(LookupFlags::PASSIVE);
        assert_eq!(found(passive), ["[::]:80", "0.0.0.0:80"]);
        let each = table().addresses(&Lookup::new("four.example", 80)).unwrap();
        let sockets: Vec<_> = each.iter().map(|info| (info.kind, info.protocol)).collect();
        assert_eq!(sockets, [(SocketType::Stream, 6), (SocketType::Datagram, 17)]);
    }

    #[test]
    fn what_it_was_not_told_is_an_error_that_says_what() {
        for host in ["none.example", "other.example"] {
            match table().addresses(&Lookup::new(host, 80)) {
                Err(ResolveError::NoAddress { host: kept }) => assert_eq!(kept, host),
                other => panic!("{other:?}"),
            }
        }
        match table().addresses(&Lookup::new("both.example", "gopher")) {
            Err(ResolveError::UnknownService { service, .. }) => assert_eq!(service, "gopher"),
            other => panic!("{other:?}"),
        }
        let numeric = Lookup::new("both.example", 80).flags(LookupFlags::NUMERIC_HOST);
        assert!(table().addresses(&numeric).is_err());
        let numeric = Lookup::new("both.example", "http").flags(LookupFlags::NUMERIC_SERVICE);
        assert!(table().addresses(&numeric).is_err());
    }

    #[test]
    fn an_address_has_the_name_that_it_was_told_for() {
        let table = table();
        let names = |ip: [u8; 4], port, flags| {
            let names = table.names((ip, port).into(), flags)?;
            Ok::<_, ResolveError>((names.host, names.service))
        };
        let four = [192, 0, 2, 2];
        let is = |names: Result<(String, String), _>, host: &str, service: &str| {
            assert_eq!(names.unwrap(), (host.to_owned(), service.to_owned()));
        };
        is(names(four, 80, NameFlags::NONE), "four.example", "http");
        is(names(four, 80, NameFlags::NUMERIC_HOST), "192.0.2.2", "http");
        is(names(four, 80, NameFlags::NUMERIC_SERVICE), "four.example", "80");
        is(names([192, 0, 2, 9], 81, NameFlags::NONE), "192.0.2.9", "81");
        match names([192, 0, 2, 9], 80, NameFlags::NAME_REQUIRED) {
            Err(ResolveError::NoName { address }) => assert_eq!(address, ([192, 0, 2, 9], 80).into()),
            other => panic!("{other:?}"),
        }
    }
}
