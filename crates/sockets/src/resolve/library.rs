//! The C library's resolver: what is asked of it, in its numbers, and what it answers.

use std::ffi::{CString, c_int};
use std::io;
use std::net::SocketAddr;

use anynet_core::{
    AddressInfo, Family, Lookup, LookupFlags, NameFlags, NameInfo, ResolveError, ResolverError, Service,
    SocketType,
};
use socket2::{Domain, SockAddr};

use crate::NameError;
use crate::interfaces::interface_index;
use crate::sys::{address, names};

/// "Address family for hostname not supported", which the crate `libc` has for few systems.
const NO_ADDRESS_IN_FAMILY: c_int = if cfg!(target_os = "linux") { -9 } else { 1 };

/// "No address associated with hostname", as above.
const NO_DATA: c_int = if cfg!(target_os = "linux") { -5 } else { 7 };

/// Every address that the library knows. **Blocks**, unless all of it is numeric.
pub(super) fn addresses(lookup: &Lookup) -> Result<Vec<AddressInfo>, ResolveError> {
    zoned(lookup, flags(lookup.flags))
}

/// The same for a literal address or no host, and a port: does not block.
pub(super) fn literal(lookup: &Lookup) -> Result<Vec<AddressInfo>, ResolveError> {
    zoned(
        lookup,
        flags(lookup.flags) | libc::AI_NUMERICHOST | libc::AI_NUMERICSERV,
    )
}

/// Refuses a family, type or protocol that the library does, or that do not fit each other. Does not block.
pub(super) fn check(lookup: &Lookup) -> Result<(), ResolveError> {
    let any = match lookup.family {
        Some(Family::Ipv4) => "0.0.0.0",
        _ => "::",
    };
    let mut port = lookup.clone();
    port.service = Service::Port(0);
    ask(&port, Some(any), libc::AI_NUMERICHOST).map(drop)
}

/// The library takes a zone for some addresses only, so that it is seen to here.
fn zoned(lookup: &Lookup, flags: c_int) -> Result<Vec<AddressInfo>, ResolveError> {
    let Some((ip, Some(zone))) = lookup.literal() else {
        return ask(lookup, lookup.host.as_deref(), flags);
    };
    let index = match zone.parse() {
        Ok(index) if !zone.starts_with('+') => index,
        _ => interface_index(zone).map_err(|error| no_such_zone(lookup, error))?,
    };
    let mut found = ask(lookup, Some(&ip.to_string()), flags)?;
    for info in &mut found {
        if let SocketAddr::V6(address) = &mut info.address {
            address.set_scope_id(index);
        }
    }
    Ok(found)
}

/// That there is no such interface; or that the system could not be asked, for want of a descriptor.
fn no_such_zone(lookup: &Lookup, error: NameError) -> ResolveError {
    let NameError::Failed { cause, .. } = error else {
        return no_such_host(lookup);
    };
    ResolveError::Failed {
        host: lookup.host.clone().unwrap_or_default(),
        cause,
    }
}

/// That there is no such name.
pub(super) fn no_such_host(lookup: &Lookup) -> ResolveError {
    failed(lookup, &unknown())
}

/// That the host is none that could be taken without asking.
pub(super) fn no_literal(lookup: &Lookup) -> ResolveError {
    failed(
        lookup,
        &unasked("it is no literal address, and NUMERIC_HOST was asked for"),
    )
}

/// That the service is none that could be taken without asking.
pub(super) fn no_number(service: &str) -> ResolveError {
    ResolveError::UnknownService {
        service: service.to_owned(),
        cause: Some(cause(&unasked("it is no number, and NUMERIC_SERVICE was asked for")).into()),
    }
}

/// The names of an address. **Blocks**, unless both are asked for as numbers.
pub(super) fn names_of(address: SocketAddr, flags: NameFlags) -> Result<NameInfo, ResolveError> {
    let numbers = [
        (NameFlags::NUMERIC_HOST, libc::NI_NUMERICHOST),
        (NameFlags::NUMERIC_SERVICE, libc::NI_NUMERICSERV),
        (NameFlags::NAME_REQUIRED, libc::NI_NAMEREQD),
        (NameFlags::DATAGRAM, libc::NI_DGRAM),
        (NameFlags::NO_DOMAIN, libc::NI_NOFQDN),
    ];
    let asked = numbers.iter().filter(|(flag, _)| flags.contains(*flag));
    let number = asked.fold(0, |set, (_, number)| set | number);
    match names::of_address(&SockAddr::from(address), number) {
        Ok((host, service)) => Ok(NameInfo::new(host, service)),
        Err(failure) => Err(ResolveError::Failed {
            host: address.ip().to_string(),
            cause: cause(&failure).into(),
        }),
    }
}

