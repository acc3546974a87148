//! The raw socket: what it is, who has it, and its options.

pub(super) mod closing;
pub(super) mod connect;
pub(super) mod family;
pub(super) mod linux;
pub(super) mod message;
pub(super) mod option;

use std::fs::File;
use std::net::{Shutdown, TcpListener as StdListener, UdpSocket as StdUdp};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Command;
use std::task::Poll;
use std::time::Duration;

use anynet_core::{BoxRuntime, WaitError};
use anynet_sockets::{AdoptFault, MessageFlags, SocketAddress, SocketError, wait_readable_on};
use anynet_util::timeout;
use rustix::fs::OFlags;
use rustix::io::{Errno, FdFlags};
use socket2::{Domain, Protocol, Type};

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::poll_once;
use crate::steps::assert_is;

cases![
    it_is_what_it_was_made_as_and_the_system_tells_the_rest,
    a_kind_that_the_system_lacks_is_its_own_error,
    what_is_taken_over_is_what_it_really_is,
    what_is_no_socket_comes_back_untouched,
    nobody_else_waits_for_its_descriptor,
    it_is_not_inherited_unless_that_is_asked_for,
    a_duplicate_goes_on_after_the_original_is_closed,
    a_shutdown_of_the_send_side_is_remembered_and_the_rest_works,
    whether_it_is_readable_is_no_yes_and_no_again,
    it_is_writable_until_it_is_filled_and_again_once_drained,
];

type Socket = anynet_sockets::Socket<BoxRuntime>;

const NONE: MessageFlags = MessageFlags::NONE;

/// A socket of the case's address family.
fn socket(context: &Context, kind: Type) -> Socket {
    let family = Domain::for_address(context.loopback);
    Socket::new_on(context.runtime(), family, kind, None).expect("a socket of a common kind")
}

/// The same, bound to loopback.
fn bound(context: &Context, kind: Type) -> (Socket, SocketAddress) {
    let socket = socket(context, kind);
    socket.bind(&context.loopback.into()).expect("a free port");
    let address = socket.local_address().unwrap();
    (socket, address)
}

fn listening(context: &Context) -> (Socket, SocketAddress) {
    let (socket, address) = bound(context, Type::STREAM);
    socket.listen(16).unwrap();
    (socket, address)
}

/// The one that connected, and the one that was accepted.
async fn connected(context: &Context) -> (Socket, Socket) {
    let (listener, address) = listening(context);
    let ours = socket(context, Type::STREAM);
    context.within(ours.connect(&address)).await.unwrap();
    (ours, context.within(listener.accept()).await.unwrap().0)
}

/// Two UNIX sockets of a kind, connected to each other.
fn unix_pair(context: &Context, kind: Type) -> (Socket, Socket) {
    Socket::pair_on(context.runtime(), Domain::UNIX, kind, None).unwrap()
}

async fn assert_talks(context: &Context, one: &Socket, other: &Socket) {
    let mut buf = [0; 8];
    for (from, to) in [(one, other), (other, one)] {
        assert_eq!(context.within(from.send(b"hello", NONE)).await.unwrap(), 5);
        assert_eq!(context.within(to.receive(&mut buf, NONE)).await.unwrap(), 5);
        assert_eq!(&buf[..5], b"hello");
    }
}

/// Two ends of a stream, the first of which has no room to send. Of UNIX sockets: over TCP, the system makes room by itself
/// now and then.
fn filled(context: &Context) -> (Socket, Socket) {
    let (ours, theirs) = unix_pair(context, Type::STREAM);
    ours.set_raw_option(libc::SOL_SOCKET, libc::SO_SNDBUF, 16 << 10)
        .unwrap();
    while let Poll::Ready(sent) = poll_once(&mut Box::pin(ours.send(&[0; 4 << 10], NONE))) {
        sent.unwrap();
    }
    while let Poll::Ready(sent) = poll_once(&mut Box::pin(ours.send(&[0; 1], NONE))) {
        sent.unwrap();
    }
    (ours, theirs)
}

/// Receives what there is, again and again, until `done` is.
async fn drain_until<F: Future + Unpin>(context: &Context, socket: &Socket, done: &mut F) -> F::Output {
    let mut buf = vec![0; 64 << 10];
    let drained = async {
        loop {
            while socket.is_readable().unwrap() {
                socket.receive(&mut buf, NONE).await.unwrap();
            }
            if let Ok(output) = timeout(context.runtime(), Duration::from_millis(1), &mut *done).await {
                break output;
            }
        }
    };
    context.within(drained).await
}

