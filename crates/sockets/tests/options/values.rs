//! What becomes of the values: rounded as documented, or refused, but never exchanged for others.

use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use anynet_sockets::options::*;
use socket2::{Domain, Socket, Type};

use crate::{fresh, secs};

fn tcp_v4() -> Socket {
    fresh(Domain::IPV4, Type::STREAM)
}

#[track_caller]
fn reads_back<T: SocketOption + PartialEq>(set_to: T, expected: T) {
    let socket = tcp_v4();
    set(&socket, &set_to).unwrap();
    assert_eq!(get::<T>(&socket).unwrap(), expected);
}

#[test]
fn times_are_rounded_up_to_the_systems_unit() {
    let more_than_a_second = Duration::from_millis(1001);
    reads_back(KeepAliveTime(more_than_a_second), KeepAliveTime(secs(2)));
    reads_back(KeepAliveInterval(more_than_a_second), KeepAliveInterval(secs(2)));
    reads_back(
        UserTimeout(Duration::from_micros(1001)),
        UserTimeout(Duration::from_millis(2)),
    );
    // To the second, and from there to the retransmission.
    reads_back(DeferAccept(Duration::from_millis(500)), DeferAccept(secs(1)));
    reads_back(DeferAccept(Duration::from_millis(3001)), DeferAccept(secs(7)));
}

/// Each is one that the system would cut down to another value, or take for another meaning.
#[test]
fn a_value_that_cannot_be_expressed_is_refused_and_nothing_is_changed() {
    #[track_caller]
    fn refused<T: SocketOption + PartialEq>(socket: &Socket, value: T) {
        let before = get::<T>(socket).unwrap();
        assert_eq!(
            set(socket, &value).unwrap_err().kind(),
            ErrorKind::InvalidInput,
            "{value:?}"
        );
        assert_eq!(get::<T>(socket).unwrap(), before, "{value:?}");
    }

    let tcp = tcp_v4();
    for socket in [
        tcp_v4(),
        fresh(Domain::IPV6, Type::STREAM),
        fresh(Domain::IPV6, Type::DGRAM),
    ] {
        for ttl in [0, 256, u32::MAX] {
            refused(&socket, Ttl(ttl));
        }
        refused(&socket, Tos(0x100));
        refused(&socket, ReceiveBufferSize(1 << 31));
        refused(&socket, SendBufferSize(1 << 32));
        refused(&socket, Device("a-name-of-16-b-x".into()));
        refused(&socket, Device("lo\0x".into()));
    }
    refused(&tcp, Tos(0x29)); // TCP's own bits
    refused(&tcp, KeepAliveTime(Duration::ZERO));
    refused(&tcp, KeepAliveTime(secs(1 << 32)));
    refused(&tcp, KeepAliveInterval(Duration::ZERO));
    refused(&tcp, KeepAliveRetries(0));
    refused(&tcp, KeepAliveRetries(128));
    refused(&tcp, UserTimeout(Duration::MAX));
    refused(&tcp, UserTimeout(Duration::from_millis(1 << 31)));
    refused(&tcp, DeferAccept(Duration::MAX));
    refused(&tcp, FastOpen(u32::MAX));
    refused(&tcp, Congestion(String::new()));
    refused(&tcp, Congestion("reno\0x".into()));
    refused(&tcp, Congestion("a-name-of-16-b-x".into()));
}

#[test]
fn a_name_that_the_system_does_not_know_is_its_error() {
    let no_such = set(tcp_v4(), &Congestion("nonesuch".into())).unwrap_err();
    assert_eq!(no_such.kind(), ErrorKind::NotFound);
    let no_such = set(tcp_v4(), &Device("nonesuch0".into())).unwrap_err();
    let cause = no_such.downcast::<OptionError>().unwrap();
    assert_eq!(cause.cause().raw_os_error(), Some(libc::ENODEV));
}

#[test]
fn a_linger_time_of_another_origin_is_no_zero_and_is_taken_back() {
    let socket = tcp_v4();
    socket.set_linger(Some(secs(5))).unwrap();
    assert_eq!(get::<LingerZero>(&socket).unwrap(), LingerZero(false));
    set(&socket, &LingerZero(false)).unwrap();
    assert_eq!(socket.linger().unwrap(), None);
}

/// An option of a program's own: the system refuses it for a reason of its choice.
#[derive(Clone)]
struct Refused(i32);

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refused")
    }
}

impl SocketOption for Refused {
    const NAME: &'static str = "Refused";

    fn get(_socket: &Socket) -> io::Result<Self> {
        Err(io::Error::from_raw_os_error(libc::ENOPROTOOPT))
    }

    fn set(&self, _socket: &Socket) -> io::Result<()> {
        Err(io::Error::from_raw_os_error(self.0))
    }
}

#[test]
fn an_error_names_the_option_and_keeps_its_cause() {
    for (errno, kind) in [
        (libc::ENOPROTOOPT, ErrorKind::Unsupported),
        (libc::EOPNOTSUPP, ErrorKind::Unsupported),
        (libc::EPERM, ErrorKind::PermissionDenied),
        (libc::EACCES, ErrorKind::PermissionDenied),
        (libc::EINVAL, ErrorKind::InvalidInput),
    ] {
        let error = set(tcp_v4(), &Refused(errno)).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.to_string(), "cannot set the socket option Refused");
        let inside = error.downcast::<OptionError>().unwrap();
        assert_eq!(
            (inside.name(), inside.cause().raw_os_error()),
            ("Refused", Some(errno))
        );
    }
    let error = get::<Refused>(tcp_v4()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.to_string(), "cannot read the socket option Refused");
}

#[test]
fn a_list_prints_what_it_sets() {
    let list = SocketOptions::new()
        .required(NoDelay(true))
        .best_effort(Ttl(3))
        .with(|_| Ok(()))
        .and(SocketOptions::default().required(KeepAlive(true)));
    let text = "[Required(NoDelay(true)), BestEffort(Ttl(3)), Hook, Required(KeepAlive(true))]";
    assert_eq!(format!("{list:?}"), text);
    assert_eq!(format!("{:?}", list.clone()), text);
}
