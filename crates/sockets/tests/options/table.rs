//! Every socket option on every kind of live socket: set and read back, or refused as the table says.

use std::any::Any;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use anynet_smol::Smol;
use anynet_sockets::options::*;
use anynet_sockets::{TcpListener, TcpStream};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::{fresh, secs};

/// A kind of socket, and how far it has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    FreshV4,
    FreshV6,
    ConnectedV4,
    ConnectedV6,
    ListeningV4,
    ListeningV6,
    UdpV4,
    UdpV6,
    UnixStream,
    UnixListener,
    UnixDatagram,
}

use Kind::*;

const KINDS: [Kind; 11] = [
    FreshV4,
    FreshV6,
    ConnectedV4,
    ConnectedV6,
    ListeningV4,
    ListeningV6,
    UdpV4,
    UdpV6,
    UnixStream,
    UnixListener,
    UnixDatagram,
];

/// A socket, with what keeps it as it is.
struct Live {
    socket: Box<dyn AsFd>,
    _others: Vec<Box<dyn Any>>,
}

impl Live {
    fn alone(socket: impl AsFd + 'static) -> Self {
        Self {
            socket: Box::new(socket),
            _others: Vec::new(),
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        (*self.socket).as_fd()
    }
}

impl Kind {
    fn open(self) -> Live {
        match self {
            FreshV4 => Live::alone(fresh(Domain::IPV4, Type::STREAM)),
            FreshV6 => Live::alone(fresh(Domain::IPV6, Type::STREAM)),
            ConnectedV4 => connected(Ipv4Addr::LOCALHOST.into()),
            ConnectedV6 => connected(Ipv6Addr::LOCALHOST.into()),
            ListeningV4 => Live::alone(listening(Ipv4Addr::LOCALHOST.into())),
            ListeningV6 => Live::alone(listening(Ipv6Addr::LOCALHOST.into())),
            UdpV4 => Live::alone(bound(Domain::IPV4, Ipv4Addr::LOCALHOST.into())),
            UdpV6 => Live::alone(bound(Domain::IPV6, Ipv6Addr::LOCALHOST.into())),
            UnixStream => pair(Type::STREAM),
            UnixListener => Live::alone(unix_listener()),
            UnixDatagram => pair(Type::DGRAM),
        }
    }

    fn is_unix(self) -> bool {
        [UnixStream, UnixListener, UnixDatagram].contains(&self)
    }

    fn is_udp(self) -> bool {
        [UdpV4, UdpV6].contains(&self)
    }

