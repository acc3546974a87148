//! What streams and listeners say about themselves.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream as StdStream};
use std::os::fd::{AsFd, AsRawFd};

use anynet_core::{
    Address, Attributes, AttributesExt, BoxListener, BoxNetwork, BoxRuntime, BoxStream, Closer, Family,
    Listener, LocalAddress, Network, PeerAddress, ReceiveError, Request,
};
use anynet_sockets::TcpStream;
use socket2::SockRef;

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::Descriptor;

cases![
    the_addresses_equal_those_of_the_raw_socket,
    the_addresses_outlive_a_reset_and_a_close,
    an_accepted_stream_knows_both_addresses,
    a_connection_to_the_unspecified_address_reports_where_it_went,
    boxes_and_halves_answer_as_the_stream_does,
    the_family_is_that_of_the_addresses_and_outlives_them,
    the_raw_socket_is_lent_through_every_wrapper,
    the_raw_socket_is_gone_after_a_close,
    what_cannot_be_read_is_not_what_no_layer_has,
    a_socket_debugs_as_its_addresses_in_a_line,
];

async fn the_addresses_equal_those_of_the_raw_socket(context: Context) {
    let (connected, accepted) = context.tcp_pair().await;
    for stream in [&connected, &accepted] {
        let raw = SockRef::from(stream);
        let local = raw.local_addr().unwrap().as_socket().unwrap();
        let peer = raw.peer_addr().unwrap().as_socket().unwrap();
        assert_eq!((stream.local_address(), stream.peer_address()), (local, peer));
        assert_eq!(addresses(stream), (Some(local), Some(peer)));
    }
    assert_eq!(connected.local_address(), accepted.peer_address());
    assert_eq!(connected.peer_address(), accepted.local_address());
}

async fn a_socket_debugs_as_its_addresses_in_a_line(context: Context) {
    let (mut stream, accepted) = context.tcp_pair().await;
    let (local, peer) = (stream.local_address(), stream.peer_address());
    let fd = stream.as_fd().as_raw_fd();
    let open = format!("StreamSocket(TCP {{ fd: {fd}, local: {local}, peer: {peer} }})");
    assert_eq!(format!("{stream:?}"), open);
    context.within(stream.close()).await.unwrap();
    let closed = format!("StreamSocket(TCP {{ fd: closed, local: {local}, peer: {peer} }})");
    assert_eq!(format!("{stream:?}"), closed);
    let (receive, send) = accepted.into_split();
    for (half, name) in [
        (format!("{receive:?}"), "StreamReceiveHalf"),
        (format!("{send:?}"), "StreamSendHalf"),
    ] {
        assert!(
            half.starts_with(name) && half.contains(&peer.to_string()),
            "{half}"
        );
    }
    let listener = format!("{:?}", context.listener().await);
    assert!(!listener.contains("peer") && listener.len() < 80, "{listener}");
}

async fn the_addresses_outlive_a_reset_and_a_close(context: Context) {
    let wildcard: SocketAddr = (unspecified(context.loopback), 0).into();
    for listen_on in [context.loopback, wildcard] {
        let listener = context.within(context.network().listen(listen_on)).await.unwrap();
        let to = SocketAddr::new(context.loopback.ip(), listener.local_address().port());
        for end in ENDS {
            let connected = context.connect(to).await;
            let accepted = context.within(listener.accept()).await.unwrap();
            // Only one of the two may be asked beforehand: what was asked is remembered.
            end_and_check(&context, connected, accepted, *end).await;
            let connected = context.connect(to).await;
            let accepted = context.within(listener.accept()).await.unwrap();
            end_and_check(&context, accepted, connected, *end).await;
        }
    }
}

async fn an_accepted_stream_knows_both_addresses(context: Context) {
    let wildcard: SocketAddr = (unspecified(context.loopback), 0).into();
    for listen_on in [context.loopback, wildcard] {
        let listener = context.within(context.network().listen(listen_on)).await.unwrap();
        let to = SocketAddr::new(context.loopback.ip(), listener.local_address().port());
        let client = StdStream::connect(to).unwrap();
        let accepted = context.within(listener.accept()).await.unwrap();
        assert_eq!(accepted.local_address(), to);
        assert_eq!(accepted.peer_address(), client.local_addr().unwrap());
        assert_eq!(addresses(&accepted), (Some(to), client.local_addr().ok()));
    }
}

