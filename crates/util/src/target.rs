//! What to connect to or to listen on: an address, or a name and a port.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use anynet_core::{Lookup, Network, ResolveError, Service};

/// What to connect to or to listen on.
///
/// Made from a socket address, from several, from a host and a port, or from a text. A text is `host:port`, with an IPv6
/// address in brackets, which may have a zone: `[fe80::1%eth0]:80`. In place of the port there may be the name of a service.
/// Several addresses are used as those of a name are: to connect they are raced, to listen the first that can be bound is
/// taken. What is wrong with it is said when it is used, by a [`ResolveError`], not when it is made.
///
/// ```
/// use anynet_util::Target;
///
/// let by_name = Target::from(("example.org", 443));
/// assert_eq!(by_name, Target::from("example.org:443"));
/// // A literal address is an address, not a name: nobody is asked for it.
/// let literal = Target::from("[::1]:80");
/// assert_eq!(literal, Target::from(std::net::SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 80))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target(Repr);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Repr {
    Address(SocketAddr),
    /// More than one.
    Addresses(Vec<SocketAddr>),
    Name {
        host: String,
        service: Service,
    },
    Malformed {
        text: String,
        reason: &'static str,
    },
}

impl Target {
    /// The addresses it stands for, at least one, in the order of the network's resolver, or as they were given.
    ///
    /// # Errors
    ///
    /// If the text was malformed, the name has no address, or none was given.
    pub async fn resolve<N: Network>(&self, network: &N) -> Result<Vec<SocketAddr>, ResolveError> {
        match &self.0 {
            Repr::Address(address) => Ok(vec![*address]),
            Repr::Addresses(addresses) => Ok(addresses.clone()),
            Repr::Name { host, service } => {
                let addresses = match service {
                    Service::Port(port) => network.resolve(host, *port).await?,
                    Service::Name(name) => network.resolve_service(host, name).await?,
                    _ => Vec::new(),
                };
                if addresses.is_empty() {
                    return Err(ResolveError::NoAddress { host: host.clone() });
                }
                Ok(addresses)
            }
            Repr::Malformed { text, reason } => Err(ResolveError::Malformed {
                text: text.clone(),
                reason,
            }),
        }
    }

    /// What has to be looked up, with its port or service, as text; `None` of addresses.
    pub fn name(&self) -> Option<String> {
        match self.0 {
            Repr::Address(_) | Repr::Addresses(_) => None,
            _ => Some(self.to_string()),
        }
    }

    fn new(host: &str, service: Service) -> Self {
        if let Service::Port(port) = service
            && let Some(address) = literal(host, port)
        {
            return Self(Repr::Address(address));
        }
        match Lookup::new(host, service.clone()).validate() {
            Err(ResolveError::Malformed { text, reason }) => Self(Repr::Malformed { text, reason }),
            _ => Self(Repr::Name {
                host: host.to_owned(),
                service,
            }),
        }
    }

    fn parse(text: &str) -> Self {
        if let Ok(address) = text.parse() {
            return Self(Repr::Address(address));
        }
        match split_host_and_port(text) {
            Ok((host, port)) => match Self::new(host, port.into()) {
                Self(Repr::Malformed { reason, .. }) => Self::malformed(text, reason),
                target => target,
            },
            Err(reason) => Self::malformed(text, reason),
        }
    }

    fn malformed(text: &str, reason: &'static str) -> Self {
        Self(Repr::Malformed {
            text: text.to_owned(),
            reason,
        })
    }
}

/// The address that `host` is. A zone has to be a number: who knows the names of interfaces is asked later.
fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    match host.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, port)),
        Err(_) if host.contains('%') => format!("[{host}]:{port}").parse().ok(),
        Err(_) => None,
    }
}