fn ask(lookup: &Lookup, host: Option<&str>, flags: c_int) -> Result<Vec<AddressInfo>, ResolveError> {
    let service = match &lookup.service {
        // The same as none, which is all that raw sockets may have; of host and service one must be.
        Service::Port(0) if host.is_some() => None,
        Service::Port(port) => Some(port.to_string()),
        Service::Name(name) => Some(name.clone()),
        _ => return Err(no_such_host(lookup)),
    };
    // A question with NUL was refused before.
    let texts = (
        host.map(CString::new).transpose(),
        service.map(CString::new).transpose(),
    );
    let (Ok(host), Ok(service)) = texts else {
        return Err(no_such_host(lookup));
    };
    let family = match lookup.family {
        None => libc::AF_UNSPEC,
        Some(Family::Ipv4) => libc::AF_INET,
        Some(Family::Ipv6) => libc::AF_INET6,
        // Which the library refuses.
        Some(_) => libc::AF_UNIX,
    };
    let hints = [
        family,
        lookup.kind.map_or(0, number_of),
        lookup.protocol.unwrap_or(0),
        flags,
    ];
    let entries = names::addresses(host.as_deref(), service.as_deref(), hints)
        .map_err(|failure| failed(lookup, &failure))?;
    Ok(entries.into_iter().filter_map(info).collect())
}

/// What an entry says, if it makes sense: an address of another family, or cut off, is left out.
fn info((kind, protocol, bytes, name): names::Entry) -> Option<AddressInfo> {
    let address = address::from_bytes(&bytes)?;
    let whole = match address.domain() {
        Domain::IPV4 => size_of::<libc::sockaddr_in>(),
        Domain::IPV6 => size_of::<libc::sockaddr_in6>(),
        _ => return None,
    };
    if bytes.len() < whole {
        return None;
    }
    let mut info = AddressInfo::new(address.as_socket()?, kind_of(kind)).protocol(protocol);
    info.canonical_name = name.map(|name| name.to_string_lossy().into_owned());
    Some(info)
}

fn flags(flags: LookupFlags) -> c_int {
    let numbers = [
        (LookupFlags::PASSIVE, libc::AI_PASSIVE),
        (LookupFlags::CANONICAL_NAME, libc::AI_CANONNAME),
        (LookupFlags::NUMERIC_HOST, libc::AI_NUMERICHOST),
        (LookupFlags::NUMERIC_SERVICE, libc::AI_NUMERICSERV),
        (LookupFlags::V4_MAPPED, libc::AI_V4MAPPED),
        (LookupFlags::ALL, libc::AI_ALL),
        (LookupFlags::ADDRESS_CONFIG, libc::AI_ADDRCONFIG),
    ];
    let asked = numbers.iter().filter(|(flag, _)| flags.contains(*flag));
    asked.fold(0, |set, (_, number)| set | number)
}

fn number_of(kind: SocketType) -> c_int {
    match kind {
        SocketType::Stream => libc::SOCK_STREAM,
        SocketType::Datagram => libc::SOCK_DGRAM,
        SocketType::Raw => libc::SOCK_RAW,
        SocketType::Other(number) => number,
        // None is left; a type that this crate does not know, the library does not either.
        _ => -1,
    }
}

fn kind_of(number: c_int) -> SocketType {
    match number {
        libc::SOCK_STREAM => SocketType::Stream,
        libc::SOCK_DGRAM => SocketType::Datagram,
        libc::SOCK_RAW => SocketType::Raw,
        number => SocketType::Other(number),
    }
}

/// What the library says of a host that it does not know.
fn unknown() -> names::Failure {
    unasked(&names::text(libc::EAI_NONAME))
}

/// The same, of what it would not look up, with words of our own: the library's are those of a name that nobody has.
fn unasked(why: &str) -> names::Failure {
    names::Failure {
        code: libc::EAI_NONAME,
        text: why.to_owned(),
        errno: io::ErrorKind::NotFound.into(),
    }
}

fn failed(lookup: &Lookup, failure: &names::Failure) -> ResolveError {
    let cause = cause(failure).into();
    match &lookup.service {
        Service::Name(service) if failure.code == libc::EAI_SERVICE => ResolveError::UnknownService {
            service: service.clone(),
            cause: Some(cause),
        },
        _ => ResolveError::Failed {
            host: lookup.host.clone().unwrap_or_default(),
            cause,
        },
    }
}