async fn a_connection_to_the_unspecified_address_reports_where_it_went(context: Context) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable(
            "not every system takes the unspecified address for loopback",
        ));
    }
    let listener = context.listener().await;
    let to = SocketAddr::new(unspecified(context.loopback), listener.local_address().port());
    let connected = context.connect(to).await;
    assert_eq!(connected.peer_address(), listener.local_address());
    Ok(())
}

async fn boxes_and_halves_answer_as_the_stream_does(context: Context) {
    let (stream, _peer) = context.tcp_pair().await;
    let expected = (Some(stream.local_address()), Some(stream.peer_address()));
    assert!(stream.attribute::<Closer>().is_some());
    let (receive, send) = stream.into_split();
    assert_eq!(addresses(&receive), expected, "the receive half");
    assert_eq!(addresses(&send), expected, "the send half");
    let boxed: BoxStream = Box::new(receive.reunite(send).unwrap());
    assert_eq!(addresses(&boxed), expected, "the boxed stream");
    assert!(boxed.attribute::<Closer>().is_some());

    let network = BoxNetwork::new(context.network());
    let listener: BoxListener = context.within(network.listen(context.loopback)).await.unwrap();
    let (Some(address), None) = addresses(&listener) else {
        panic!("a boxed listener has a local address alone");
    };
    let boxed = context.within(network.connect(address)).await.unwrap();
    let accepted = context.within(listener.accept()).await.unwrap();
    let (local, peer) = addresses(&accepted);
    assert_eq!(local, Some(address));
    assert_eq!(
        addresses(&boxed),
        (peer, local),
        "the same two addresses from the other end"
    );
    listener
        .attribute::<Closer>()
        .expect("a listener has a closer")
        .close();
    assert!(context.within(listener.accept()).await.is_err());
}

async fn the_family_is_that_of_the_addresses_and_outlives_them(context: Context) {
    let family = Some(Address::from(context.loopback).family());
    let listener = context.listener().await;
    assert_eq!(listener.attribute::<Family>(), family);
    let mut connected = context.connect(listener.local_address()).await;
    let mut accepted = context.within(listener.accept()).await.unwrap();
    connected.abort();
    assert_eq!(connected.attribute::<Family>(), family, "aborted");
    let received = context.within(accepted.receive(&mut [0; 1])).await;
    assert!(matches!(received, Err(ReceiveError::Broken(_))), "{received:?}");
    let boxed: BoxStream = Box::new(accepted);
    assert_eq!(boxed.attribute::<Family>(), family, "reset");
}

async fn the_raw_socket_is_lent_through_every_wrapper(context: Context) {
    let number = |of: &dyn Attributes| of.raw_socket().map(|socket| socket.as_raw_fd());
    let (stream, _peer) = context.tcp_pair().await;
    let expected = Some(stream.as_fd().as_raw_fd());
    assert_eq!(number(&stream), expected);
    let (receive, send) = stream.into_split();
    assert_eq!(
        (number(&receive), number(&send)),
        (expected, expected),
        "the halves"
    );
    let boxed: BoxStream = Box::new(receive.reunite(send).unwrap());
    assert_eq!(number(&boxed), expected, "the boxed stream");
    let socket = boxed.raw_socket().unwrap();
    SockRef::from(&socket).set_keepalive(true).unwrap();
    assert!(
        SockRef::from(&socket).keepalive().unwrap(),
        "it is the socket itself"
    );

    let network = BoxNetwork::new(context.network());
    let listener = context.within(network.listen(context.loopback)).await.unwrap();
    let socket = listener.raw_socket().expect("a boxed listener has one");
    let address = SockRef::from(&socket).local_addr().unwrap().as_socket();
    assert_eq!(address, addresses(&listener).0);
}