fn split_host_and_port(text: &str) -> Result<(&str, &str), &'static str> {
    let (host, port) = text
        .rsplit_once(':')
        .filter(|_| !(text.starts_with('[') && text.ends_with(']'))) // its colons are the address's
        .ok_or("there is no port: expected host:port")?;
    if port.is_empty() {
        return Err("the port is empty");
    }
    if let Some(rest) = host.strip_prefix('[') {
        return rest
            .strip_suffix(']')
            .filter(|inside| matches!(Lookup::new(*inside, 0).literal(), Some((IpAddr::V6(_), _))))
            .map(|inside| (inside, port))
            .ok_or("what is in brackets is not an IPv6 address");
    }
    if host.contains(':') {
        return Err("an IPv6 address belongs in brackets: [address]:port");
    }
    Ok((host, port))
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Address(address) => address.fmt(f),
            Repr::Addresses(addresses) => {
                for (at, address) in addresses.iter().enumerate() {
                    let separator = if at == 0 { "" } else { ", " };
                    write!(f, "{separator}{address}")?;
                }
                Ok(())
            }
            Repr::Name { host, service } => {
                // Only an IPv6 address has a colon.
                match host.contains(':') {
                    true => write!(f, "[{host}]:")?,
                    false => write!(f, "{host}:")?,
                }
                service.fmt(f)
            }
            Repr::Malformed { text, .. } => text.fmt(f),
        }
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Self(Repr::Address(address))
    }
}

impl From<&SocketAddr> for Target {
    fn from(address: &SocketAddr) -> Self {
        Self(Repr::Address(*address))
    }
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        Self::parse(text)
    }
}