/// The failure as an error: that of the system, if it was one, else with the code and its text.
fn cause(failure: &names::Failure) -> io::Error {
    let kind = match failure.code {
        libc::EAI_SYSTEM => match failure.errno.raw_os_error() {
            Some(errno) => return io::Error::from_raw_os_error(errno),
            None => io::ErrorKind::Other,
        },
        libc::EAI_NONAME | NO_ADDRESS_IN_FAMILY | NO_DATA | libc::EAI_SERVICE => io::ErrorKind::NotFound,
        libc::EAI_BADFLAGS | libc::EAI_FAMILY | libc::EAI_SOCKTYPE => io::ErrorKind::InvalidInput,
        libc::EAI_MEMORY => io::ErrorKind::OutOfMemory,
        _ => io::ErrorKind::Other,
    };
    let error = ResolverError::new(failure.code, failure.text.clone());
    io::Error::new(kind, error.temporary(failure.code == libc::EAI_AGAIN))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use anynet_core::Cause;

    use super::*;
    use crate::NameQuery;
    use crate::resolve::numeric::looks_numeric;

    /// What the library takes is refused, but for what it and the standard library agree on.
    #[test]
    fn no_spelling_that_the_library_takes_for_a_number_goes_unseen() {
        let parts = [
            "0",
            "1",
            "127",
            "0177",
            "0x7f",
            "08",
            "256",
            "0xffffff",
            "4294967296",
            "a",
            "",
        ];
        let mut spellings: Vec<_> = parts.map(str::to_owned).into();
        for _ in 0..3 {
            let longer = |host: &String| parts.map(|part| format!("{host}.{part}"));
            let more: Vec<_> = spellings.iter().flat_map(longer).collect();
            spellings.extend(more);
            spellings.truncate(20_000);
        }
        let mut taken = 0;
        for host in spellings {
            if host.is_empty() {
                continue;
            }
            let lookup = Lookup::new(host.as_str(), 0).family(Family::Ipv4);
            let flags = libc::AI_NUMERICHOST | libc::AI_NUMERICSERV;
            if ask(&lookup, Some(&host), flags).is_ok() {
                assert!(looks_numeric(&host) || host.parse::<IpAddr>().is_ok(), "{host}");
                taken += 1;
            }
        }
        assert!(taken > 100, "only {taken} were numbers");
    }

    #[test]
    fn a_zone_that_could_not_be_looked_up_is_told_from_one_that_is_not_there() {
        let lookup = Lookup::new("fe80::1%eth0", 80);
        let query = || NameQuery::InterfaceName("eth0".into());
        let unknown = no_such_zone(&lookup, NameError::Unknown { query: query() });
        assert_eq!(
            unknown.resolver_error().map(|said| said.code),
            Some(libc::EAI_NONAME)
        );
        let cause = Cause::from(io::Error::from_raw_os_error(libc::EMFILE));
        match no_such_zone(
            &lookup,
            NameError::Failed {
                query: query(),
                cause,
            },
        ) {
            ResolveError::Failed { cause, .. } => assert_eq!(cause.raw_os_error(), Some(libc::EMFILE)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_entry_that_makes_no_sense_is_left_out() {
        let bytes =
            |ip: &str| address::bytes(&SockAddr::from(SocketAddr::new(ip.parse().unwrap(), 80))).to_vec();
        for ip in ["127.0.0.1", "::1"] {
            let whole = bytes(ip);
            let found = info((libc::SOCK_STREAM, 6, whole.clone(), Some(c"name".to_owned()))).unwrap();
            assert_eq!(found.address, SocketAddr::new(ip.parse().unwrap(), 80));
            assert_eq!((found.kind, found.protocol), (SocketType::Stream, 6));
            assert_eq!(found.canonical_name.as_deref(), Some("name"));
            for length in 0..whole.len() {
                assert_eq!(
                    info((1, 6, whole[..length].to_vec(), None)),
                    None,
                    "{ip}: {length}"
                );
            }
        }
        let unix = SockAddr::unix("/tmp/x").unwrap();
        assert_eq!(info((1, 0, address::bytes(&unix).to_vec(), None)), None);
    }

    #[test]
    fn every_failure_has_its_code_and_its_text() {
        for (code, kind) in [
            (libc::EAI_NONAME, io::ErrorKind::NotFound),
            (libc::EAI_SERVICE, io::ErrorKind::NotFound),
            (libc::EAI_FAMILY, io::ErrorKind::InvalidInput),
            (libc::EAI_MEMORY, io::ErrorKind::OutOfMemory),
            (libc::EAI_AGAIN, io::ErrorKind::Other),
            (libc::EAI_FAIL, io::ErrorKind::Other),
        ] {
            let failure = names::Failure {
                code,
                text: names::text(code),
                errno: io::Error::from_raw_os_error(libc::EPIPE),
            };
            let error = failed(&Lookup::new("host", 80), &failure);
            assert_eq!(error.kind(), kind, "{code}");
            let said = error.resolver_error().unwrap();
            assert_eq!(said.code, code);
            assert!(!said.text.is_empty(), "{code}");
            assert_eq!(error.is_temporary(), code == libc::EAI_AGAIN);
        }
    }

    #[test]
    fn a_failure_of_the_system_is_its_own_error() {
        let failure = names::Failure {
            code: libc::EAI_SYSTEM,
            text: String::new(),
            errno: io::Error::from_raw_os_error(libc::EMFILE),
        };
        assert_eq!(cause(&failure).raw_os_error(), Some(libc::EMFILE));
    }
}