async fn the_raw_socket_is_gone_after_a_close(context: Context) -> Outcome {
    let (mut stream, _peer) = context.tcp_pair().await;
    let descriptor = Descriptor::of(&stream)?;
    assert!(stream.raw_socket().is_some());
    context.within(stream.close()).await.unwrap();
    assert!(stream.raw_socket().is_none());
    assert!(!descriptor.is_open(), "asking for it has kept nothing open");

    let (stream, _peer) = context.tcp_pair().await;
    stream.closer().close();
    assert!(stream.raw_socket().is_none(), "closed from another task");
    let listener = context.listener().await;
    listener.closer().close();
    assert!(listener.raw_socket().is_none(), "a listener");
    Ok(())
}

async fn what_cannot_be_read_is_not_what_no_layer_has(context: Context) {
    /// A layer that has an attribute, and cannot read it.
    struct Sealed<S>(S);
    #[derive(Debug)]
    struct Seal;
    impl<S: Attributes> Attributes for Sealed<S> {
        fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
            request.try_provide::<Seal>(|| Err(io::ErrorKind::PermissionDenied.into()));
            self.0.attributes(request);
        }
    }
    let (stream, _peer) = context.tcp_pair().await;
    assert!(
        matches!(stream.try_attribute::<Seal>(), Ok(None)),
        "no layer has it"
    );
    let twice = Sealed(Sealed(stream));
    let boxed: &dyn Attributes = &twice;
    let error = boxed.try_attribute::<Seal>().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(boxed.attribute::<Seal>().is_none());
    assert!(
        boxed.try_attribute::<LocalAddress>().unwrap().is_some(),
        "others can be read"
    );
}

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
enum End {
    ResetByPeer,
    Close,
    Abort,
    Closer,
    AbortingCloser,
    Halves,
}

const ENDS: &[End] = &[
    End::ResetByPeer,
    End::Close,
    End::Abort,
    End::Closer,
    End::AbortingCloser,
    End::Halves,
];

/// Ends `stream` before it was ever asked for its addresses, and asks then; and again once it is closed.
async fn end_and_check(
    context: &Context,
    mut stream: TcpStream<BoxRuntime>,
    mut peer: TcpStream<BoxRuntime>,
    end: End,
) {
    let expected = (peer.peer_address(), peer.local_address());
    match end {
        End::ResetByPeer => {
            peer.abort();
            let received = context.within(stream.receive(&mut [0; 1])).await;
            assert!(matches!(received, Err(ReceiveError::Broken(_))), "{received:?}");
        }
        End::Close => context.within(stream.close()).await.unwrap(),
        End::Abort => stream.abort(),
        End::Closer => stream.closer().close(),
        End::AbortingCloser => stream.closer().abort(),
        End::Halves => {
            let (mut receive, mut send) = stream.into_split();
            receive.close();
            assert_eq!(
                (receive.local_address(), receive.peer_address()),
                expected,
                "{end:?}"
            );
            context.within(send.close()).await.unwrap();
            assert_eq!((send.local_address(), send.peer_address()), expected, "{end:?}");
            return;
        }
    }
    assert_eq!(
        (stream.local_address(), stream.peer_address()),
        expected,
        "{end:?}"
    );
    context.within(stream.close()).await.unwrap();
    assert_eq!(
        (stream.local_address(), stream.peer_address()),
        expected,
        "{end:?}, closed"
    );
    assert_eq!(
        addresses(&stream),
        (Some(expected.0), Some(expected.1)),
        "{end:?}, closed"
    );
}

/// The local and the peer address, asked for as attributes.
fn addresses(of: &(impl Attributes + ?Sized)) -> (Option<SocketAddr>, Option<SocketAddr>) {
    let local = of
        .attribute::<LocalAddress>()
        .and_then(|LocalAddress(address)| address.socket_addr());
    let peer = of
        .attribute::<PeerAddress>()
        .and_then(|PeerAddress(address)| address.socket_addr());
    (local, peer)
}

fn unspecified(loopback: SocketAddr) -> IpAddr {
    match loopback {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}
