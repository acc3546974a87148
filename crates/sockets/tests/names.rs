//! Names and numbers of interfaces, protocols, services and the host, against what the system says elsewhere.

use std::error::Error as StdError;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::thread;

use anynet_sockets::{
    NameError, NameQuery, host_name, interface_index, interface_name, interfaces, protocol_number,
    service_port,
};

/// What was asked, and that the answer was "unknown".
#[track_caller]
fn unknown<T: std::fmt::Debug>(result: Result<T, NameError>) -> NameQuery {
    let error = result.unwrap_err();
    assert!(matches!(error, NameError::Unknown { .. }), "{error:?}");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(error.source().is_none());
    error.query().clone()
}

/// What was asked, and what was wrong with it.
#[track_caller]
fn malformed<T: std::fmt::Debug>(result: Result<T, NameError>) -> (NameQuery, &'static str) {
    match result.unwrap_err() {
        NameError::Malformed { query, reason } => (query, reason),
        other => panic!("{other:?}"),
    }
}

/// Whether a database has this entry. Small installations have no databases.
fn listed(path: &str, entry: [&str; 2]) -> bool {
    let file = fs::read(path).unwrap_or_default();
    let file = String::from_utf8_lossy(&file);
    file.lines().any(|line| line.split_whitespace().take(2).eq(entry))
}

/// Whether a test can look for `entry`; if not, the system must not know it either.
fn has_protocol(name: &str, number: i32) -> bool {
    listed("/etc/protocols", [name, &number.to_string()])
}

fn has_service(name: &str, protocol: &str, port: u16) -> bool {
    listed("/etc/services", [name, &format!("{port}/{protocol}")])
}

#[test]
fn the_interfaces_are_those_of_the_kernel() {
    let interfaces = interfaces().unwrap();
    for interface in &interfaces {
        assert_ne!(interface.index, 0);
        assert_eq!(interface_index(&interface.name).unwrap(), interface.index);
        assert_eq!(interface_name(interface.index).unwrap(), interface.name);
    }
    #[cfg(target_os = "linux")]
    {
        // Two lines of heading, then `name: numbers`.
        let table = fs::read_to_string("/proc/net/dev").unwrap();
        let lines = table.lines().skip(2);
        let mut expected: Vec<OsString> = lines
            .filter_map(|line| Some(line.rsplit_once(':')?.0.trim().into()))
            .collect();
        let mut names: Vec<OsString> = interfaces.into_iter().map(|interface| interface.name).collect();
        expected.sort();
        names.sort();
        assert_eq!(names, expected);
        assert!(names.contains(&"lo".into()));
    }
}

#[test]
fn an_interface_that_is_not_there_is_unknown() {
    // The longest name there is, and bytes that are no text.
    for name in ["no-such-if", "x", "abcdefghijklmno"] {
        let asked = NameQuery::InterfaceName(name.into());
        assert_eq!(unknown(interface_index(name)), asked);
    }
    let bytes = OsStr::from_bytes(b"\xff\xfe");
    assert_eq!(
        unknown(interface_index(bytes)),
        NameQuery::InterfaceName(bytes.into())
    );
    for index in [0, 0x7fff_fffe, 0x8000_0000, u32::MAX] {
        assert_eq!(unknown(interface_name(index)), NameQuery::InterfaceIndex(index));
    }
}

#[test]
fn a_name_that_no_interface_can_have_is_malformed() {
    for (name, wrong) in [
        ("", "empty"),
        ("\0", "NUL"),
        ("lo\0", "NUL"),
        ("lo\0x", "NUL"),
        ("abcdefghijklmnop", "longer"),
        (&"x".repeat(100_000), "longer"),
    ] {
        let (query, reason) = malformed(interface_index(name));
        assert_eq!(query, NameQuery::InterfaceName(name.into()));
        assert!(reason.contains(wrong), "{name:?}: {reason}");
    }
}

