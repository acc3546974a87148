//! The system's resolver: every argument of a look-up, and both directions.

pub(super) mod connector;
pub(super) mod literal;
pub(super) mod odd;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::Poll;

use anynet_core::{AddressInfo, Family, Lookup, LookupFlags, NameFlags, NameInfo, ResolveError, SocketType};
use anynet_sockets::{TcpListener, look_up, look_up_name, service_port};
use anynet_util::Target;

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::{LOOPBACK_4, poll_once};

cases![
    a_literal_address_has_one_entry_for_the_socket_that_is_asked_for,
    a_name_is_looked_up_with_every_argument_as_it_was_given,
    a_wrong_argument_is_an_error_at_once,
    an_error_of_the_resolver_keeps_its_code_and_its_text,
    the_names_of_an_address_are_names_or_numbers_as_asked,
    the_names_of_an_address_are_those_that_the_system_knows,
    no_host_is_every_address_to_listen_on_and_this_host_to_connect_to,
    a_service_stands_for_its_port,
    a_look_up_asks_for_one_family_or_both_and_for_one_type_or_each,
    a_numeric_look_up_refuses_names_at_once,
    a_host_and_a_port_print_with_brackets_around_ipv6,
];

async fn a_host_and_a_port_print_with_brackets_around_ipv6(_context: Context) {
    for (host, text) in [
        ("::1", "[::1]:80"),
        ("fe80::1%eth0", "[fe80::1%eth0]:80"),
        ("127.0.0.1", "127.0.0.1:80"),
        ("example.org", "example.org:80"),
    ] {
        let target = Target::from((host, 80));
        assert_eq!(target.to_string(), text);
        assert_eq!(
            Target::from(text).to_string(),
            text,
            "and what is printed is read"
        );
    }
}

/// The answer of a look-up that nobody is to be asked for.
fn at_once(lookup: Lookup) -> Result<Vec<AddressInfo>, ResolveError> {
    let asked = format!("{lookup:?}");
    match poll_once(&mut Box::pin(look_up(lookup))) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("somebody was asked: {asked}"),
    }
}

fn names_at_once(address: SocketAddr) -> NameInfo {
    let numbers = NameFlags::NUMERIC_HOST | NameFlags::NUMERIC_SERVICE;
    match poll_once(&mut Box::pin(look_up_name(address, numbers))) {
        Poll::Ready(names) => names.unwrap(),
        Poll::Pending => panic!("somebody was asked"),
    }
}

fn addresses(found: &[AddressInfo]) -> Vec<SocketAddr> {
    found.iter().map(|info| info.address).collect()
}

async fn a_literal_address_has_one_entry_for_the_socket_that_is_asked_for(context: Context) {
    let ip = context.loopback.ip();
    for (kind, protocol) in [(SocketType::Stream, 6), (SocketType::Datagram, 17)] {
        let found = at_once(Lookup::new(ip.to_string(), 80).kind(kind)).unwrap();
        let [info] = &found[..] else { panic!("{found:?}") };
        assert_eq!(info.address, SocketAddr::new(ip, 80));
        assert_eq!((info.kind, info.protocol), (kind, protocol));
        assert_eq!(info.family() == Family::Ipv4, ip.is_ipv4());
        assert_eq!(info.canonical_name, None);
    }
}

async fn a_name_is_looked_up_with_every_argument_as_it_was_given(context: Context) {
    for (kind, protocol) in [(SocketType::Stream, 6), (SocketType::Datagram, 17)] {
        let lookup = Lookup::new("localhost", 53)
            .family(Family::Ipv4)
            .kind(kind)
            .protocol(protocol);
        let plain = context.within(look_up(lookup.clone())).await.unwrap();
        assert!(
            plain.iter().all(|info| info.canonical_name.is_none()),
            "it was not asked for"
        );
        let named = lookup.flags(LookupFlags::CANONICAL_NAME);
        let found = context.within(look_up(named)).await.unwrap();
        assert!(found[0].canonical_name.is_some());
        for info in [plain, found].iter().flatten() {
            assert_eq!(info.address, SocketAddr::new(LOOPBACK_4.ip(), 53));
            assert_eq!((info.kind, info.protocol), (kind, protocol));
        }
    }
}

