//! What is asked of a resolver, and what it answers.

mod answer;
mod flags;

pub use answer::{AddressInfo, NameInfo};
pub use flags::{LookupFlags, NameFlags};

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::{Family, ResolveError};

/// A question for the addresses of a host: the arguments of getaddrinfo(3).
///
/// ```
/// use anynet_core::{Family, Lookup, LookupFlags, SocketType};
///
/// let lookup = Lookup::new("example.org", "https")
///     .family(Family::Ipv6)
///     .kind(SocketType::Stream)
///     .flags(LookupFlags::V4_MAPPED);
/// assert_eq!(lookup.host.as_deref(), Some("example.org"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Lookup {
    /// The host, a name or a literal address; none is this host, or with [`LookupFlags::PASSIVE`] each of its addresses.
    pub host: Option<String>,
    /// The port, or the service that has one.
    pub service: Service,
    /// The one family that is asked for; none is IPv4 and IPv6.
    pub family: Option<Family>,
    /// The one type of socket that is asked for; none is each.
    pub kind: Option<SocketType>,
    /// The number of the one protocol that is asked for; none is each.
    pub protocol: Option<i32>,
    /// What else is asked for.
    pub flags: LookupFlags,
}

impl Lookup {
    /// Asks for the addresses of `host`, with the port of `service`.
    pub fn new(host: impl Into<String>, service: impl Into<Service>) -> Self {
        Self {
            host: Some(host.into()),
            ..Self::without_host(service)
        }
    }

    /// Asks for addresses of this host with the port of `service`: the loopback ones, to connect to; with
    /// [`LookupFlags::PASSIVE`] the unspecified ones, to listen on.
    pub fn without_host(service: impl Into<Service>) -> Self {
        Self {
            host: None,
            service: service.into(),
            family: None,
            kind: None,
            protocol: None,
            flags: LookupFlags::NONE,
        }
    }

    /// Asks for addresses of one family.
    pub fn family(mut self, family: Family) -> Self {
        self.family = Some(family);
        self
    }

    /// Asks for one type of socket.
    pub fn kind(mut self, kind: SocketType) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Asks for one protocol, by its number.
    pub fn protocol(mut self, protocol: i32) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Adds `flags`.
    pub fn flags(mut self, flags: LookupFlags) -> Self {
        self.flags |= flags;
        self
    }

    /// The host as an address and its zone, if it is a literal: an IPv4 address of exactly four decimal numbers, or an IPv6
    /// address, which may have a zone (RFC 4007 §11). The zone is the number or the name of an interface, and is not
    /// empty.
    pub fn literal(&self) -> Option<(IpAddr, Option<&str>)> {
        let host = self.host.as_deref()?;
        match host.split_once('%') {
            None => Some((host.parse().ok()?, None)),
            Some((_, "")) => None,
            Some((address, zone)) => Some((IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), Some(zone))),
        }
    }

    /// Refuses what no resolver could answer, so that none is asked.
    ///
    /// # Errors
    ///
    /// [`ResolveError::Malformed`]: the host or the service is empty, is `*`, or contains NUL or another character that no
    /// name has; a host with a colon is no IPv6 address; a port is above 65535, or has a sign.
    pub fn validate(&self) -> Result<(), ResolveError> {
        let malformed = |text: &str, reason| ResolveError::Malformed {
            text: text.to_owned(),
            reason,
        };
        if let Some(host) = &self.host {
            let fault = match self.literal() {
                Some((_, zone)) => zone.and_then(zone_fault),
                None => host_fault(host),
            };
            if let Some(reason) = fault {
                return Err(malformed(host, reason));
            }
        }
        if let Service::Name(service) = &self.service
            && let Some(reason) = service_fault(service)
        {
            return Err(malformed(service, reason));
        }
        Ok(())
    }
}

/// What keeps `host`, which is no literal address, from being a name that a resolver could know.
fn host_fault(host: &str) -> Option<&'static str> {
    if host.is_empty() {
        Some("the host is empty")
    } else if host == "*" {
        Some("an asterisk is no name") // the C library would take it for no host
    } else if host.contains('\0') {
        Some("the host contains NUL")
    } else if host.contains(|c: char| c.is_whitespace() || c.is_control() || "/?#@[]".contains(c)) {
        Some("the host contains a character that no name has")
    } else if host.contains(':') {
        Some("the host is not an IPv6 address")
    } else if host.contains('%') {
        Some("only an IPv6 address has a zone")
    } else {
        None
    }
}

/// What keeps `zone`, which is not empty, from being the name or the number of an interface.
fn zone_fault(zone: &str) -> Option<&'static str> {
    if zone.contains('\0') {
        Some("the zone contains NUL")
    } else if zone.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') {
        Some("the zone contains a character that no interface has")
    } else {
        None
    }
}

