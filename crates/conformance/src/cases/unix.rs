//! UNIX streams, where they differ from streams in general.

pub(super) mod adoption;
pub(super) mod file;
pub(super) mod listener;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::{SocketAddr as StdAddress, UnixStream as StdStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anynet_core::{
    AttributesExt, BoxRuntime, ConnectError, LocalAddress, PeerAddress, ReceiveError, UnixAddress,
    UnixAddressError,
};
use anynet_sockets::{UnixConnect, UnixListener, UnixStream};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::net::SocketAddrUnix;
use socket2::{Domain, Socket, Type};

use crate::Context;
use crate::case::{Outcome, cases};
use crate::context::{Descriptor, poll_once};
use crate::steps::assert_is;

cases![
    each_side_reports_its_own_address_and_its_peers,
    a_named_client_is_seen_by_its_name,
    a_name_may_have_any_bytes,
    a_peer_whose_name_fills_the_whole_address_is_accepted,
    a_peer_answers_on_the_same_stream,
    a_mebibyte_written_at_once_arrives_unchanged,
    a_large_send_reaches_a_slow_reader_whole_before_the_close,
    two_pieces_with_a_pause_are_two_receives_and_then_the_end,
    every_socket_is_non_blocking_and_close_on_exec,
    a_close_right_after_a_dropped_operation_is_not_disturbed,
    a_name_that_nobody_has_is_an_error_that_says_so,
    a_connect_that_fails_closes_its_socket,
    a_connect_waits_for_room_in_the_queue_of_a_listener,
    a_connect_that_waits_for_room_is_told_that_the_runtime_was_shut_down,
    an_address_that_no_system_takes_is_a_typed_error,
    an_abort_with_unread_data_breaks_the_peer,
    an_abort_with_nothing_unread_is_an_end_to_the_peer,
];

async fn each_side_reports_its_own_address_and_its_peers(context: Context) {
    let listener = context.unix_listener().await;
    let address = listener.local_address();
    let mut connected = connected(&context, &address).await;
    let mut accepted = context.within(listener.accept()).await.unwrap();
    for closed in [false, true] {
        assert_eq!(
            connected.local_address(),
            UnixAddress::Unnamed,
            "closed: {closed}"
        );
        assert_eq!(connected.peer_address(), address, "closed: {closed}");
        assert_eq!(accepted.local_address(), address, "closed: {closed}");
        assert_eq!(accepted.peer_address(), UnixAddress::Unnamed, "closed: {closed}");
        let LocalAddress(local) = accepted.attribute().expect("a stream knows its address");
        let PeerAddress(peer) = connected.attribute().expect("a stream knows its peer");
        assert_eq!((local.unix(), peer.unix()), (Some(&address), Some(&address)));
        assert_eq!(peer.socket_addr(), None, "there is no port");
        connected.close().await.unwrap();
        accepted.close().await.unwrap();
    }
}

async fn a_named_client_is_seen_by_its_name(context: Context) {
    let listener = context.unix_listener().await;
    let name = context.unix_address();
    let connect = connect(&context, &listener.local_address()).local_address(name.clone());
    let mut client = context.within(connect.into_future()).await.unwrap();
    let mut accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(client.local_address(), name);
    assert_eq!(accepted.peer_address(), name);
    context.assert_talks(&mut client, &mut accepted).await;
    drop(client);
    if let Some(path) = name.path() {
        assert!(!path.exists(), "the client's file went with it");
    }
}

async fn a_name_may_have_any_bytes(context: Context) {
    for suffix in [&b"text"[..], b" \xff\xfe\n", "grün".as_bytes()] {
        let address = match context.unix_address() {
            UnixAddress::Path(path) => {
                let bytes = [path.as_os_str().as_bytes(), suffix].concat();
                UnixAddress::from(OsString::from_vec(bytes))
            }
            UnixAddress::Abstract(name) => UnixAddress::from_abstract_name([&*name, b"\0", suffix].concat()),
            UnixAddress::Unnamed => unreachable!("the context gives names"),
        };
        let bind = UnixListener::bind_on(context.runtime(), address.clone());
        let listener = context.within(bind.into_future()).await.unwrap();
        assert_eq!(listener.local_address(), address);
        let mut client = connected(&context, &address).await;
        let mut accepted = context.within(listener.accept()).await.unwrap();
        context.assert_talks(&mut client, &mut accepted).await;
    }
}

async fn a_peer_whose_name_fills_the_whole_address_is_accepted(context: Context) {
    let listener = context.unix_listener().await;
    let pad = |name: &[u8], room: usize| [name, vec![b'x'; room - name.len()].as_slice()].concat();
    let (name, system) = match context.unix_address() {
        UnixAddress::Path(path) => {
            let name = pad(path.as_os_str().as_bytes(), 108);
            let system = SocketAddrUnix::new(name.as_slice()).unwrap();
            (UnixAddress::from(OsStr::from_bytes(&name)), system)
        }
        UnixAddress::Abstract(name) => {
            let name = pad(&name, 107);
            let system = SocketAddrUnix::new_abstract_name(&name).unwrap();
            (UnixAddress::from_abstract_name(name), system)
        }
        UnixAddress::Unnamed => unreachable!("the context gives names"),
    };
    let peer = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    rustix::net::bind(&peer, &system).unwrap();
    let to = match listener.local_address() {
        UnixAddress::Path(path) => SocketAddrUnix::new(&*path).unwrap(),
        UnixAddress::Abstract(name) => SocketAddrUnix::new_abstract_name(&name).unwrap(),
        UnixAddress::Unnamed => unreachable!("a listener has a name"),
    };
    rustix::net::connect(&peer, &to).unwrap();
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(accepted.peer_address(), name);
    if let Some(path) = name.path() {
        std::fs::remove_file(path).unwrap();
    }
}

async fn a_peer_answers_on_the_same_stream(context: Context) {
    let (mut stream, mut peer) = peer_of(&context).await;
    let answering = thread::spawn(move || {
        let mut buf = [0; 4];
        peer.read_exact(&mut buf).unwrap();
        buf.reverse();
        peer.write_all(&buf).unwrap();
    });
    context.within(stream.send(b"blah")).await.unwrap();
    let mut buf = [0; 8];
    assert_eq!(context.within(stream.receive(&mut buf)).await.unwrap(), 4);
    assert_eq!(&buf[..4], b"halb");
    answering.join().unwrap();
}

async fn a_mebibyte_written_at_once_arrives_unchanged(context: Context) {
    let (mut stream, mut peer) = peer_of(&context).await;
    let data = mebibyte();
    let written = data.clone();
    let writing = thread::spawn(move || peer.write_all(&written).unwrap());
    let (received, end) = context.drain(&mut stream).await;
    assert_is!(end, ReceiveError::EndOfStream);
    assert!(received == data, "{} bytes arrived, or others", received.len());
    writing.join().unwrap();
}

async fn a_large_send_reaches_a_slow_reader_whole_before_the_close(context: Context) {
    let (mut stream, mut peer) = peer_of(&context).await;
    let data = mebibyte();
    let reading = thread::spawn(move || {
        let (mut received, mut buf) = (Vec::new(), [0; 64 << 10]);
        loop {
            thread::sleep(Duration::from_millis(1));
            match peer.read(&mut buf).unwrap() {
                0 => return received,
                n => received.extend_from_slice(&buf[..n]),
            }
        }
    });
    context.within(stream.send(&data)).await.unwrap();
    context.within(stream.close()).await.unwrap();
    let received = reading.join().unwrap();
    assert!(received == data, "{} bytes arrived, or others", received.len());
}

async fn two_pieces_with_a_pause_are_two_receives_and_then_the_end(context: Context) {
    let (mut stream, mut peer) = peer_of(&context).await;
    let mut buf = [0; 64];
    for piece in [&b"the first"[..], b"and the second"] {
        let mut receive = stream.receive(&mut buf);
        context.assert_waits(&mut receive).await;
        peer.write_all(piece).unwrap();
        let received = context.within(receive).await.unwrap();
        assert_eq!(&buf[..received], piece);
    }
    drop(peer);
    assert_is!(
        context.within(stream.receive(&mut buf)).await,
        Err(ReceiveError::EndOfStream)
    );
}

async fn every_socket_is_non_blocking_and_close_on_exec(context: Context) {
    let listener = context.unix_listener().await;
    let connected = connected(&context, &listener.local_address()).await;
    let accepted = context.within(listener.accept()).await.unwrap();
    let (one, other) = UnixStream::pair_on(context.runtime()).unwrap();
    assert_flags(&listener);
    for stream in [&connected, &accepted, &one, &other] {
        assert_flags(stream);
    }
}

async fn a_close_right_after_a_dropped_operation_is_not_disturbed(context: Context) {
    for _ in 0..3 {
        let (mut one, mut other) = context.unix_pair().await;
        let mut buf = [0; 8];
        assert!(poll_once(&mut one.receive(&mut buf)).is_pending());
        let sent = context.clog(&mut one).await;
        assert!(poll_once(&mut one.send_some(b"x")).is_pending());
        context.within(one.close()).await.unwrap();
        let (received, end) = context.drain(&mut other).await;
        assert_eq!(received.len(), sent);
        assert_is!(end, ReceiveError::EndOfStream);
    }
}

async fn a_name_that_nobody_has_is_an_error_that_says_so(context: Context) {
    let address = context.unix_address();
    let kind = if address.path().is_some() {
        io::ErrorKind::NotFound
    } else {
        io::ErrorKind::ConnectionRefused
    };
    let error = context.within(connect(&context, &address).into_future()).await;
    let error = error.expect_err("nobody has the name");
    assert_eq!(error.kind(), kind);
    let ConnectError::Failed { attempts, .. } = error else {
        panic!("an attempt failed, not {error:?}")
    };
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].address, address);
}

