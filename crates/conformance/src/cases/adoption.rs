//! Sockets that were made elsewhere, taken over; and given away.

pub(super) mod datagram;
pub(super) mod giving;

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream, UdpSocket as StdUdp};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use anynet_core::{AttributesExt, BoxRuntime, Family, ReceiveError};
use anynet_sockets::options::LingerZero;
use anynet_sockets::{AdoptError, AdoptFault, TcpListener, TcpStream};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::sockopt::{set_socket_linger, socket_linger};
use socket2::{Domain, Socket, Type};

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::Descriptor;

cases![
    a_connected_socket_becomes_a_stream_of_its_family,
    a_listening_socket_becomes_a_listener_of_its_family,
    adopting_keeps_the_descriptor_and_a_clone_has_another,
    an_adopted_socket_is_non_blocking_and_close_on_exec,
    a_linger_time_is_taken_back_and_no_close_blocks,
    what_is_no_socket_is_refused,
    a_datagram_socket_is_refused_and_both_kinds_are_named,
    a_socket_of_another_family_is_refused,
    a_listening_socket_is_no_stream,
    a_socket_that_is_not_connected_is_no_stream,
    a_socket_that_is_not_bound_is_no_listener,
    a_socket_that_is_bound_but_does_not_listen_is_no_listener,
    a_connected_socket_is_no_listener,
    what_is_refused_comes_back_as_it_was,
    without_a_current_runtime_the_descriptor_comes_back,
    a_runtime_that_is_gone_gives_the_descriptor_back,
    closing_an_adopted_listener_leaves_the_original_accepting,
];

/// A connected socket that is none of ours, and its peer.
fn connected(context: &Context) -> (StdStream, StdStream) {
    let listener = StdListener::bind(context.loopback).unwrap();
    let client = StdStream::connect(listener.local_addr().unwrap()).unwrap();
    (client, listener.accept().unwrap().0)
}

fn stream(context: &Context, fd: impl Into<OwnedFd>) -> Result<TcpStream<BoxRuntime>, AdoptError> {
    TcpStream::from_fd(context.runtime().clone(), fd.into())
}

fn listener(context: &Context, fd: impl Into<OwnedFd>) -> Result<TcpListener<BoxRuntime>, AdoptError> {
    TcpListener::from_fd(context.runtime().clone(), fd.into())
}

fn family(context: &Context) -> Family {
    match context.loopback {
        SocketAddr::V4(_) => Family::Ipv4,
        SocketAddr::V6(_) => Family::Ipv6,
    }
}

fn socket(context: &Context, kind: Type) -> Socket {
    Socket::new(Domain::for_address(context.loopback), kind, None).unwrap()
}

async fn a_connected_socket_becomes_a_stream_of_its_family(context: Context) {
    let (ours, mut theirs) = connected(&context);
    let addresses = (ours.local_addr().unwrap(), ours.peer_addr().unwrap());
    let mut stream = TcpStream::from_std(context.runtime().clone(), ours).unwrap();
    assert_eq!((stream.local_address(), stream.peer_address()), addresses);
    assert_eq!(stream.attribute::<Family>(), Some(family(&context)));
    let mut buf = [0; 8];
    context.within(stream.send(b"question")).await.unwrap();
    theirs.read_exact(&mut buf).unwrap();
    assert_eq!(&buf, b"question");
    theirs.write_all(b"answer").unwrap();
    drop(theirs);
    let (received, end) = context.drain(&mut stream).await;
    assert_eq!(received, b"answer");
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
}

async fn a_listening_socket_becomes_a_listener_of_its_family(context: Context) {
    let socket = StdListener::bind(context.loopback).unwrap();
    let address = socket.local_addr().unwrap();
    let listener = TcpListener::from_std(context.runtime().clone(), socket).unwrap();
    assert_eq!(listener.local_address(), address);
    assert_eq!(listener.attribute::<Family>(), Some(family(&context)));
    let mut client = context.connect(address).await;
    let mut accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(accepted.peer_address(), client.local_address());
    context.assert_talks(&mut client, &mut accepted).await;
}

async fn adopting_keeps_the_descriptor_and_a_clone_has_another(context: Context) {
    let (ours, theirs) = connected(&context);
    let number = ours.as_raw_fd();
    let mut adopted = stream(&context, ours).unwrap();
    assert_eq!(adopted.as_fd().as_raw_fd(), number);
    let mut clone = adopted.try_clone().unwrap();
    assert_ne!(clone.as_fd().as_raw_fd(), number);
    assert_eq!(clone.local_address(), adopted.local_address());
    assert_eq!(clone.peer_address(), adopted.peer_address());
    let mut peer = stream(&context, theirs).unwrap();
    context.assert_talks(&mut adopted, &mut peer).await;
    context.assert_talks(&mut clone, &mut peer).await;
    assert_eq!(adopted.into_fd().unwrap().as_raw_fd(), number);
}