impl From<String> for Target {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<&String> for Target {
    fn from(text: &String) -> Self {
        Self::parse(text)
    }
}

impl From<(&str, u16)> for Target {
    fn from((host, port): (&str, u16)) -> Self {
        Self::new(host, port.into())
    }
}

impl From<(String, u16)> for Target {
    fn from((host, port): (String, u16)) -> Self {
        Self::new(&host, port.into())
    }
}

/// A host, and the port of a service.
impl From<(&str, &str)> for Target {
    fn from((host, service): (&str, &str)) -> Self {
        Self::new(host, service.into())
    }
}

/// They are tried in this order, but for the families, which take turns.
impl From<Vec<SocketAddr>> for Target {
    fn from(addresses: Vec<SocketAddr>) -> Self {
        match addresses[..] {
            [] => Self::malformed("", "no address was given"),
            [address] => Self(Repr::Address(address)),
            _ => Self(Repr::Addresses(addresses)),
        }
    }
}

/// As from a `Vec`.
impl From<&[SocketAddr]> for Target {
    fn from(addresses: &[SocketAddr]) -> Self {
        addresses.to_vec().into()
    }
}

/// As from a `Vec`.
impl From<&Vec<SocketAddr>> for Target {
    fn from(addresses: &Vec<SocketAddr>) -> Self {
        addresses.clone().into()
    }
}

/// As from a `Vec`.
impl<const N: usize> From<&[SocketAddr; N]> for Target {
    fn from(addresses: &[SocketAddr; N]) -> Self {
        addresses.to_vec().into()
    }
}

/// As from a `Vec`.
impl<const N: usize> From<[SocketAddr; N]> for Target {
    fn from(addresses: [SocketAddr; N]) -> Self {
        addresses.to_vec().into()
    }
}

macro_rules! from_addresses {
    ($($address:ty),*) => {$(
        impl From<$address> for Target {
            fn from(address: $address) -> Self {
                Self(Repr::Address(address.into()))
            }
        }
    )*};
}

from_addresses!(
    SocketAddrV4,
    SocketAddrV6,
    (IpAddr, u16),
    (Ipv4Addr, u16),
    (Ipv6Addr, u16)
);

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> &'static str {
        match Target::from(text).0 {
            Repr::Malformed { text: kept, reason } => {
                assert_eq!(kept, text, "the error shows the text as it was given");
                reason
            }
            other => panic!("{text:?} was taken for {other:?}"),
        }
    }

    #[test]
    fn a_text_is_a_host_and_a_port() {
        assert_eq!(
            Target::from("localhost:80").0,
            Repr::Name {
                host: "localhost".into(),
                service: Service::Port(80)
            }
        );
        assert_eq!(
            Target::from("127.0.0.1:0"),
            Target::from((Ipv4Addr::LOCALHOST, 0))
        );
        assert_eq!(
            Target::from("[::1]:65535"),
            Target::from((Ipv6Addr::LOCALHOST, 65535))
        );
        assert_eq!(Target::from(("::1", 80)), Target::from((Ipv6Addr::LOCALHOST, 80)));
    }

    #[test]
    fn an_ipv6_address_keeps_its_zone() {
        let address: SocketAddr = "[fe80::1%7]:80".parse().unwrap();
        for target in [Target::from("[fe80::1%7]:80"), Target::from(("fe80::1%7", 80))] {
            assert_eq!(target.0, Repr::Address(address));
        }
        let named = Repr::Name {
            host: "fe80::1%eth0".into(),
            service: Service::Port(80),
        };
        for target in [
            Target::from("[fe80::1%eth0]:80"),
            Target::from(("fe80::1%eth0", 80)),
        ] {
            assert_eq!(target.0, named);
        }
        assert_eq!(Target::from("[fe80::1%0]:80").to_string(), "[fe80::1]:80");
    }

    #[test]
    fn a_service_may_stand_for_its_port() {
        let service = |text: &str| match Target::from(text).0 {
            Repr::Name { host, service } => (host, service),
            other => panic!("{text:?} was taken for {other:?}"),
        };
        let http = || Service::Name("http".into());
        assert_eq!(service("localhost:http"), ("localhost".into(), http()));
        assert_eq!(service("[::1]:http"), ("::1".into(), http()));
        assert_eq!(
            Target::from(("localhost", "http")),
            Target::from("localhost:http")
        );
        assert_eq!(Target::from(("127.0.0.1", "80")), Target::from("127.0.0.1:80"));
    }

    #[test]
    fn a_bad_text_says_what_is_wrong_with_it() {
        assert!(reason("").contains("no port"));
        assert!(reason("localhost").contains("no port"));
        assert!(reason("[::1]").contains("no port"));
        assert!(reason(":80").contains("empty"));
        assert!(reason("localhost:").contains("the port is empty"));
        assert!(reason("localhost:+80").contains("not a number"));
        assert!(reason("localhost:65536").contains("above 65535"));
        assert!(reason("::1:80").contains("brackets"));
        assert!(reason("[::g]:80").contains("brackets"));
        assert!(reason("a\0b:80").contains("NUL"));
        for text in [
            " 127.0.0.1:80",
            "a name:80",
            "127.0.0.1/path:80",
            "user@host:80",
            "host\n:80",
        ] {
            assert!(reason(text).contains("character"), "{text:?}");
        }
        assert!(matches!(Target::from(("[::1]", 80)).0, Repr::Malformed { .. }));
    }

    #[test]
    fn several_addresses_keep_their_order_and_one_is_an_address() {
        let [one, other]: [SocketAddr; 2] = [([192, 0, 2, 1], 80).into(), ([192, 0, 2, 2], 81).into()];
        let target = Target::from([other, one]);
        assert_eq!(target.0, Repr::Addresses(vec![other, one]));
        assert_eq!(target.to_string(), "192.0.2.2:81, 192.0.2.1:80");
        assert_eq!(target.name(), None);
        assert_eq!(target, Target::from(&[other, one][..]));
        assert_eq!(target, Target::from(&[other, one]));
        assert_eq!(target, Target::from(&vec![other, one]));
        assert_eq!(Target::from(vec![one]), Target::from(one));
        assert!(matches!(Target::from([]).0, Repr::Malformed { .. }));
    }

    #[test]
    fn it_prints_as_it_is_written() {
        for text in [
            "localhost:80",
            "localhost:http",
            "127.0.0.1:80",
            "[::1]:80",
            "[::1]:http",
            "[fe80::1%7]:80",
            "[fe80::1%eth0]:80",
            "nonsense",
        ] {
            assert_eq!(Target::from(text).to_string(), text);
        }
    }
}