/// What keeps `service`, which is no port, from being a name of one.
fn service_fault(service: &str) -> Option<&'static str> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if service.is_empty() {
        Some("the service is empty")
    } else if service == "*" {
        Some("an asterisk is no name")
    } else if service.contains('\0') {
        Some("the service contains NUL")
    } else if is_number(service) {
        Some("the port is above 65535")
    } else if service.strip_prefix(['+', '-']).is_some_and(is_number) {
        // The C library would take these for numbers.
        Some("the port is not a number")
    } else if service.contains(|c: char| c.is_whitespace() || c.is_control()) {
        Some("the service contains a character that no name has")
    } else {
        None
    }
}

/// A port, or the name of the service that has it.
///
/// Made from a number or a text; the text of a port is that port.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Service {
    /// A port.
    Port(u16),
    /// The name of a service, such as `https`.
    Name(String),
}

/// The number, or the name.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => port.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl From<u16> for Service {
    fn from(port: u16) -> Self {
        Self::Port(port)
    }
}

impl From<&str> for Service {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<String> for Service {
    fn from(text: String) -> Self {
        // `u16::from_str` would take a leading `+`.
        match text.parse() {
            Ok(port) if !text.starts_with('+') => Self::Port(port),
            _ => Self::Name(text),
        }
    }
}

/// A type of socket, as socket(2) has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SocketType {
    /// A stream (`SOCK_STREAM`).
    Stream,
    /// Datagrams (`SOCK_DGRAM`).
    Datagram,
    /// Raw packets (`SOCK_RAW`).
    Raw,
    /// Another one, by the system's number.
    Other(i32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_an_address_in_full_and_only_ipv6_has_a_zone() {
        let literal = |host: &str| {
            let lookup = Lookup::new(host, 0);
            lookup
                .literal()
                .map(|(ip, zone)| (ip.to_string(), zone.map(str::to_owned)))
        };
        for host in ["127.0.0.1", "::1", "fe80::1", "::ffff:1.2.3.4"] {
            assert_eq!(literal(host), Some((host.into(), None)));
        }
        for zone in ["1", "eth0", "a%b"] {
            let host = format!("fe80::1%{zone}");
            assert_eq!(literal(&host), Some(("fe80::1".into(), Some(zone.into()))));
        }
        for host in [
            "",
            ":",
            "127.1",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "1.2.3.-4",
            "1.2.3.4 ",
            "01.2.3.4",
            "0x7f.0.0.1",
            "a.b.c.d",
            "1.2.3.٤",
            "::g",
            "%1",
            ":%1",
            "fe80::1%",
            "1.2.3.4%1",
            "::1 ",
            "[::1]",
        ] {
            assert_eq!(literal(host), None, "{host:?}");
        }
    }

    #[test]
    fn what_no_resolver_could_answer_is_refused_with_its_reason() {
        for (host, service, fault) in [
            ("", "80", "empty"),
            ("a\0b", "80", "NUL"),
            ("a b", "80", "character"),
            ("[::1]", "80", "character"),
            ("::g", "80", "IPv6"),
            ("fe80::1%", "80", "IPv6"),
            ("1.2.3.4%lo", "80", "zone"),
            ("fe80::1%l\0o", "80", "NUL"),
            ("fe80::1%lo ", "80", "character"),
            ("fe80::1%lo/64", "80", "character"),
            ("*", "80", "no name"),
            ("host", "*", "no name"),
            ("host", "", "empty"),
            ("host", "a\0b", "NUL"),
            ("host", "65536", "above 65535"),
            ("host", "+80", "not a number"),
            ("host", "-1", "not a number"),
            ("host", " 80", "character"),
        ] {
            match Lookup::new(host, service).validate() {
                Err(ResolveError::Malformed { text, reason }) => {
                    assert!(text == host || text == service, "{host:?} {service:?}: {text:?}");
                    assert!(reason.contains(fault), "{host:?} {service:?}: {reason}");
                }
                other => panic!("{host:?} {service:?}: {other:?}"),
            }
        }
        for (host, service) in [
            ("host", "80"),
            ("::1%lo", "0"),
            ("a_b.c.", "http"),
            ("*.c", "http*"),
            ("münchen.de", "x-1"),
            ("1.2", "1a"),
        ] {
            Lookup::new(host, service).validate().unwrap();
        }
        Lookup::without_host("http").validate().unwrap();
    }

    #[test]
    fn the_text_of_a_port_is_that_port() {
        assert_eq!(Service::from("65535"), Service::Port(65535));
        assert_eq!(Service::from("0"), Service::Port(0));
        assert_eq!(Service::Port(80).to_string(), "80");
        for name in ["", "65536", "+1", "-1", "http", "1a", " 1"] {
            assert_eq!(Service::from(name), Service::Name(name.into()));
            assert_eq!(Service::from(name).to_string(), name);
        }
    }
}