async fn an_adopted_socket_is_non_blocking_and_close_on_exec(context: Context) {
    let (ours, _theirs) = connected(&context);
    fcntl_setfd(&ours, FdFlags::empty()).unwrap();
    assert_eq!(modes(&ours), (false, false), "as it was made");
    let adopted = stream(&context, ours).unwrap();
    assert_eq!(modes(&adopted), (true, true), "a stream");
    assert_eq!(modes(adopted.try_clone().unwrap()), (true, true), "a clone");
    let listening = StdListener::bind(context.loopback).unwrap();
    fcntl_setfd(&listening, FdFlags::empty()).unwrap();
    assert_eq!(
        modes(listener(&context, listening).unwrap()),
        (true, true),
        "a listener"
    );
}

async fn a_linger_time_is_taken_back_and_no_close_blocks(context: Context) {
    let long = Some(Duration::from_secs(20));
    for dropped in [false, true] {
        let (ours, _theirs) = connected(&context);
        set_socket_linger(&ours, long).unwrap();
        let mut adopted = stream(&context, ours).unwrap();
        while let Some(1..) = adopted.try_send(&[0; 1 << 16]).unwrap() {}
        let started = Instant::now();
        if dropped {
            drop(adopted);
        } else {
            context.within(adopted.close()).await.unwrap();
        }
        assert!(started.elapsed() < Duration::from_secs(5), "dropped: {dropped}");
    }
    let listening = StdListener::bind(context.loopback).unwrap();
    set_socket_linger(&listening, long).unwrap();
    let listening = listener(&context, listening).unwrap();
    let _client = context.connect(listening.local_address()).await;
    let accepted = context.within(listening.accept()).await.unwrap();
    assert_eq!(socket_linger(&accepted).unwrap(), None);

    let (ours, _theirs) = connected(&context);
    set_socket_linger(&ours, Some(Duration::ZERO)).unwrap();
    let reset = stream(&context, ours).unwrap();
    assert_eq!(
        reset.option::<LingerZero>().unwrap(),
        LingerZero(true),
        "it blocks nobody"
    );
    let (refused, _theirs) = connected(&context);
    set_socket_linger(&refused, long).unwrap();
    let refused = listener(&context, refused).unwrap_err().into_fd();
    assert_eq!(socket_linger(&refused).unwrap(), long);
}

async fn what_is_no_socket_is_refused(context: Context) {
    let file = || File::open("/dev/null").unwrap();
    let (pipe, _writer) = io::pipe().unwrap();
    for fd in [OwnedFd::from(file()), pipe.into()] {
        let error = stream(&context, fd).unwrap_err();
        assert!(matches!(error.fault(), AdoptFault::NotASocket), "{error:?}");
        assert!(error.to_string().contains("no socket"), "{error}");
    }
    let error = listener(&context, file()).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::NotASocket), "{error:?}");
}

async fn a_datagram_socket_is_refused_and_both_kinds_are_named(context: Context) {
    let bound = || StdUdp::bind(context.loopback).unwrap();
    let connected = bound();
    connected.connect(bound().local_addr().unwrap()).unwrap();
    for socket in [bound(), connected] {
        let error = stream(&context, socket).unwrap_err();
        assert!(matches!(error.fault(), AdoptFault::Type), "{error:?}");
        assert_eq!(error.expected(), "a connected TCP socket");
        let found = format!("an {} datagram socket", family(&context));
        assert!(error.found().is_some_and(|it| it.starts_with(&found)), "{error}");
        assert!(error.to_string().contains("TCP"), "{error}");
        assert!(error.to_string().contains("datagram"), "{error}");
    }
    let error = listener(&context, bound()).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Type), "{error:?}");
    assert_eq!(error.expected(), "a listening TCP socket");
}

async fn a_socket_of_another_family_is_refused(context: Context) {
    let (unix, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
    let error = stream(&context, unix).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Family), "{error:?}");
    assert_eq!(error.found(), Some("a UNIX stream socket"));
    if cfg!(target_os = "linux") {
        // A family that nobody here has a name for: netlink, which has datagrams alone.
        let netlink = Socket::new(Domain::from(16), Type::DGRAM, None).unwrap();
        let error = stream(&context, netlink).unwrap_err();
        assert!(matches!(error.fault(), AdoptFault::Family), "{error:?}");
        assert_eq!(error.found(), Some("a datagram socket of family 16"));
    }
}

async fn a_listening_socket_is_no_stream(context: Context) {
    let error = stream(&context, StdListener::bind(context.loopback).unwrap()).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    assert_eq!(error.expected(), "a connected TCP socket");
    assert!(
        error.found().is_some_and(|it| it.ends_with(", listening")),
        "{error}"
    );
}

