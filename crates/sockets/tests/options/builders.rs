//! Options given to `connect` and `bind`, and those of live sockets.

use std::error::Error;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream as StdStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anynet_core::{BindError, Cause, ConnectError, ReceiveError};
use anynet_smol::Smol;
use anynet_sockets::options::*;
use anynet_util::timeout;
use socket2::Socket;

use crate::secs;

type TcpStream = anynet_sockets::TcpStream<Smol>;
type TcpListener = anynet_sockets::TcpListener<Smol>;

const HERE: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 0);

fn run<F: Future>(future: F) -> F::Output {
    anynet_smol::run(future).unwrap()
}

async fn listener() -> TcpListener {
    TcpListener::bind(HERE).await.unwrap()
}

/// An option that TCP sockets lack, though Linux would take it.
const LACKING: Broadcast = Broadcast(true);

#[track_caller]
fn is_lacking(cause: &Cause) {
    assert_eq!(cause.kind(), ErrorKind::Unsupported);
    let inside = cause
        .get_ref()
        .and_then(|error| error.downcast_ref::<OptionError>());
    assert_eq!(inside.unwrap().name(), "Broadcast");
}

/// A hook that notes which socket it saw, by a number that no other has while it is open.
fn note_inode(noted: &Arc<Mutex<Option<u64>>>) -> impl Fn(&Socket) -> io::Result<()> + use<> {
    let noted = noted.clone();
    move |socket| {
        *noted.lock().unwrap() = Some(rustix::fs::fstat(socket)?.st_ino);
        Ok(())
    }
}

fn is_open(inode: u64) -> bool {
    let link = format!("socket:[{inode}]");
    fs::read_dir("/proc/self/fd").unwrap().any(|entry| {
        let target = fs::read_link(entry.unwrap().path());
        target.is_ok_and(|target| target.as_os_str() == link.as_str())
    })
}

#[test]
fn a_required_option_that_fails_fails_the_connect_and_closes_the_socket() {
    run(async {
        let listener = listener().await;
        let noted = Arc::default();
        let connect = TcpStream::connect(listener.local_address()).with_socket(note_inode(&noted));
        let error = connect.clone().option(LACKING).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let ConnectError::Failed { attempts, .. } = &error else {
            panic!("{error:?}");
        };
        is_lacking(&attempts[0].cause);
        assert!(error.source().unwrap().to_string().contains("Broadcast"));
        assert!(!is_open(noted.lock().unwrap().unwrap()));

        let stream = connect.await.unwrap(); // and without it all is well
        assert!(is_open(noted.lock().unwrap().unwrap()));
        drop(stream);
    });
}

#[test]
fn a_required_option_that_fails_fails_the_bind_and_closes_the_socket() {
    run(async {
        let noted = Arc::default();
        let bind = TcpListener::bind(HERE).with_socket(note_inode(&noted));
        let error = bind.clone().option(LACKING).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let BindError::Failed { attempts, .. } = &error else {
            panic!("{error:?}");
        };
        is_lacking(&attempts[0].cause);
        assert!(!is_open(noted.lock().unwrap().unwrap()));

        let listener = bind.await.unwrap();
        assert!(is_open(noted.lock().unwrap().unwrap()));
        drop(listener);
    });
}

#[test]
fn a_best_effort_option_that_fails_is_left_out_and_the_next_is_set() {
    run(async {
        let bind = TcpListener::bind(HERE).best_effort(LACKING).best_effort(Ttl(7));
        let listener = bind.await.unwrap();
        assert_eq!(listener.option::<Ttl>().unwrap(), Ttl(7));
        let connect = TcpStream::connect(listener.local_address())
            .best_effort(LACKING)
            .best_effort(Ttl(9));
        assert_eq!(connect.await.unwrap().option::<Ttl>().unwrap(), Ttl(9));
    });
}

#[test]
fn options_and_hooks_take_effect_in_the_order_given_up_to_the_first_failure() {
    run(async {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let see = || {
            let seen = seen.clone();
            move |socket: &Socket| {
                seen.lock().unwrap().push(socket.ttl_v4()?);
                Ok(())
            }
        };
        let list = SocketOptions::new().with(see()).required(Ttl(5)).with(see());
        let bind = TcpListener::bind(HERE)
            .option(Ttl(3))
            .options(list)
            .best_effort(Ttl(7))
            .with_socket(see());
        bind.clone().await.unwrap();
        assert_eq!(*seen.lock().unwrap(), [3, 5, 7]);

        seen.lock().unwrap().clear();
        bind.option(LACKING).with_socket(see()).await.unwrap_err();
        assert_eq!(*seen.lock().unwrap(), [3, 5, 7]);
    });
}

#[test]
fn a_hook_sees_the_socket_before_it_is_bound_listening_or_connected() {
    let untouched = |socket: &Socket| {
        let local = socket.local_addr()?.as_socket().unwrap();
        assert_eq!(local.port(), 0);
        assert!(!socket.is_listener()? && socket.peer_addr().is_err());
        assert!(socket.nonblocking()?);
        Ok(())
    };
    run(async {
        let listener = TcpListener::bind(HERE).with_socket(untouched).await.unwrap();
        TcpStream::connect(listener.local_address())
            .local_address(HERE.into())
            .with_socket(untouched)
            .await
            .unwrap();
    });
}

#[test]
fn a_hook_that_fails_fails_the_attempt_with_its_own_error() {
    run(async {
        let fail = |_: &Socket| Err(io::Error::new(ErrorKind::QuotaExceeded, "not today"));
        let error = TcpListener::bind(HERE).with_socket(fail).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
        assert_eq!(error.source().unwrap().to_string(), "not today");
        let error = TcpStream::connect(HERE).with_socket(fail).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
    });
}