async fn a_wrong_argument_is_an_error_at_once(_: Context) {
    for host in ["localhost", "127.0.0.1"] {
        let lookup = Lookup::new(host, 80);
        let wrong = [
            (
                lookup.clone().kind(SocketType::Other(99)),
                Some(libc::EAI_SOCKTYPE),
            ),
            (lookup.clone().family(Family::Unix), Some(libc::EAI_FAMILY)),
            (lookup.kind(SocketType::Stream).protocol(libc::IPPROTO_UDP), None),
        ];
        for (lookup, code) in wrong {
            let error = at_once(lookup.clone()).unwrap_err();
            let said = error.resolver_error().expect("the system's own");
            assert!(code.is_none_or(|code| said.code == code), "{lookup:?}: {said:?}");
            assert!(!error.is_temporary());
        }
    }
}

async fn an_error_of_the_resolver_keeps_its_code_and_its_text(context: Context) {
    let unknown = Lookup::new(context.loopback.ip().to_string(), "no-such-service-anywhere");
    let error = context.within(look_up(unknown)).await.unwrap_err();
    let said = error.resolver_error().expect("the system's own");
    assert_eq!(said.code, libc::EAI_SERVICE);
    assert!(!said.text.is_empty());
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    // Too long for a name, so that no server can be asked for it.
    let error = context
        .within(look_up(Lookup::new("x".repeat(300), 80)))
        .await
        .unwrap_err();
    let said = error.resolver_error().expect("the system's own").clone();
    assert_ne!(said.code, 0);
    let kept = std::io::Error::from(error);
    let inside = kept
        .get_ref()
        .and_then(|error| error.downcast_ref::<ResolveError>());
    assert_eq!(inside.and_then(ResolveError::resolver_error), Some(&said));
}

async fn the_names_of_an_address_are_names_or_numbers_as_asked(context: Context) {
    let names = names_at_once(SocketAddr::new(context.loopback.ip(), 6666));
    assert_eq!(names, NameInfo::new(context.loopback.ip().to_string(), "6666"));
    let http = SocketAddr::new(LOOPBACK_4.ip(), 80);
    let name = |flags| context.within(look_up_name(http, flags));
    let both = name(NameFlags::NONE).await.unwrap();
    assert_ne!(both.host, "127.0.0.1");
    let host = name(NameFlags::NUMERIC_SERVICE).await.unwrap();
    assert_eq!((host.host, host.service.as_str()), (both.host, "80"));
    let service = name(NameFlags::NUMERIC_HOST).await.unwrap();
    assert_eq!(
        (service.host.as_str(), service.service),
        ("127.0.0.1", both.service)
    );
    name(NameFlags::NAME_REQUIRED).await.unwrap();
}

async fn the_names_of_an_address_are_those_that_the_system_knows(context: Context) {
    let address = SocketAddr::new(LOOPBACK_4.ip(), 80);
    let names = context
        .within(look_up_name(address, NameFlags::NONE))
        .await
        .unwrap();
    let back = Lookup::new(names.host, 80).family(Family::Ipv4);
    let found = context.within(look_up(back)).await.unwrap();
    assert!(addresses(&found).contains(&address));
    if let Ok(port) = service_port("http", "tcp") {
        assert_eq!(port, 80);
        assert_eq!(service_port(&names.service, "tcp").unwrap(), 80);
    }
    // A service over UDP may have another name than the one over TCP with the same port.
    if let (Ok(514), Ok(514)) = (service_port("shell", "tcp"), service_port("syslog", "udp")) {
        let address = SocketAddr::new(address.ip(), 514);
        let name = |flags| context.within(look_up_name(address, NameFlags::NUMERIC_HOST | flags));
        assert_eq!(name(NameFlags::NONE).await.unwrap().service, "shell");
        assert_eq!(name(NameFlags::DATAGRAM).await.unwrap().service, "syslog");
    }
}

async fn no_host_is_every_address_to_listen_on_and_this_host_to_connect_to(context: Context) {
    let (family, any): (_, IpAddr) = match context.loopback {
        SocketAddr::V4(_) => (Family::Ipv4, Ipv4Addr::UNSPECIFIED.into()),
        SocketAddr::V6(_) => (Family::Ipv6, Ipv6Addr::UNSPECIFIED.into()),
    };
    let none = |port: u16| Lookup::without_host(port).family(family).kind(SocketType::Stream);
    let listen = at_once(none(0).flags(LookupFlags::PASSIVE)).unwrap();
    assert_eq!(addresses(&listen), [SocketAddr::new(any, 0)]);
    let bind = TcpListener::bind_on(context.runtime(), listen[0].address);
    let listener = context.within(bind.into_future()).await.unwrap();
    let connect = at_once(none(listener.local_address().port())).unwrap();
    let [info] = &connect[..] else {
        panic!("{connect:?}")
    };
    assert_eq!(info.address.ip(), context.loopback.ip());
    let connected = context.connect(info.address).await;
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(accepted.peer_address(), connected.local_address());
}