async fn a_socket_that_is_not_connected_is_no_stream(context: Context) {
    let error = stream(&context, socket(&context, Type::STREAM)).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    assert!(
        error.to_string().ends_with("neither bound nor connected"),
        "{error}"
    );
}

async fn a_socket_that_is_not_bound_is_no_listener(context: Context) {
    let error = listener(&context, socket(&context, Type::STREAM)).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    assert_eq!(error.expected(), "a listening TCP socket");
    assert!(
        error.to_string().ends_with("neither bound nor connected"),
        "{error}"
    );
}

async fn a_socket_that_is_bound_but_does_not_listen_is_no_listener(context: Context) -> Outcome {
    if cfg!(target_vendor = "apple") {
        return Err(NotApplicable("the system does not tell whether a socket listens"));
    }
    let bound = socket(&context, Type::STREAM);
    bound.bind(&context.loopback.into()).unwrap();
    let error = listener(&context, bound).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    assert!(error.to_string().contains("neither listening"), "{error}");
    Ok(())
}

async fn a_connected_socket_is_no_listener(context: Context) {
    let (ours, _theirs) = connected(&context);
    let error = listener(&context, ours).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    assert!(error.to_string().ends_with(", connected"), "{error}");
}

async fn what_is_refused_comes_back_as_it_was(context: Context) -> Outcome {
    let refused = [
        OwnedFd::from(File::open("/dev/null").unwrap()),
        StdUdp::bind(context.loopback).unwrap().into(),
        std::os::unix::net::UnixStream::pair().unwrap().0.into(),
        StdListener::bind(context.loopback).unwrap().into(),
        socket(&context, Type::STREAM).into(),
    ];
    for fd in refused {
        let descriptor = Descriptor::of(&fd)?;
        fcntl_setfd(&fd, FdFlags::empty()).unwrap();
        let number = fd.as_raw_fd();
        let fd = stream(&context, fd).unwrap_err().into_fd();
        assert_eq!(fd.as_raw_fd(), number);
        assert_eq!(modes(&fd), (false, false));
        // It comes through the errors that gather others, and goes with them.
        let error = io::Error::from(stream(&context, fd).unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let fd = error.downcast::<AdoptError>().unwrap().into_fd();
        assert!(descriptor.is_open());
        drop(anynet_core::Error::from(stream(&context, fd).unwrap_err()));
        assert!(!descriptor.is_open());
    }
    Ok(())
}

async fn without_a_current_runtime_the_descriptor_comes_back(context: Context) {
    // A boxed runtime is never the current one: its type does not say which.
    let (ours, _theirs) = connected(&context);
    let number = ours.as_raw_fd();
    let error = TcpStream::<BoxRuntime>::try_from(ours).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::NoRuntime(_)), "{error:?}");
    let fd = error.into_fd();
    assert_eq!((fd.as_raw_fd(), modes(&fd).0), (number, false));
    let error = TcpListener::<BoxRuntime>::try_from(fd).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::NoRuntime(_)), "{error:?}");
    let adopted = stream(&context, error.into_fd());
    assert!(adopted.is_ok(), "got {adopted:?}");
}

async fn a_runtime_that_is_gone_gives_the_descriptor_back(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    shut_down();
    let (ours, theirs) = connected(&context);
    fcntl_setfd(&ours, FdFlags::empty()).unwrap();
    let linger = Some(Duration::from_secs(1));
    set_socket_linger(&ours, linger).unwrap();
    let error = stream(&there, ours).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Failed(_)), "{error:?}");
    let fd = error.into_fd();
    assert_eq!(modes(&fd), (false, false));
    assert_eq!(socket_linger(&fd).unwrap(), linger);
    let mut ours = stream(&context, fd).unwrap();
    let mut peer = stream(&context, theirs).unwrap();
    context.assert_talks(&mut ours, &mut peer).await;
    Ok(())
}

async fn closing_an_adopted_listener_leaves_the_original_accepting(context: Context) {
    let original = StdListener::bind(context.loopback).unwrap();
    let mut adopted = listener(&context, original.try_clone().unwrap()).unwrap();
    adopted.close();
    drop(adopted);
    let client = StdStream::connect(original.local_addr().unwrap()).unwrap();
    original.set_nonblocking(false).unwrap();
    let (_accepted, peer) = original.accept().unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
}

/// Whether a descriptor is non-blocking, and whether it is close-on-exec.
fn modes(fd: impl AsFd) -> (bool, bool) {
    let status = fcntl_getfl(&fd).unwrap();
    let flags = fcntl_getfd(&fd).unwrap();
    (
        status.contains(OFlags::NONBLOCK),
        flags.contains(FdFlags::CLOEXEC),
    )
}
