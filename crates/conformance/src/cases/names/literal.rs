//! Literal addresses: which texts are some, what survives of them, and how they print.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::{SocketAddr, SocketAddrV6};
use std::task::Poll;

use anynet_core::{Address, Family, Lookup, LookupFlags, ResolveError, Resolver, SocketType, UnixAddress};
use anynet_sockets::{SystemResolver, TcpListener, TcpStream, interfaces};
use anynet_util::Target;

use super::{addresses, at_once, names_at_once};
use crate::Context;
use crate::case::cases;
use crate::context::{LOOPBACK_4, poll_once};

cases![
    flow_and_scope_survive,
    a_zone_is_parsed_by_name_and_by_number_and_printed,
    an_ipv4_literal_for_ipv6_is_mapped_if_asked_for_and_else_refused,
    a_host_that_only_looks_numeric_is_refused_unless_libcs_rules_are_asked_for,
    an_ipv4_literal_is_exactly_four_decimal_numbers,
    an_ipv6_literal_may_carry_a_zone_and_nothing_invalid_passes_by_one,
    addresses_compare_and_hash_by_value,
];

async fn flow_and_scope_survive(context: Context) {
    let whole = SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0x12345, 7);
    let network = context.network();
    let resolved = context
        .within(Target::from(whole).resolve(&network))
        .await
        .unwrap();
    assert_eq!(resolved, [SocketAddr::V6(whole)]);
    let SocketAddr::V6(kept) = resolved[0] else {
        panic!("{resolved:?}")
    };
    assert_eq!((kept.flowinfo(), kept.scope_id()), (0x12345, 7));
    // As a text, without a name to look up.
    let target = Target::from("[fe80::1%7]:80");
    let scoped = context.within(Box::pin(target.resolve(&network))).await;
    assert_eq!(scoped.unwrap(), [SocketAddrV6::new(*whole.ip(), 80, 0, 7).into()]);
}

async fn a_zone_is_parsed_by_name_and_by_number_and_printed(context: Context) {
    let lo = interfaces().unwrap().swap_remove(0);
    let name = lo.name.to_str().expect("a name in ASCII").to_owned();
    let index = lo.index;
    let scoped = SocketAddr::from(SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, index));
    for zone in [&name, &index.to_string()] {
        let found = at_once(Lookup::new(format!("fe80::1%{zone}"), 80).kind(SocketType::Stream)).unwrap();
        assert_eq!(addresses(&found), [scoped]);
        let network = context.network();
        let target = Target::from(format!("[fe80::1%{zone}]:80"));
        let resolved = context.within(Box::pin(target.resolve(&network))).await.unwrap();
        assert_eq!(resolved, [scoped]);
    }
    assert_eq!(scoped.to_string(), format!("[fe80::1%{index}]:80"));
    assert_eq!(names_at_once(scoped).host, format!("fe80::1%{name}"));
    let unscoped = at_once(Lookup::new("fe80::1%0", 80).kind(SocketType::Stream)).unwrap();
    assert_eq!(unscoped[0].address.to_string(), "[fe80::1]:80");
    assert_eq!(names_at_once(unscoped[0].address).host, "fe80::1");
    let unknown = at_once(Lookup::new("fe80::1%no-such-interface", 80)).unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
}

async fn an_ipv4_literal_for_ipv6_is_mapped_if_asked_for_and_else_refused(_: Context) {
    let lookup = Lookup::new("127.0.0.1", 80)
        .family(Family::Ipv6)
        .kind(SocketType::Stream);
    let refused = at_once(lookup.clone()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused:?}");
    let mapped = at_once(lookup.flags(LookupFlags::V4_MAPPED)).unwrap();
    assert_eq!(addresses(&mapped), ["[::ffff:127.0.0.1]:80".parse().unwrap()]);
    let other = Lookup::new("::1", 80).family(Family::Ipv4);
    assert_eq!(at_once(other).unwrap_err().kind(), ErrorKind::NotFound);
}

