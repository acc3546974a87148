//! UNIX datagram sockets that were made elsewhere.

use std::fs;
use std::os::unix::net::{UnixDatagram as StdDatagram, UnixStream as StdStream};

use anynet_core::{AttributesExt, Family, PeerCredentials};
use anynet_sockets::{AdoptFault, ConnectedUnixDatagram, UnixDatagram};
use rustix::process::{getegid, geteuid};
use socket2::Type;

use super::bound;
use crate::Context;
use crate::case::cases;

cases![
    a_datagram_socket_is_taken_whether_it_is_bound_or_not,
    a_connected_datagram_socket_is_taken,
    a_stream_is_refused_as_a_datagram_socket,
    a_datagram_socket_that_is_not_connected_is_no_connected_one,
    an_end_of_a_pair_knows_who_made_it,
];

async fn a_datagram_socket_is_taken_whether_it_is_bound_or_not(context: Context) {
    let unbound = StdDatagram::unbound().unwrap();
    let unbound = UnixDatagram::from_std(context.runtime().clone(), unbound).unwrap();
    assert!(unbound.local_address().is_unnamed());
    assert_eq!(unbound.attribute::<Family>(), Some(Family::Unix));
    let (socket, address) = bound(&context, Type::DGRAM);
    let named = UnixDatagram::from_fd(context.runtime().clone(), socket.into()).unwrap();
    assert_eq!(named.local_address(), address);
    context.within(unbound.send_to(b"hello", &address)).await.unwrap();
    let mut buf = [0; 8];
    let (received, sender) = context.within(named.receive_from(&mut buf)).await.unwrap();
    assert_eq!(
        (&buf[..received.length], sender.is_unnamed()),
        (&b"hello"[..], true)
    );
    drop(named);
    if let Some(path) = address.path() {
        fs::remove_file(path).expect("a file that was made elsewhere stays");
    }
}

async fn a_connected_datagram_socket_is_taken(context: Context) {
    let (ours, theirs) = StdDatagram::pair().unwrap();
    let ours = ConnectedUnixDatagram::from_std(context.runtime().clone(), ours).unwrap();
    assert!(ours.local_address().is_unnamed() && ours.peer_address().is_unnamed());
    context.within(ours.send(b"to std")).await.unwrap();
    assert_eq!(theirs.recv(&mut [0; 8]).unwrap(), 6);
    theirs.send(b"back").unwrap();
    let given = ours.into_std().unwrap();
    assert_eq!(given.recv(&mut [0; 8]).unwrap(), 4);
}

async fn a_stream_is_refused_as_a_datagram_socket(context: Context) {
    let runtime = || context.runtime().clone();
    let (one, other) = StdStream::pair().unwrap();
    let error = UnixDatagram::from_fd(runtime(), one.into()).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Type), "{error:?}");
    assert_eq!(error.expected(), "an unconnected UNIX datagram socket");
    assert_eq!(error.found(), Some("a UNIX stream socket"));
    let error = ConnectedUnixDatagram::from_fd(runtime(), other.into()).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Type), "{error:?}");
    let udp = context.udp().await.into_fd().unwrap();
    let error = UnixDatagram::from_fd(runtime(), udp).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Family), "{error:?}");
}

async fn a_datagram_socket_that_is_not_connected_is_no_connected_one(context: Context) {
    let (socket, address) = bound(&context, Type::DGRAM);
    for socket in [socket.into(), StdDatagram::unbound().unwrap()] {
        let error = ConnectedUnixDatagram::from_std(context.runtime().clone(), socket).unwrap_err();
        assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
        assert_eq!(error.expected(), "a connected UNIX datagram socket");
    }
    if let Some(path) = address.path() {
        fs::remove_file(path).unwrap();
    }
    let (paired, _other) = StdDatagram::pair().unwrap();
    let error = UnixDatagram::from_std(context.runtime().clone(), paired).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
}

async fn an_end_of_a_pair_knows_who_made_it(context: Context) {
    let pid = cfg!(target_os = "linux").then(std::process::id);
    let us = PeerCredentials::new(pid, geteuid().as_raw(), getegid().as_raw());
    let (one, _other) = ConnectedUnixDatagram::pair_on(context.runtime()).unwrap();
    assert_eq!(one.peer_credentials().unwrap(), us);
    assert_eq!(one.attribute(), Some(us));
    let (socket, address) = bound(&context, Type::DGRAM);
    let ours = StdDatagram::from(std::os::fd::OwnedFd::from(socket));
    let connected = ConnectedUnixDatagram::connect_on(context.runtime(), address.clone());
    let connected = context.within(connected.into_future()).await.unwrap();
    assert!(
        connected.try_attribute::<PeerCredentials>().is_err(),
        "the system does not tell"
    );
    drop(ours);
    if let Some(path) = address.path() {
        fs::remove_file(path).unwrap();
    }
}
