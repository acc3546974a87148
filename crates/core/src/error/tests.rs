//! What the errors print.

use std::error::Error as _;
use std::net::SocketAddr;

use super::*;

fn attempt(last: u8, kind: io::ErrorKind, took: u64) -> FailedAttempt {
    let address = SocketAddr::from(([192, 0, 2, last], 80));
    FailedAttempt::new(address, kind).after(Duration::from_millis(took))
}

#[test]
fn a_failed_connect_names_its_target_and_every_address_once() {
    let fails = |target: Option<&str>, attempts: &[FailedAttempt]| {
        let error = ConnectError::Failed {
            target: target.map(str::to_owned),
            attempts: attempts.to_vec(),
        };
        format!("{error:#}")
    };
    let (refused, lost) = (
        attempt(1, io::ErrorKind::ConnectionRefused, 5),
        attempt(2, io::ErrorKind::HostUnreachable, 0),
    );
    assert_eq!(
        fails(None, std::slice::from_ref(&refused)),
        "cannot connect to 192.0.2.1:80: connection refused"
    );
    assert_eq!(
        fails(Some("example.org:80"), std::slice::from_ref(&refused)),
        "cannot connect to example.org:80 at 192.0.2.1:80: connection refused"
    );
    assert_eq!(
        fails(Some("example.org:80"), &[refused, lost]),
        "cannot connect to example.org:80 at any of 2 addresses: 192.0.2.1:80: connection refused after 5ms, \
         192.0.2.2:80: host unreachable"
    );
}

#[test]
fn a_failed_bind_names_its_target_too() {
    let error = BindError::Failed {
        target: Some("example.org:80".into()),
        attempts: vec![attempt(1, io::ErrorKind::AddrInUse, 0)],
    };
    assert_eq!(
        format!("{error:#}"),
        "cannot bind example.org:80 at 192.0.2.1:80: address in use"
    );
}

#[test]
fn a_deadline_names_the_target_and_says_nothing_twice() {
    let late = |attempts: Vec<FailedAttempt>| ConnectError::TimedOut {
        target: "example.org:80".into(),
        limit: Duration::from_secs(10),
        attempts,
    };
    let looking_up = late(Vec::new());
    for text in [format!("{looking_up}"), format!("{looking_up:#}")] {
        assert_eq!(
            text,
            "not connected to example.org:80 within 10s: its name was still being looked up"
        );
    }
    let took = Duration::from_millis(9750);
    let timed_out = io::Error::from(TimedOut::new(TimeLimit::Deadline, took));
    let address = SocketAddr::from(([192, 0, 2, 2], 80));
    let attempts = vec![
        attempt(1, io::ErrorKind::ConnectionRefused, 250),
        FailedAttempt::new(address, timed_out).after(took),
    ];
    assert_eq!(
        format!("{:#}", late(attempts)),
        "not connected to example.org:80 within 10s: 192.0.2.1:80: connection refused after 250ms, \
         192.0.2.2:80: not done within 9.75s"
    );
}

#[test]
fn a_failed_look_up_names_the_name_once() {
    let failed = || ResolveError::Failed {
        host: "example.org".into(),
        cause: io::Error::other("no answer").into(),
    };
    let errors: [Error; 2] = [
        ConnectError::Resolve(failed()).into(),
        BindError::Resolve(failed()).into(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "cannot look up \"example.org\"");
        assert_eq!(format!("{error:#}"), "cannot look up \"example.org\": no answer");
        assert_eq!(error.source().unwrap().to_string(), "no answer");
    }
}

#[test]
fn debugging_tells_which_error_it_is_and_why_in_a_line_or_all_of_it_in_many() {
    let address = SocketAddr::from(([192, 0, 2, 1], 80));
    let error = Error::from(ConnectError::failed(address, io::ErrorKind::ConnectionRefused));
    assert_eq!(
        format!("{error:?}"),
        "Connect(cannot connect to 192.0.2.1:80: connection refused)"
    );
    let all = format!("{error:#?}");
    assert!(
        all.contains("FailedAttempt {") && all.contains("took: 0ns"),
        "{all}"
    );
}