    fn is_tcp(self) -> bool {
        !self.is_udp() && !self.is_unix()
    }
}

fn bound(domain: Domain, ip: IpAddr) -> Socket {
    let socket = fresh(domain, Type::DGRAM);
    socket.bind(&SocketAddr::new(ip, 0).into()).unwrap();
    socket
}

fn pair(kind: Type) -> Live {
    let (socket, other) = Socket::pair(Domain::UNIX, kind, None).unwrap();
    Live {
        socket: Box::new(socket),
        _others: vec![Box::new(other)],
    }
}

fn unix_listener() -> Socket {
    let socket = fresh(Domain::UNIX, Type::STREAM);
    // Bound to a name that the system chooses.
    socket.bind(&SockAddr::unix("").unwrap()).unwrap();
    socket.listen(1).unwrap();
    socket
}

fn listening(ip: IpAddr) -> TcpListener<Smol> {
    anynet_smol::run(async { TcpListener::bind((ip, 0)).await.unwrap() }).unwrap()
}

fn connected(ip: IpAddr) -> Live {
    let listener = listening(ip);
    let stream: TcpStream<Smol> =
        anynet_smol::run(async { TcpStream::connect(listener.local_address()).await.unwrap() }).unwrap();
    Live {
        socket: Box::new(stream),
        _others: vec![Box::new(listener)],
    }
}

/// What becomes of an option on a socket.
enum Expected {
    /// It is set and read back.
    Works,
    /// It does not exist there: `Unsupported`, to set and to read.
    Lacks,
    /// It exists, but cannot be set now, or by us; it stays as it was.
    Fails(ErrorKind),
}

use Expected::*;

/// Sets each of `values` on every kind of socket; what is read back is what `stored` makes of it.
#[track_caller]
fn row_with<T: SocketOption + PartialEq>(
    values: [T; 2],
    stored: fn(&T) -> T,
    expected: impl Fn(Kind) -> Expected,
) {
    for kind in KINDS {
        let live = kind.open();
        for value in &values {
            let what = format!("{value:?} on {kind:?}");
            let before = get::<T>(live.fd());
            let result = set(live.fd(), value);
            match expected(kind) {
                Works => {
                    result.expect(&what);
                    assert_eq!(get::<T>(live.fd()).expect(&what), stored(value), "{what}");
                }
                Lacks => {
                    is_refused::<T>(&before.expect_err(&what), ErrorKind::Unsupported, &what);
                    is_refused::<T>(&result.expect_err(&what), ErrorKind::Unsupported, &what);
                }
                Fails(reason) => {
                    is_refused::<T>(&result.expect_err(&what), reason, &what);
                    assert_eq!(get::<T>(live.fd()).expect(&what), before.expect(&what), "{what}");
                }
            }
        }
    }
}

#[track_caller]
fn row<T: SocketOption + PartialEq>(values: [T; 2], expected: impl Fn(Kind) -> Expected) {
    row_with(values, T::clone, expected);
}

#[track_caller]
fn is_refused<T: SocketOption>(error: &io::Error, kind: ErrorKind, what: &str) {
    assert_eq!(error.kind(), kind, "{what}");
    let inside = error
        .get_ref()
        .and_then(|error| error.downcast_ref::<OptionError>());
    assert_eq!(inside.expect(what).name(), T::NAME, "{what}");
    assert!(error.to_string().ends_with(T::NAME), "{what}: {error}");
    let inside: Option<&(dyn std::error::Error + 'static)> = inside.map(|error| error as _);
    assert!(inside.and_then(|error| error.source()).is_some(), "{what}");
}

fn everywhere(_: Kind) -> Expected {
    Works
}

fn tcp(kind: Kind) -> Expected {
    if kind.is_tcp() { Works } else { Lacks }
}

fn udp(kind: Kind) -> Expected {
    if kind.is_udp() { Works } else { Lacks }
}

fn ip(kind: Kind) -> Expected {
    if kind.is_unix() { Lacks } else { Works }
}

fn ip_if_privileged(kind: Kind) -> Expected {
    match ip(kind) {
        Works if !rustix::process::geteuid().is_root() => Fails(ErrorKind::PermissionDenied),
        expected => expected,
    }
}

fn before_bind_v6(kind: Kind) -> Expected {
    match kind {
        FreshV6 => Works,
        ConnectedV6 | ListeningV6 | UdpV6 => Fails(ErrorKind::InvalidInput),
        _ => Lacks,
    }
}

fn unless_connected(kind: Kind) -> Expected {
    match kind {
        ConnectedV4 | ConnectedV6 => Fails(ErrorKind::InvalidInput),
        _ => tcp(kind),
    }
}

fn before_connect(kind: Kind) -> Expected {
    const BY_CLIENTS: u32 = 1;
    match tcp(kind) {
        Works if kernel_number("net/ipv4/tcp_fastopen") & BY_CLIENTS == 0 => Fails(ErrorKind::Unsupported),
        Works if ![FreshV4, FreshV6].contains(&kind) => Fails(ErrorKind::InvalidInput),
        expected => expected,
    }
}

fn kernel_text(name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/sys/{name}")).unwrap();
    text.trim().to_owned()
}

fn kernel_number(name: &str) -> u32 {
    kernel_text(name).parse().unwrap()
}

#[test]
fn every_option_is_set_and_read_back_or_refused_as_the_table_says() {
    row([ReuseAddress(true), ReuseAddress(false)], ip);
    row([ReusePort(true), ReusePort(false)], ip);
    row([Broadcast(true), Broadcast(false)], udp);
    row([KeepAlive(true), KeepAlive(false)], tcp);
    row([LingerZero(true), LingerZero(false)], tcp);
    row([Device(String::new()), Device("lo".into())], ip); // only the privileged may change it once it is set
    row([Mark(7), Mark(9)], ip_if_privileged);
    row([Tos(0x28), Tos(0xb8)], ip);
    row([Ttl(1), Ttl(255)], ip);
    row([V6Only(true), V6Only(false)], before_bind_v6);
    row([NoDelay(true), NoDelay(false)], tcp);
    row([KeepAliveTime(secs(20)), KeepAliveTime(secs(40))], tcp);
    row([KeepAliveInterval(secs(5)), KeepAliveInterval(secs(6))], tcp);
    row([KeepAliveRetries(3), KeepAliveRetries(4)], tcp);
    let timeout = Duration::from_millis(1234);
    row([UserTimeout(timeout), UserTimeout(Duration::ZERO)], tcp);
    let usual = Congestion(kernel_text("net/ipv4/tcp_congestion_control"));
    row([Congestion("reno".into()), usual], tcp);
    row([NotSentLowWaterMark(4096), NotSentLowWaterMark(8192)], tcp);
    row([DeferAccept(secs(7)), DeferAccept(Duration::ZERO)], tcp);
    row([FastOpen(5), FastOpen(0)], unless_connected);
    row([FastOpenConnect(true), FastOpenConnect(false)], before_connect);
    row([MulticastTtl(0), MulticastTtl(255)], udp);
    row([MulticastLoop(false), MulticastLoop(true)], udp);
    row([MulticastAll(false), MulticastAll(true)], udp);
    let [v4, v6] = [UdpV4, UdpV6].map(|kind| move |found| if found == kind { Works } else { Lacks });
    let (loopback, any) = (Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED);
    row([MulticastInterfaceV4(loopback), MulticastInterfaceV4(any)], v4);
    let loopback = anynet_sockets::interface_index("lo").unwrap();
    row([MulticastInterfaceV6(loopback), MulticastInterfaceV6(0)], v6);
    // Linux doubles them.
    row_with(
        [ReceiveBufferSize(20_000), ReceiveBufferSize(30_000)],
        |size| ReceiveBufferSize(2 * size.0),
        ip,
    );
    row_with(
        [SendBufferSize(20_000), SendBufferSize(30_000)],
        |size| SendBufferSize(2 * size.0),
        everywhere,
    );
}

/// What this crate both wrote and read could be another option than it says: here `socket2` reads it.
#[test]
fn an_option_is_the_one_that_the_system_knows_by_its_name() {
    let tcp = fresh(Domain::IPV4, Type::STREAM);
    set(&tcp, &ReuseAddress(true)).unwrap();
    assert!(tcp.reuse_address().unwrap() && !tcp.reuse_port().unwrap());
    set(&tcp, &ReusePort(true)).unwrap();
    assert!(tcp.reuse_port().unwrap() && !tcp.keepalive().unwrap());
    set(&tcp, &KeepAlive(true)).unwrap();
    assert!(tcp.keepalive().unwrap() && !tcp.tcp_nodelay().unwrap());
    set(&tcp, &NoDelay(true)).unwrap();
    assert!(tcp.tcp_nodelay().unwrap());
    set(&tcp, &LingerZero(true)).unwrap();
    assert_eq!(tcp.linger().unwrap(), Some(Duration::ZERO));
    set(&tcp, &KeepAliveTime(secs(20))).unwrap();
    set(&tcp, &KeepAliveInterval(secs(5))).unwrap();
    set(&tcp, &KeepAliveRetries(3)).unwrap();
    assert_eq!(tcp.tcp_keepalive_time().unwrap(), secs(20));
    assert_eq!(tcp.tcp_keepalive_interval().unwrap(), secs(5));
    assert_eq!(tcp.tcp_keepalive_retries().unwrap(), 3);
    set(&tcp, &UserTimeout(secs(2))).unwrap();
    assert_eq!(tcp.tcp_user_timeout().unwrap(), Some(secs(2)));
    set(&tcp, &NotSentLowWaterMark(4096)).unwrap();
    assert_eq!(tcp.tcp_notsent_lowat().unwrap(), 4096);
    set(&tcp, &Congestion("reno".into())).unwrap();
    assert!(tcp.tcp_congestion().unwrap().starts_with(b"reno\0"));
    set(&tcp, &ReceiveBufferSize(20_000)).unwrap();
    set(&tcp, &SendBufferSize(30_000)).unwrap();
    assert_eq!(tcp.recv_buffer_size().unwrap(), 40_000);
    assert_eq!(tcp.send_buffer_size().unwrap(), 60_000);
    set(&tcp, &Device("lo".into())).unwrap();
    assert_eq!(tcp.device().unwrap().as_deref(), Some(&b"lo"[..]));
    set(&tcp, &Tos(0x28)).unwrap();
    set(&tcp, &Ttl(9)).unwrap();
    assert_eq!((tcp.tos_v4().unwrap(), tcp.ttl_v4().unwrap()), (0x28, 9));

    let udp = fresh(Domain::IPV6, Type::DGRAM);
    set(&udp, &Broadcast(true)).unwrap();
    assert!(udp.broadcast().unwrap());
    set(&udp, &V6Only(true)).unwrap();
    assert!(udp.only_v6().unwrap());
    set(&udp, &Tos(0x29)).unwrap();
    set(&udp, &Ttl(9)).unwrap();
    assert_eq!(
        (udp.tclass_v6().unwrap(), udp.unicast_hops_v6().unwrap()),
        (0x29, 9)
    );
    set(&udp, &MulticastTtl(3)).unwrap();
    set(&udp, &MulticastLoop(false)).unwrap();
    assert_eq!(udp.multicast_hops_v6().unwrap(), 3);
    assert!(!udp.multicast_loop_v6().unwrap());
    if rustix::process::geteuid().is_root() {
        set(&udp, &Mark(7)).unwrap();
        assert_eq!(udp.mark().unwrap(), 7);
    }
}