async fn a_connect_that_fails_closes_its_socket(context: Context) -> Outcome {
    let opened = Arc::new(Mutex::new(None));
    let seen = opened.clone();
    let connect = connect(&context, &context.unix_address()).with_socket(move |socket| {
        *seen.lock().unwrap() = Some(Descriptor::of(socket));
        Ok(())
    });
    context.within(connect.into_future()).await.unwrap_err();
    let opened = opened.lock().unwrap().take().expect("there was a socket")?;
    assert!(!opened.is_open());
    Ok(())
}

async fn a_connect_waits_for_room_in_the_queue_of_a_listener(context: Context) {
    let bind = UnixListener::bind_on(context.runtime(), context.unix_address()).backlog(0);
    let listener = context.within(bind.into_future()).await.unwrap();
    let first = connected(&context, &listener.local_address()).await;
    let mut second = connect(&context, &listener.local_address()).into_future();
    context.assert_waits(&mut second).await;
    let accepted = context.within(listener.accept()).await.unwrap();
    context.within(second).await.unwrap();
    drop((first, accepted));
}

async fn a_connect_that_waits_for_room_is_told_that_the_runtime_was_shut_down(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let bind = UnixListener::bind_on(context.runtime(), context.unix_address()).backlog(0);
    let listener = context.within(bind.into_future()).await.unwrap();
    let _first = connected(&context, &listener.local_address()).await;
    let mut second = connect(&there, &listener.local_address()).into_future();
    context.assert_waits(&mut second).await;
    shut_down();
    assert_is!(context.within(second).await, Err(ConnectError::Failed { .. }));
    Ok(())
}

