//! UNIX sockets that were made elsewhere, and who is at their other end.

pub(in crate::cases) mod datagram;

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram as StdDatagram, UnixListener as StdListener, UnixStream as StdStream};
use std::{fs, io};

use anynet_core::{Attributes, AttributesExt, BoxRuntime, BoxStream, Family, PeerCredentials, UnixAddress};
use anynet_sockets::{AdoptError, AdoptFault, UnixListener, UnixStream};
use rustix::process::{getegid, geteuid};
use socket2::{Domain, SockAddr, Socket, Type};

use super::connected;
use crate::Context;
use crate::case::cases;

cases![
    a_connected_socket_becomes_a_stream,
    a_listening_socket_becomes_a_listener,
    a_datagram_socket_is_refused_as_a_stream,
    a_tcp_socket_is_refused_and_both_families_are_named,
    a_socket_that_is_not_connected_is_no_stream,
    a_socket_that_does_not_listen_is_no_listener,
    a_listener_that_is_given_away_keeps_its_file,
    a_clone_of_a_listener_leaves_the_file_to_the_first,
    both_ends_know_who_the_other_is,
    credentials_that_cannot_be_read_are_not_missing,
];

fn stream(context: &Context, fd: impl Into<OwnedFd>) -> Result<UnixStream<BoxRuntime>, AdoptError> {
    UnixStream::from_fd(context.runtime().clone(), fd.into())
}

fn listener(context: &Context, fd: impl Into<OwnedFd>) -> Result<UnixListener<BoxRuntime>, AdoptError> {
    UnixListener::from_fd(context.runtime().clone(), fd.into())
}

/// A socket that is none of ours, bound to an address of its own.
fn bound(context: &Context, kind: Type) -> (Socket, UnixAddress) {
    let address = context.unix_address();
    let socket = Socket::new(Domain::UNIX, kind, None).unwrap();
    let to = match (&address.path(), address.abstract_name()) {
        (Some(path), _) => SockAddr::unix(path).unwrap(),
        (None, name) => {
            let name = [b"\0", name.unwrap()].concat();
            SockAddr::unix(String::from_utf8(name).unwrap()).unwrap()
        }
    };
    socket.bind(&to).unwrap();
    (socket, address)
}

async fn a_connected_socket_becomes_a_stream(context: Context) {
    let (one, other) = StdStream::pair().unwrap();
    let number = one.as_raw_fd();
    let mut one = UnixStream::from_std(context.runtime().clone(), one).unwrap();
    assert_eq!(one.as_fd().as_raw_fd(), number);
    assert_eq!(one.attribute::<Family>(), Some(Family::Unix));
    assert!(one.local_address().is_unnamed() && one.peer_address().is_unnamed());
    context.within(one.send(b"to std")).await.unwrap();
    let mut other = stream(&context, other).unwrap();
    let mut buf = [0; 6];
    context.within(other.receive_exactly(&mut buf)).await.unwrap();
    assert_eq!(&buf, b"to std");
    assert!(other.into_std().is_ok());

    let listener = context.unix_listener().await;
    let ours = connected(&context, &listener.local_address()).await;
    let ours = stream(&context, ours.into_fd().unwrap()).unwrap();
    assert_eq!(ours.peer_address(), listener.local_address());
}

async fn a_listening_socket_becomes_a_listener(context: Context) {
    let (socket, address) = bound(&context, Type::STREAM);
    socket.listen(8).unwrap();
    let adopted = UnixListener::from_std(
        context.runtime().clone(),
        StdListener::from(OwnedFd::from(socket)),
    );
    let mut listener = adopted.unwrap();
    assert_eq!(listener.local_address(), address);
    assert_eq!(listener.attribute::<Family>(), Some(Family::Unix));
    let mut client = connected(&context, &address).await;
    let mut accepted = context.within(listener.accept()).await.unwrap();
    context.within(client.send(b"hello")).await.unwrap();
    context.within(client.close()).await.unwrap();
    assert_eq!(context.drain(&mut accepted).await.0, b"hello");
    listener.close();
    if let Some(path) = address.path() {
        fs::remove_file(path).expect("a file that was made elsewhere stays");
    }
}