async fn it_is_what_it_was_made_as_and_the_system_tells_the_rest(context: Context) {
    let family = Domain::for_address(context.loopback);
    let tells_protocol = cfg!(any(target_os = "linux", target_os = "freebsd"));
    for (kind, protocol) in [(Type::STREAM, Protocol::TCP), (Type::DGRAM, Protocol::UDP)] {
        for asked in [None, Some(protocol)] {
            let socket = Socket::new_on(context.runtime(), family, kind, asked).unwrap();
            for closed in [false, true] {
                assert_eq!(
                    (socket.family(), socket.kind()),
                    (family, kind),
                    "closed: {closed}"
                );
                assert_eq!(socket.protocol(), tells_protocol.then_some(protocol));
                socket.close();
            }
        }
    }
    let (one, other) = unix_pair(&context, Type::DGRAM);
    for socket in [&one, &other] {
        assert_eq!((socket.family(), socket.kind()), (Domain::UNIX, Type::DGRAM));
        assert_eq!(socket.protocol(), None);
    }
    let (ours, theirs) = connected(&context).await;
    for socket in [&ours, &theirs] {
        assert_eq!((socket.family(), socket.kind()), (family, Type::STREAM));
        let flags = socket.with_fd(|fd| rustix::fs::fcntl_getfl(fd)).unwrap().unwrap();
        assert!(flags.contains(OFlags::NONBLOCK));
    }
}

async fn a_kind_that_the_system_lacks_is_its_own_error(context: Context) {
    let family = Domain::for_address(context.loopback);
    let made = Socket::new_on(context.runtime(), family, Type::STREAM, Some(Protocol::UDP));
    assert_eq!(
        made.unwrap_err().raw_os_error(),
        Some(Errno::PROTONOSUPPORT.raw_os_error())
    );
    let made = Socket::pair_on(context.runtime(), Domain::from(4711), Type::STREAM, None);
    assert_eq!(
        made.unwrap_err().raw_os_error(),
        Some(Errno::AFNOSUPPORT.raw_os_error())
    );
    let datagrams = socket(&context, Type::DGRAM);
    let listened = datagrams.listen(1).unwrap_err();
    assert_eq!(listened.raw_os_error(), Some(Errno::OPNOTSUPP.raw_os_error()));
}

async fn what_is_taken_over_is_what_it_really_is(context: Context) {
    let family = Domain::for_address(context.loopback);
    let listener = StdListener::bind(context.loopback).unwrap();
    let (number, address) = (listener.as_raw_fd(), listener.local_addr().unwrap());
    let listener = Socket::from_std(context.runtime().clone(), listener).unwrap();
    assert_eq!((listener.family(), listener.kind()), (family, Type::STREAM));
    assert_eq!(listener.with_fd(|fd| fd.as_raw_fd()).unwrap(), number);
    assert_eq!(listener.local_address().unwrap(), address.into());
    let client = std::net::TcpStream::connect(address).unwrap();
    // A duplicate is the same socket under another number.
    let duplicate = client.as_fd().try_clone_to_owned().unwrap();
    let client = Socket::from_std(context.runtime().clone(), client).unwrap();
    let duplicate = Socket::from_fd(context.runtime().clone(), duplicate).unwrap();
    let (accepted, peer) = context.within(listener.accept()).await.unwrap();
    for socket in [&client, &duplicate] {
        assert_eq!(socket.local_address().unwrap(), peer);
        assert_talks(&context, socket, &accepted).await;
    }
    let datagrams: OwnedFd = StdUdp::bind(context.loopback).unwrap().into();
    rustix::io::fcntl_setfd(&datagrams, FdFlags::empty()).unwrap();
    let datagrams = Socket::from_fd(context.runtime().clone(), datagrams).unwrap();
    assert_eq!((datagrams.family(), datagrams.kind()), (family, Type::DGRAM));
    assert!(!datagrams.is_inheritable().unwrap(), "close-on-exec from now on");
    context
        .assert_waits(&mut Box::pin(datagrams.receive(&mut [0; 1], NONE)))
        .await;
}

async fn what_is_no_socket_comes_back_untouched(context: Context) {
    let file: OwnedFd = File::open("/dev/null").unwrap().into();
    rustix::io::fcntl_setfd(&file, FdFlags::empty()).unwrap();
    let (number, blocking) = (file.as_raw_fd(), rustix::fs::fcntl_getfl(&file).unwrap());
    let error = Socket::from_fd(context.runtime().clone(), file).unwrap_err();
    assert_is!(error.fault(), AdoptFault::NotASocket);
    assert_eq!(error.to_string(), "expected a socket, found something else");
    let file = error.into_fd();
    assert_eq!(file.as_raw_fd(), number);
    assert_eq!(rustix::fs::fcntl_getfl(&file).unwrap(), blocking);
    assert_eq!(rustix::io::fcntl_getfd(&file).unwrap(), FdFlags::empty());
}

async fn nobody_else_waits_for_its_descriptor(context: Context) {
    let (ours, theirs) = connected(&context).await;
    let mut buf = [0; 1];
    for watched in [false, true] {
        if watched {
            context
                .assert_waits(&mut Box::pin(ours.receive(&mut buf, NONE)))
                .await;
        }
        let wait = ours
            .with_fd(|fd| wait_readable_on(context.runtime(), fd))
            .unwrap();
        assert_is!(context.within(wait).await, Err(WaitError::Busy));
    }
    let fd = ours.detach().unwrap().expect("it was open");
    let wait = wait_readable_on(context.runtime(), &fd);
    context.within(theirs.send(b"x", NONE)).await.unwrap();
    context.within(wait).await.unwrap();
}