#[test]
fn options_win_over_the_defaults() {
    run(async {
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).await.unwrap();
        assert!(listener.option::<NoDelay>().unwrap().0);
        assert!(listener.option::<ReuseAddress>().unwrap().0);
        assert!(listener.option::<V6Only>().unwrap().0);

        let bind = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).option(NoDelay(false));
        let listener = bind
            .option(ReuseAddress(false))
            .option(V6Only(false))
            .await
            .unwrap();
        assert!(!listener.option::<NoDelay>().unwrap().0);
        assert!(!listener.option::<ReuseAddress>().unwrap().0);
        assert!(!listener.option::<V6Only>().unwrap().0);

        let by_v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, listener.local_address().port()));
        let stream = TcpStream::connect(by_v4).await.unwrap();
        assert!(stream.nodelay().unwrap());
        assert!(!listener.accept().await.unwrap().nodelay().unwrap());
        let stream = TcpStream::connect(by_v4).option(NoDelay(false)).await.unwrap();
        assert!(!stream.nodelay().unwrap());
    });
}

#[test]
fn two_listeners_that_reuse_the_port_share_an_address() {
    run(async {
        let first = TcpListener::bind(HERE).option(ReusePort(true)).await.unwrap();
        let again = TcpListener::bind(first.local_address());
        assert_eq!(again.clone().await.unwrap_err().kind(), ErrorKind::AddrInUse);
        again.option(ReusePort(true)).await.unwrap();
    });
}

#[test]
fn a_connection_that_lingers_zero_is_reset_by_dropping_it() {
    run(async {
        let listener = listener().await;
        let connect = TcpStream::connect(listener.local_address());
        let stream = connect.option(LingerZero(true)).await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        drop(stream);
        let error = peer.receive(&mut [0; 8]).await.unwrap_err();
        assert!(matches!(&error, ReceiveError::Broken(cause) if cause.kind() == ErrorKind::ConnectionReset));
    });
}

#[test]
fn a_listener_that_defers_accepts_when_there_is_data() {
    run(async {
        let bind = TcpListener::bind(HERE).option(DeferAccept(secs(60)));
        let listener = bind.await.unwrap();
        let mut stream = TcpStream::connect(listener.local_address()).await.unwrap();
        let soon = timeout(&Smol::default(), Duration::from_millis(50), listener.accept());
        assert!(soon.await.is_err());
        stream.send(b"x").await.unwrap();
        listener.accept().await.unwrap();
    });
}

#[test]
fn a_fast_open_connection_works_whether_or_not_the_system_plays_along() {
    run(async {
        let bind = TcpListener::bind(HERE).option(FastOpen(16));
        let listener = bind.await.unwrap();
        for _ in 0..2 {
            let connect = TcpStream::connect(listener.local_address());
            let mut stream = connect.best_effort(FastOpenConnect(true)).await.unwrap();
            stream.send(b"ping").await.unwrap();
            let mut peer = listener.accept().await.unwrap();
            let mut buf = [0; 4];
            peer.receive_exactly(&mut buf).await.unwrap();
            peer.send(&buf).await.unwrap();
            stream.receive_exactly(&mut buf).await.unwrap();
            assert_eq!(&buf, b"ping");
        }
    });
}

#[test]
fn the_backlog_bounds_the_connections_that_wait() {
    run(async {
        let few = TcpListener::bind(HERE).backlog(1).await.unwrap();
        let many = listener().await;
        let connect = |listener: &TcpListener| {
            let connect =
                |_| StdStream::connect_timeout(&listener.local_address(), Duration::from_millis(300));
            (0..4).map(connect).collect::<Result<Vec<_>, _>>()
        };
        assert_eq!(connect(&few).unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(connect(&many).unwrap().len(), 4);
    });
}

#[test]
fn every_handle_of_a_connection_reads_and_sets_options() {
    run(async {
        let listener = listener().await;
        let stream = TcpStream::connect(listener.local_address()).await.unwrap();
        stream.set_option(&Ttl(3)).unwrap();
        listener.set_option(&Ttl(4)).unwrap();
        assert_eq!(stream.option::<Ttl>().unwrap(), Ttl(3));
        assert_eq!(listener.option::<Ttl>().unwrap(), Ttl(4));
        let (receive, send) = stream.into_split();
        receive.set_option(&Ttl(5)).unwrap();
        assert_eq!(send.option::<Ttl>().unwrap(), Ttl(5));
        send.set_option(&Ttl(6)).unwrap();
        assert_eq!(receive.option::<Ttl>().unwrap(), Ttl(6));
        assert_eq!(
            send.set_option(&LACKING).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
    });
}

#[test]
fn the_options_of_a_closed_handle_are_a_bad_descriptor() {
    #[track_caller]
    fn is_bad<T: std::fmt::Debug>(result: io::Result<T>) {
        let inside = result.unwrap_err().downcast::<OptionError>().unwrap();
        assert_eq!(inside.cause().raw_os_error(), Some(libc::EBADF));
    }
    run(async {
        let mut listener = listener().await;
        let mut stream = TcpStream::connect(listener.local_address()).await.unwrap();
        listener.close();
        stream.close().await.unwrap();
        is_bad(stream.option::<Ttl>());
        is_bad(stream.set_option(&Ttl(3)));
        is_bad(stream.nodelay());
        is_bad(stream.set_nodelay(true));
        is_bad(listener.option::<Ttl>());
        assert!(get::<Ttl>(stream.as_fd()).is_err());
    });
}
