//! UDP sockets that were made elsewhere, and given away.

use std::io;
use std::net::{TcpListener as StdListener, UdpSocket as StdUdp};
use std::os::fd::{AsFd, AsRawFd};

use anynet_core::{AttributesExt, BoxDatagram, Closer, Family, LocalAddress, PeerAddress};
use anynet_sockets::{AdoptFault, ConnectedUdpSocket, UdpSocket};
use socket2::Type;

use super::{connected, family, modes, socket};
use crate::Context;
use crate::case::cases;

cases![
    a_bound_datagram_socket_becomes_a_udp_socket,
    a_connected_datagram_socket_becomes_a_connected_udp_socket,
    a_stream_socket_is_refused_as_a_udp_socket_and_both_kinds_are_named,
    a_datagram_socket_that_is_only_bound_is_no_connected_one,
    a_connected_datagram_socket_is_no_unconnected_one,
    a_datagram_socket_that_is_not_bound_is_refused,
    a_udp_socket_is_given_away_with_what_has_arrived,
    a_clone_of_a_udp_socket_goes_on_after_the_other_is_closed,
    a_boxed_udp_socket_answers_as_the_socket_does,
];

fn bound(context: &Context) -> StdUdp {
    StdUdp::bind(context.loopback).unwrap()
}

/// Two sockets that are connected to each other.
fn pair(context: &Context) -> (StdUdp, StdUdp) {
    let (one, other) = (bound(context), bound(context));
    one.connect(other.local_addr().unwrap()).unwrap();
    other.connect(one.local_addr().unwrap()).unwrap();
    (one, other)
}

async fn a_bound_datagram_socket_becomes_a_udp_socket(context: Context) {
    let (ours, theirs) = (bound(&context), bound(&context));
    let (address, number) = (ours.local_addr().unwrap(), ours.as_raw_fd());
    let ours = UdpSocket::from_std(context.runtime().clone(), ours).unwrap();
    assert_eq!((ours.as_fd().as_raw_fd(), modes(&ours)), (number, (true, true)));
    assert_eq!(ours.local_address(), address);
    assert_eq!(ours.attribute::<Family>(), Some(family(&context)));
    assert_eq!(ours.attribute::<PeerAddress>(), None);
    theirs.send_to(b"question", address).unwrap();
    let mut buf = [0; 16];
    let (received, sender) = context.within(ours.receive_from(&mut buf)).await.unwrap();
    assert_eq!(
        (&buf[..received.length], Ok(sender)),
        (&b"question"[..], theirs.local_addr().map_err(drop))
    );
    context.within(ours.send_to(b"answer", sender)).await.unwrap();
    assert_eq!(theirs.recv_from(&mut buf).unwrap(), (6, address));
}

async fn a_connected_datagram_socket_becomes_a_connected_udp_socket(context: Context) {
    let (ours, theirs) = pair(&context);
    let addresses = (ours.local_addr().unwrap(), ours.peer_addr().unwrap());
    let ours = ConnectedUdpSocket::from_std(context.runtime().clone(), ours).unwrap();
    assert_eq!((ours.local_address(), ours.peer_address()), addresses);
    context.within(ours.send(b"to std")).await.unwrap();
    let mut buf = [0; 16];
    assert_eq!(theirs.recv(&mut buf).unwrap(), 6);
    theirs.send(b"back").unwrap();
    assert_eq!(context.within(ours.receive(&mut buf)).await.unwrap().length, 4);
}

async fn a_stream_socket_is_refused_as_a_udp_socket_and_both_kinds_are_named(context: Context) {
    let runtime = || context.runtime().clone();
    let found = format!("an {} stream socket", family(&context));
    let listening = StdListener::bind(context.loopback).unwrap();
    let error = UdpSocket::from_fd(runtime(), listening.into()).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Type), "{error:?}");
    assert_eq!(error.expected(), "a bound, unconnected UDP socket");
    assert!(error.found().is_some_and(|it| it.starts_with(&found)), "{error}");
    let (stream, _peer) = connected(&context);
    let error = ConnectedUdpSocket::from_fd(runtime(), stream.into()).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::Type), "{error:?}");
    assert_eq!(error.expected(), "a connected UDP socket");
    assert!(error.found().is_some_and(|it| it.starts_with(&found)), "{error}");
}