async fn a_service_stands_for_its_port(context: Context) -> Outcome {
    let Ok(port) = service_port("http", "tcp") else {
        return Err(NotApplicable("the system has no table of services"));
    };
    let service = Lookup::new(context.loopback.ip().to_string(), "http").kind(SocketType::Stream);
    let found = context.within(look_up(service)).await.unwrap();
    let address = SocketAddr::new(context.loopback.ip(), port);
    assert_eq!(addresses(&found), [address]);
    let no_host = Lookup::without_host("http").kind(SocketType::Stream);
    let found = context.within(look_up(no_host)).await.unwrap();
    assert!(
        found
            .iter()
            .all(|info| info.address.port() == port && info.address.ip().is_loopback())
    );
    assert!(!found.is_empty());
    let text = match context.loopback.ip() {
        IpAddr::V4(ip) => format!("{ip}:http"),
        IpAddr::V6(ip) => format!("[{ip}]:http"),
    };
    let network = context.network();
    let target = Target::from(text);
    let resolved = context.within(Box::pin(target.resolve(&network))).await;
    assert_eq!(resolved.unwrap(), [address]);
    Ok(())
}

async fn a_look_up_asks_for_one_family_or_both_and_for_one_type_or_each(context: Context) {
    let families = |lookup: Lookup| {
        let found = at_once(lookup.kind(SocketType::Stream)).unwrap();
        let is_4 = |info: &AddressInfo| info.family() == Family::Ipv4;
        (found.iter().any(is_4), found.iter().any(|info| !is_4(info)))
    };
    assert_eq!(families(Lookup::without_host(80)), (true, true));
    assert_eq!(
        families(Lookup::without_host(80).family(Family::Ipv4)),
        (true, false)
    );
    assert_eq!(
        families(Lookup::without_host(80).family(Family::Ipv6)),
        (false, true)
    );
    let lookup = || Lookup::new("localhost", 80).family(Family::Ipv4);
    for kind in [SocketType::Stream, SocketType::Datagram] {
        let found = context.within(look_up(lookup().kind(kind))).await.unwrap();
        assert!(found.iter().all(|info| info.kind == kind) && !found.is_empty());
    }
    let each = context.within(look_up(lookup())).await.unwrap();
    for kind in [SocketType::Stream, SocketType::Datagram] {
        assert!(each.iter().any(|info| info.kind == kind), "{each:?}");
    }
    let literal = context.loopback.ip().to_string();
    let raw = at_once(
        Lookup::new(literal, 0)
            .kind(SocketType::Raw)
            .protocol(libc::IPPROTO_ICMP),
    );
    let raw = raw.unwrap();
    assert_eq!(
        (raw[0].kind, raw[0].protocol),
        (SocketType::Raw, libc::IPPROTO_ICMP)
    );
}

async fn a_numeric_look_up_refuses_names_at_once(context: Context) {
    let numeric = LookupFlags::NUMERIC_HOST | LookupFlags::NUMERIC_SERVICE;
    let error = at_once(Lookup::new("localhost", 80).flags(numeric)).unwrap_err();
    assert_eq!(
        error.resolver_error().expect("as the system says it").code,
        libc::EAI_NONAME
    );
    let why = "cannot look up \"localhost\": it is no literal address, and NUMERIC_HOST was asked for";
    assert_eq!(format!("{error:#}"), why);
    let ip = context.loopback.ip().to_string();
    match at_once(Lookup::new(ip.as_str(), "http").flags(numeric)) {
        Err(ResolveError::UnknownService { service, .. }) => assert_eq!(service, "http"),
        other => panic!("{other:?}"),
    }
    at_once(Lookup::new(ip, "80").flags(numeric)).unwrap();
    at_once(Lookup::new("fe80::1%1", "80").flags(numeric)).unwrap();
}
