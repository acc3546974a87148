//! What to connect to or to listen on: an address, or a name and a port.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use anynet_core::{Network, ResolveError};

/// What to connect to or to listen on.
///
/// Made from a socket address, from a host and a port, or from a text. A text is `host:port`, with an IPv6 address in
/// brackets; what is wrong with it is said when it is used, by a [`ResolveError`], not when it is made.
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
    Name { host: String, port: u16 },
    Malformed { text: String, reason: &'static str },
}

impl Target {
    /// The addresses it stands for, at least one, in the order of the network's resolver.
    ///
    /// # Errors
    ///
    /// If the text was malformed, or the name has no address.
    pub async fn resolve<N: Network>(&self, network: &N) -> Result<Vec<SocketAddr>, ResolveError> {
        match &self.0 {
            Repr::Address(address) => Ok(vec![*address]),
            Repr::Name { host, port } => {
                let addresses = network.resolve(host, *port).await?;
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

    fn new(host: &str, port: u16) -> Self {
        Self(match host.parse::<IpAddr>() {
            Ok(ip) => Repr::Address(SocketAddr::new(ip, port)),
            Err(_) => match name_fault(host) {
                Some(reason) => Repr::Malformed {
                    text: host.to_owned(),
                    reason,
                },
                None => Repr::Name {
                    host: host.to_owned(),
                    port,
                },
            },
        })
    }

    fn parse(text: &str) -> Self {
        if let Ok(address) = text.parse() {
            return Self(Repr::Address(address));
        }
        match split_host_and_port(text) {
            Ok((host, port)) => match Self::new(host, port) {
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

fn split_host_and_port(text: &str) -> Result<(&str, u16), &'static str> {
    let (host, port) = text
        .rsplit_once(':')
        .ok_or("there is no port: expected host:port")?;
    if host.starts_with('[') {
        return Err("what is in brackets is not an IPv6 address");
    }
    if host.contains(':') {
        return Err("an IPv6 address belongs in brackets: [address]:port");
    }
    // `u16::from_str` would take a leading `+`.
    if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("the port is not a number");
    }
    let port = port.parse().map_err(|_| "the port is above 65535")?;
    Ok((host, port))
}

/// What keeps `host` from being a name that a resolver could know.
fn name_fault(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        Some("the host is empty")
    } else if host.contains('\0') {
        Some("the host contains NUL")
    } else if host.contains(|c: char| c.is_whitespace() || c.is_control() || "/?#@[]".contains(c)) {
        Some("the host contains a character that no name has")
    } else {
        None
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Address(address) => address.fmt(f),
            Repr::Name { host, port } => write!(f, "{host}:{port}"),
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
        Self::new(host, port)
    }
}

impl From<(String, u16)> for Target {
    fn from((host, port): (String, u16)) -> Self {
        Self::new(&host, port)
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
                port: 80
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
    fn a_bad_text_says_what_is_wrong_with_it() {
        assert!(reason("").contains("no port"));
        assert!(reason("localhost").contains("no port"));
        assert!(reason(":80").contains("empty"));
        assert!(reason("localhost:").contains("not a number"));
        assert!(reason("localhost:http").contains("not a number"));
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
    fn it_prints_as_it_is_written() {
        for text in ["localhost:80", "127.0.0.1:80", "[::1]:80", "nonsense"] {
            assert_eq!(Target::from(text).to_string(), text);
        }
    }
}