async fn a_datagram_socket_is_refused_as_a_stream(context: Context) {
    let (datagram, _other) = StdDatagram::pair().unwrap();
    let error = stream(&context, datagram).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Type), "{error:?}");
    assert_eq!(error.expected(), "a connected UNIX stream socket");
    assert_eq!(error.found(), Some("a UNIX datagram socket"));
}

async fn a_tcp_socket_is_refused_and_both_families_are_named(context: Context) {
    let tcp = context.listener().await.into_fd().unwrap();
    let error = listener(&context, tcp).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Family), "{error:?}");
    assert_eq!(error.expected(), "a listening UNIX stream socket");
    assert!(
        error
            .found()
            .is_some_and(|it| it.starts_with("an IPv4 stream socket")),
        "{error}"
    );
    assert!(stream(&context, error.into_fd()).is_err());
}

async fn a_socket_that_is_not_connected_is_no_stream(context: Context) {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let listening = context.unix_listener().await.into_fd().unwrap();
    for socket in [OwnedFd::from(socket), listening] {
        let error = stream(&context, socket).unwrap_err();
        assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    }
}

async fn a_socket_that_does_not_listen_is_no_listener(context: Context) {
    let (socket, address) = bound(&context, Type::STREAM);
    let error = listener(&context, socket).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    if let Some(path) = address.path() {
        fs::remove_file(path).unwrap();
    }
    let (one, _other) = StdStream::pair().unwrap();
    let error = listener(&context, one).unwrap_err();
    assert!(
        error.to_string().ends_with("a UNIX stream socket, connected"),
        "{error}"
    );
}

async fn a_listener_that_is_given_away_keeps_its_file(context: Context) {
    let listener = context.unix_listener().await;
    let address = listener.local_address();
    let given = listener.into_std().unwrap();
    let _client = connected(&context, &address).await;
    given.set_nonblocking(false).unwrap();
    given.accept().expect("a client waits");
    if let Some(path) = address.path() {
        fs::remove_file(path).expect("it lives on elsewhere");
    }
}

async fn a_clone_of_a_listener_leaves_the_file_to_the_first(context: Context) {
    let listener = context.unix_listener().await;
    let address = listener.local_address();
    let clone = listener.try_clone().unwrap();
    drop(clone);
    let client = connected(&context, &address).await;
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(accepted.local_address(), client.peer_address());
    drop(listener);
    assert!(address.path().is_none_or(|path| !path.exists()));
}

async fn both_ends_know_who_the_other_is(context: Context) {
    let pid = cfg!(target_os = "linux").then(std::process::id);
    let us = PeerCredentials::new(pid, geteuid().as_raw(), getegid().as_raw());
    let (one, other) = context.unix_pair().await;
    for stream in [one, other] {
        assert_eq!(stream.peer_credentials().unwrap(), us);
        let (receive, send) = stream.into_split();
        assert_eq!(receive.attribute(), Some(us), "the receive half");
        assert_eq!(send.attribute(), Some(us), "the send half");
        let boxed: BoxStream = Box::new(receive.reunite(send).unwrap());
        assert_eq!(boxed.attribute(), Some(us), "the boxed stream");
    }
}

async fn credentials_that_cannot_be_read_are_not_missing(context: Context) {
    let asked = |of: &dyn Attributes| of.try_attribute::<PeerCredentials>();
    let (mut stream, _peer) = context.unix_pair().await;
    context.within(stream.close()).await.unwrap();
    assert_eq!(asked(&stream).unwrap_err().kind(), io::ErrorKind::NotConnected);
    assert_eq!(stream.attribute::<PeerCredentials>(), None);
    let listener = context.unix_listener().await;
    assert_eq!(asked(&listener).unwrap(), None, "a listener has no peer");
    let (tcp, _peer) = context.tcp_pair().await;
    assert_eq!(asked(&tcp).unwrap(), None, "TCP does not tell");
}