async fn a_datagram_socket_that_is_only_bound_is_no_connected_one(context: Context) {
    let error = ConnectedUdpSocket::from_std(context.runtime().clone(), bound(&context)).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    assert!(!modes(error.into_fd()).0);
}

async fn a_connected_datagram_socket_is_no_unconnected_one(context: Context) {
    let (ours, _theirs) = pair(&context);
    let error = UdpSocket::from_std(context.runtime().clone(), ours).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    assert!(error.to_string().ends_with(", connected"), "{error}");
}

async fn a_datagram_socket_that_is_not_bound_is_refused(context: Context) {
    let unbound = socket(&context, Type::DGRAM);
    let error = UdpSocket::from_fd(context.runtime().clone(), unbound.into()).unwrap_err();
    assert!(matches!(error.fault(), AdoptFault::State), "{error:?}");
    assert!(
        error.to_string().ends_with("neither bound nor connected"),
        "{error}"
    );
}

async fn a_udp_socket_is_given_away_with_what_has_arrived(context: Context) {
    let (ours, theirs) = (context.udp().await, bound(&context));
    let address = ours.local_address();
    // What waited and was given up does not hold on to the descriptor.
    context
        .assert_waits(&mut Box::pin(ours.receive(&mut [0; 1])))
        .await;
    theirs.send_to(b"waiting", address).unwrap();
    let given = ours.into_std().unwrap();
    given.set_nonblocking(false).unwrap();
    assert_eq!(given.local_addr().unwrap(), address);
    assert_eq!(given.recv(&mut [0; 16]).unwrap(), 7);

    let closed = context.udp().await;
    closed.closer().close();
    assert!(closed.try_clone().is_err(), "nothing is left to duplicate");
    let refused = closed.into_fd().unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::NotConnected);
    assert!(refused.into_socket().raw_socket().is_none());
}

async fn a_clone_of_a_udp_socket_goes_on_after_the_other_is_closed(context: Context) {
    let mut ours = context.udp().await;
    let clone = ours.try_clone().unwrap();
    assert_ne!(clone.as_fd().as_raw_fd(), ours.as_fd().as_raw_fd());
    assert_eq!(clone.local_address(), ours.local_address());
    let theirs = context.connected_udp(ours.local_address()).await;
    context.within(theirs.send(b"for both")).await.unwrap();
    context.within(ours.peek(&mut [0; 8])).await.unwrap();
    ours.close();
    assert_eq!(
        context.within(clone.receive(&mut [0; 8])).await.unwrap().length,
        8
    );
    let clone = theirs.try_clone().unwrap();
    assert_eq!(clone.peer_address(), theirs.peer_address());
}

async fn a_boxed_udp_socket_answers_as_the_socket_does(context: Context) {
    let (ours, _theirs) = pair(&context);
    let ours = ConnectedUdpSocket::from_std(context.runtime().clone(), ours).unwrap();
    let (local, peer) = (ours.local_address(), ours.peer_address());
    let number = ours.as_fd().as_raw_fd();
    let boxed = BoxDatagram::new(ours);
    assert_eq!(boxed.attribute::<LocalAddress>().unwrap().0, local);
    assert_eq!(boxed.attribute::<PeerAddress>().unwrap().0, peer);
    assert_eq!(boxed.attribute::<Family>(), Some(family(&context)));
    assert_eq!(boxed.raw_socket().unwrap().as_raw_fd(), number);
    boxed.attribute::<Closer>().unwrap().close();
    assert!(boxed.raw_socket().is_none());
    assert_eq!(boxed.attribute::<LocalAddress>().unwrap().0, local);
}