#[test]
fn the_host_has_the_name_that_was_set() {
    #[cfg(target_os = "linux")]
    {
        let set = fs::read("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(host_name().as_bytes(), set.strip_suffix(b"\n").unwrap());
    }
    let answer = Command::new("uname").arg("-n").output().unwrap();
    assert_eq!(Some(host_name().as_bytes()), answer.stdout.strip_suffix(b"\n"));
}

#[test]
fn protocols_have_their_numbers() {
    for (name, number) in [
        ("icmp", 1),
        ("tcp", 6),
        ("udp", 17),
        ("ipv6-icmp", 58),
        ("sctp", 132),
    ] {
        if has_protocol(name, number) {
            assert_eq!(protocol_number(name).unwrap(), number, "{name}");
        } else {
            unknown(protocol_number(name));
        }
    }
    // An alias.
    if has_protocol("tcp", 6) {
        assert_eq!(protocol_number("TCP").unwrap(), 6);
    }
}

#[test]
fn services_have_their_ports_per_protocol() {
    for (name, protocol, port) in [
        ("ftp", "tcp", 21),
        ("http", "tcp", 80),
        ("https", "tcp", 443),
        ("domain", "tcp", 53),
        ("domain", "udp", 53),
        // The two bytes of these differ.
        ("nfs", "tcp", 2049),
        ("x11-1", "tcp", 6001),
    ] {
        if has_service(name, protocol, port) {
            assert_eq!(service_port(name, protocol).unwrap(), port, "{name}");
        } else {
            unknown(service_port(name, protocol));
        }
    }
    let over_none = unknown(service_port("ftp", "no-such-protocol"));
    let asked = NameQuery::Service {
        name: "ftp".into(),
        protocol: "no-such-protocol".into(),
    };
    assert_eq!(over_none, asked);
}

#[test]
fn what_the_databases_do_not_have_is_unknown() {
    let long = "x".repeat(1 << 20);
    for name in [
        "no-such-name",
        "TcP",
        "6",
        " tcp",
        "tcp ",
        "tcp\n",
        "#",
        "\u{20ac}",
        &long,
    ] {
        assert_eq!(unknown(protocol_number(name)), NameQuery::Protocol(name.into()));
    }
    for name in ["no-such-name", "HtTp", "80", "http ", "#", "\u{20ac}", &long] {
        unknown(service_port(name, "tcp"));
        unknown(service_port("http", name));
    }
}

#[test]
fn a_name_that_no_database_can_have_is_malformed() {
    for (name, wrong) in [
        ("", "name is empty"),
        ("tcp\0", "name contains NUL"),
        ("\0", "name contains NUL"),
    ] {
        let (query, reason) = malformed(protocol_number(name));
        assert_eq!(query, NameQuery::Protocol(name.into()));
        assert!(reason.contains(wrong), "{name:?}: {reason}");
        let (_, reason) = malformed(service_port(name, "tcp"));
        assert!(reason.contains(wrong), "{name:?}: {reason}");
    }
    for (protocol, wrong) in [("", "protocol is empty"), ("tcp\0", "protocol contains NUL")] {
        let (query, reason) = malformed(service_port("http", protocol));
        let asked = NameQuery::Service {
            name: "http".into(),
            protocol: protocol.into(),
        };
        assert_eq!(query, asked);
        assert!(reason.contains(wrong), "{protocol:?}: {reason}");
    }
}

#[test]
fn an_error_names_what_was_asked_and_stays_itself_inside_others() {
    let text = |result: Result<u32, NameError>| result.unwrap_err().to_string();
    assert_eq!(
        text(interface_index("no-such-if")),
        r#"there is no interface "no-such-if""#
    );
    assert_eq!(
        text(interface_index("lo\0")),
        r#"malformed interface "lo\0": the name contains NUL"#
    );
    let error = service_port("no-such-name", "tcp").unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"there is no service "no-such-name" over "tcp""#
    );
    let wrapped = io::Error::from(error.clone());
    assert_eq!(wrapped.kind(), io::ErrorKind::NotFound);
    let kept = wrapped
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<NameError>());
    assert_eq!(kept.map(NameError::query), Some(error.query()));
    let gathered = anynet_core::Error::from(protocol_number("").unwrap_err());
    assert_eq!(io::Error::from(gathered).kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn many_threads_may_ask_at_once() {
    let protocols: Vec<_> = [("tcp", 6), ("udp", 17), ("icmp", 1)]
        .into_iter()
        .filter(|(name, number)| has_protocol(name, *number))
        .collect();
    let services: Vec<_> = [("ftp", "tcp", 21), ("https", "tcp", 443), ("domain", "udp", 53)]
        .into_iter()
        .filter(|(name, protocol, port)| has_service(name, protocol, *port))
        .collect();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    for (name, number) in &protocols {
                        assert_eq!(protocol_number(name).unwrap(), *number);
                    }
                    for (name, protocol, port) in &services {
                        assert_eq!(service_port(name, protocol).unwrap(), *port);
                    }
                    assert!(!interfaces().unwrap().is_empty());
                }
            });
        }
    });
}