async fn an_address_that_no_system_takes_is_a_typed_error(context: Context) -> Outcome {
    if context.abstract_names {
        let long = UnixAddress::from_abstract_name([b'x'; 200]);
        assert_is!(refused(&context, long).await, UnixAddressError::TooLong { .. });
        return Ok(());
    }
    let long = UnixAddress::from("x".repeat(200));
    assert_is!(refused(&context, long).await, UnixAddressError::TooLong { .. });
    assert_is!(
        refused(&context, "a\0b".into()).await,
        UnixAddressError::Nul { .. }
    );
    assert_is!(refused(&context, "".into()).await, UnixAddressError::EmptyPath);
    Ok(())
}

async fn an_abort_with_unread_data_breaks_the_peer(context: Context) {
    let (mut one, mut other) = context.unix_pair().await;
    context.within(other.send(b"never read")).await.unwrap();
    one.abort();
    let mut buf = [0; 8];
    assert_is!(
        context.within(other.receive(&mut buf)).await,
        Err(ReceiveError::Broken(_))
    );
}

async fn an_abort_with_nothing_unread_is_an_end_to_the_peer(context: Context) {
    let (mut one, mut other) = context.unix_pair().await;
    context.within(one.send(b"a part")).await.unwrap();
    one.abort();
    let (received, end) = context.drain(&mut other).await;
    assert_eq!(received, b"a part");
    assert!(matches!(end, ReceiveError::EndOfStream), "{end:?}");
}

/// What a listener and a connect say alike about an address.
async fn refused(context: &Context, address: UnixAddress) -> UnixAddressError {
    let bind = UnixListener::bind_on(context.runtime(), address.clone()).into_future();
    let bound: io::Error = context.within(bind).await.expect_err("no address").into();
    assert_eq!(bound.kind(), io::ErrorKind::InvalidInput);
    let ConnectError::Failed { attempts, .. } = context
        .within(connect(context, &address).into_future())
        .await
        .expect_err("no address")
    else {
        panic!("an attempt failed")
    };
    let cause = attempts[0].cause.get_ref().expect("the cause has a source");
    cause
        .downcast_ref::<UnixAddressError>()
        .expect("the cause is typed")
        .clone()
}

fn connect(context: &Context, to: &UnixAddress) -> UnixConnect<BoxRuntime> {
    UnixStream::connect_on(context.runtime(), to.clone())
}

async fn connected(context: &Context, to: &UnixAddress) -> UnixStream<BoxRuntime> {
    context
        .within(connect(context, to).into_future())
        .await
        .expect("somebody listens there")
}

/// A stream, and its peer outside of the library.
async fn peer_of(context: &Context) -> (UnixStream<BoxRuntime>, StdStream) {
    let listener = context.unix_listener().await;
    let address = StdAddress::try_from(&listener.local_address()).unwrap();
    let peer = StdStream::connect_addr(&address).unwrap();
    (context.within(listener.accept()).await.unwrap(), peer)
}

fn assert_flags(fd: impl std::os::fd::AsFd) {
    assert!(fcntl_getfl(&fd).unwrap().contains(OFlags::NONBLOCK));
    assert!(fcntl_getfd(&fd).unwrap().contains(FdFlags::CLOEXEC));
}

fn mebibyte() -> Vec<u8> {
    (0..1_u32 << 20).map(|n| (n % 251) as u8).collect()
}