async fn a_host_that_only_looks_numeric_is_refused_unless_libcs_rules_are_asked_for(context: Context) {
    let libc = SystemResolver::new().libc_numbers(true);
    let bind = TcpListener::bind_on(context.runtime(), LOOPBACK_4);
    let listener = context.within(bind.into_future()).await.unwrap();
    let port = listener.local_address().port();
    for host in ["127.1", "0x7f.1", "0177.0.0.1", "2130706433", "0x7f000001"] {
        let refused = at_once(Lookup::new(host, port)).unwrap_err();
        assert!(
            matches!(&refused, ResolveError::Malformed { text, .. } if text == host),
            "{refused:?}"
        );
        let connect = TcpStream::connect_on(context.runtime(), (host, port));
        context.within(connect.clone().into_future()).await.unwrap_err();
        for flags in [LookupFlags::NONE, LookupFlags::NUMERIC_HOST] {
            let lookup = Lookup::new(host, port).flags(flags);
            let Poll::Ready(found) = poll_once(&mut libc.look_up(&lookup)) else {
                panic!("somebody was asked");
            };
            assert_eq!(found.unwrap()[0].address, listener.local_address());
        }
        let connect = connect.resolver(libc).into_future();
        let connected = context.within(connect).await.unwrap();
        assert_eq!(connected.peer_address(), listener.local_address());
    }
}

async fn an_ipv4_literal_is_exactly_four_decimal_numbers(_: Context) {
    for host in ["0.0.0.0", "1.2.3.4", "255.255.255.255"] {
        let found = at_once(Lookup::new(host, 80).flags(LookupFlags::NUMERIC_HOST)).unwrap();
        assert_eq!(found[0].address.ip().to_string(), host);
    }
    for host in [
        "",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "1.2.3.-4",
        "1.2.3.+4",
        "01.2.3.4",
        "1.2.3.a",
        "1.2.3.4 ",
        "1.2.3.4%1",
        "1.2.3.٤",
        "１.2.3.4",
    ] {
        at_once(Lookup::new(host, 80).flags(LookupFlags::NUMERIC_HOST)).expect_err(host);
    }
}

async fn an_ipv6_literal_may_carry_a_zone_and_nothing_invalid_passes_by_one(_: Context) {
    for host in ["::", "::1", "fe80::1%1", "::1%1", "2001:db8::1:2"] {
        let found = at_once(Lookup::new(host, 80).flags(LookupFlags::NUMERIC_HOST)).unwrap();
        assert!(found[0].address.is_ipv6());
    }
    for host in [
        "",
        ":",
        ":%1",
        "%1",
        "::g",
        "::g%1",
        "fe80::1%",
        "1::2::3",
        "1::2::3%1",
        "hello%1",
        "fe80::1%+1",
        "fe80::1%-1",
        "fe80::1%99999999999",
        "[::1]",
    ] {
        at_once(Lookup::new(host, 80).flags(LookupFlags::NUMERIC_HOST)).expect_err(host);
    }
}

async fn addresses_compare_and_hash_by_value(context: Context) {
    let path = |path: &str| Address::from(UnixAddress::from(path));
    let all = || {
        [
            SocketAddr::new(context.loopback.ip(), 1).into(),
            SocketAddr::new(context.loopback.ip(), 2).into(),
            SocketAddr::from(SocketAddrV6::new("fe80::1".parse().unwrap(), 1, 0, 1)).into(),
            SocketAddr::from(SocketAddrV6::new("fe80::1".parse().unwrap(), 1, 0, 2)).into(),
            path("/tmp/a"),
            path("/tmp/b"),
            UnixAddress::Unnamed.into(),
            UnixAddress::from_abstract_name("/tmp/a").into(),
        ] as [Address; 8]
    };
    for (n, one) in all().iter().enumerate() {
        for (m, other) in all().iter().enumerate() {
            assert_eq!(one == other, n == m, "{one} and {other}");
        }
    }
    let set: HashSet<_> = all().into_iter().chain(all()).collect();
    assert_eq!(set.len(), all().len());
}