async fn it_is_not_inherited_unless_that_is_asked_for(context: Context) -> Outcome {
    let (ours, theirs) = connected(&context).await;
    let duplicate = ours.try_clone().unwrap();
    let (one, other) = unix_pair(&context, Type::STREAM);
    for socket in [&ours, &theirs, &duplicate, &one, &other] {
        assert!(!socket.is_inheritable().unwrap());
    }
    let number = ours.with_fd(|fd| fd.as_raw_fd()).unwrap();
    for asked in [true, false] {
        ours.set_inheritable(asked).unwrap();
        assert_eq!(ours.is_inheritable().unwrap(), asked);
        assert_eq!(inherits(number)?, asked);
    }
    Ok(())
}

/// Whether a program that is started now has the descriptor.
fn inherits(number: i32) -> Result<bool, NotApplicable> {
    let test = Command::new("test")
        .arg("-e")
        .arg(format!("/proc/self/fd/{number}"))
        .status();
    match test {
        Ok(status) if cfg!(target_os = "linux") => Ok(status.success()),
        _ => Err(NotApplicable("there is no program that tells")),
    }
}

async fn a_duplicate_goes_on_after_the_original_is_closed(context: Context) {
    let (ours, theirs) = connected(&context).await;
    let duplicate = ours.try_clone().unwrap();
    assert_ne!(
        duplicate.with_fd(|fd| fd.as_raw_fd()).unwrap(),
        ours.with_fd(|fd| fd.as_raw_fd()).unwrap()
    );
    ours.close();
    assert_talks(&context, &duplicate, &theirs).await;
    assert_is!(
        context.within(ours.receive(&mut [0; 1], NONE)).await,
        Err(SocketError::Closed)
    );
    assert_is!(ours.try_clone(), Err(SocketError::Closed));
    duplicate.shutdown(Shutdown::Write).unwrap();
    let third = duplicate.try_clone().unwrap();
    assert!(third.did_shutdown_write() && ours.did_shutdown_write());
}

async fn a_shutdown_of_the_send_side_is_remembered_and_the_rest_works(context: Context) {
    for (how, remembered) in [
        (Shutdown::Write, true),
        (Shutdown::Both, true),
        (Shutdown::Read, false),
    ] {
        let (ours, theirs) = connected(&context).await;
        assert!(!ours.did_shutdown_write());
        ours.shutdown(how).unwrap();
        assert_eq!(ours.did_shutdown_write(), remembered, "{how:?}");
        assert!(!theirs.did_shutdown_write(), "{how:?}");
        let mut buf = [0; 8];
        if how == Shutdown::Write {
            for _ in 0..2 {
                let received = context.within(theirs.receive(&mut buf, NONE)).await;
                assert_is!(received, Err(SocketError::EndOfStream));
            }
            assert_eq!(context.within(theirs.send(b"answer", NONE)).await.unwrap(), 6);
            assert_eq!(context.within(ours.receive(&mut buf, NONE)).await.unwrap(), 6);
            let sent = context.within(ours.send(b"x", NONE)).await.unwrap_err();
            assert_eq!(
                sent.raw_os_error(),
                Some(Errno::PIPE.raw_os_error()),
                "and no signal"
            );
        }
    }
    let unconnected = socket(&context, Type::STREAM);
    assert!(unconnected.shutdown(Shutdown::Write).is_err());
    assert!(!unconnected.did_shutdown_write(), "it failed");
}

async fn whether_it_is_readable_is_no_yes_and_no_again(context: Context) {
    let (ours, theirs) = connected(&context).await;
    let mut buf = [0; 8];
    for _ in 0..2 {
        assert!(!ours.is_readable().unwrap());
        let mut waiting = Box::pin(ours.wait_readable());
        context.assert_waits(&mut waiting).await;
        context.within(theirs.send(b"data", NONE)).await.unwrap();
        context.within(waiting).await.unwrap();
        assert!(ours.is_readable().unwrap());
        context.within(ours.wait_readable()).await.unwrap();
        assert_eq!(context.within(ours.receive(&mut buf, NONE)).await.unwrap(), 4);
    }
    theirs.close();
    context.until(|| ours.is_readable().unwrap()).await; // the end
    context.within(ours.wait_readable()).await.unwrap();
}

async fn it_is_writable_until_it_is_filled_and_again_once_drained(context: Context) {
    let (tcp, _peer) = connected(&context).await;
    context.within(tcp.wait_writable()).await.unwrap();
    let (ours, theirs) = filled(&context);
    let mut waiting = Box::pin(ours.wait_writable());
    context.assert_waits(&mut waiting).await;
    // The other direction is another matter.
    context.within(theirs.send(b"x", NONE)).await.unwrap();
    context.within(ours.wait_readable()).await.unwrap();
    drain_until(&context, &theirs, &mut waiting).await.unwrap();
}
