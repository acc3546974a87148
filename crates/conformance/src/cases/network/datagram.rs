//! What every network does with datagrams.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anynet_core::{
    Address, AttributesExt, BoxDatagram, Datagram, LocalAddress, Network, PeerAddress, ReceiveError,
    SendError,
};

use crate::Ground;
use crate::case::cases;
use crate::steps::{assert_is, closer};

cases![given Ground:
    a_datagram_tells_its_length_and_its_sender,
    a_datagram_of_no_bytes_is_a_datagram,
    a_datagram_longer_than_the_buffer_is_cut_and_says_so,
    a_datagram_that_cannot_be_sent_says_why_and_the_socket_is_well,
    an_address_that_somebody_bound_is_taken,
    a_closer_ends_every_receive_of_datagrams,
    a_receive_of_a_datagram_that_is_dropped_has_taken_none,
];

async fn a_datagram_tells_its_length_and_its_sender(context: Ground) {
    let (one, other) = (context.datagrams().await, context.datagrams().await);
    assert!(one.attribute::<PeerAddress>().is_none());
    let mut buf = [0; 16];
    for (from, to) in [(&one, &other), (&other, &one)] {
        let mut receive = Box::pin(to.receive_from(&mut buf));
        context.assert_waits(&mut receive).await;
        context
            .within(from.send_to(b"hello", &address(to)))
            .await
            .unwrap();
        let (received, sender) = context.within(receive).await.unwrap();
        assert_eq!((received.length, received.truncated), (5, false));
        assert_eq!(sender, address(from));
        assert_eq!(&buf[..5], b"hello");
    }
}

async fn a_datagram_of_no_bytes_is_a_datagram(context: Ground) {
    let (one, other) = (context.datagrams().await, context.datagrams().await);
    for data in [&b""[..], b"x"] {
        context.within(one.send_to(data, &address(&other))).await.unwrap();
    }
    for length in [0, 1] {
        let received = context.within(other.receive(&mut [0; 8])).await.unwrap();
        assert_eq!((received.length, received.truncated), (length, false));
    }
}

async fn a_datagram_longer_than_the_buffer_is_cut_and_says_so(context: Ground) {
    let (one, other) = (context.datagrams().await, context.datagrams().await);
    for data in [b"cut off", b"cut off", b"entire."] {
        context.within(one.send_to(data, &address(&other))).await.unwrap();
    }
    let mut buf = [0; 7];
    // Into nothing nothing is received, nor cut.
    assert_is!(
        context.within(other.receive(&mut [])).await,
        Err(ReceiveError::EmptyBuffer)
    );
    for room in [3, 6, 7] {
        let received = context.within(other.receive(&mut buf[..room])).await.unwrap();
        assert_eq!((received.length, received.truncated), (room, room < 7));
    }
    assert_eq!(&buf, b"entire.", "the next one is not the rest of the last");
}

async fn a_datagram_that_cannot_be_sent_says_why_and_the_socket_is_well(context: Ground) {
    let (one, other) = (context.datagrams().await, context.datagrams().await);
    assert_is!(context.within(one.send(b"x")).await, Err(SendError::NotSent(_)));
    let other_family = SocketAddr::from(match context.loopback {
        SocketAddr::V4(_) => (std::net::IpAddr::from(Ipv6Addr::LOCALHOST), 9),
        SocketAddr::V6(_) => (std::net::IpAddr::from(Ipv4Addr::LOCALHOST), 9),
    });
    let sent = context.within(one.send_to(b"x", &other_family.into())).await;
    assert_is!(sent, Err(SendError::NotSent(_)));
    let long = vec![0; 70_000];
    let sent = context.within(one.send_to(&long, &address(&other))).await;
    assert_is!(sent, Err(SendError::TooLong(_)));
    context.within(one.send_to(b"x", &address(&other))).await.unwrap();
    context.within(other.receive(&mut [0; 8])).await.unwrap();
}

async fn an_address_that_somebody_bound_is_taken(context: Ground) {
    let one = context.datagrams().await;
    let address = address(&one).socket_addr().unwrap();
    assert_ne!(address.port(), 0, "the network has chosen");
    let refused = context.within(context.network().bind(address)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(one);
    context.within(context.network().bind(address)).await.unwrap();
}

async fn a_closer_ends_every_receive_of_datagrams(context: Ground) {
    let one = context.datagrams().await;
    let (mut here, mut there) = ([0; 1], [0; 1]);
    let mut receives = [&mut here, &mut there].map(|buf| Box::pin(one.receive(buf)));
    for receive in &mut receives {
        context.assert_waits(receive).await;
    }
    closer(&one).close();
    for receive in receives {
        assert_is!(context.within(receive).await, Err(ReceiveError::Closed));
    }
    let sent = context.within(one.send_to(b"x", &address(&one))).await;
    assert_is!(sent, Err(SendError::Closed));
    assert_is!(context.within(one.send(b"x")).await, Err(SendError::Closed));
}

async fn a_receive_of_a_datagram_that_is_dropped_has_taken_none(context: Ground) {
    let (one, other) = (context.datagrams().await, context.datagrams().await);
    let mut buf = [0; 8];
    let mut receive = Box::pin(other.receive(&mut buf));
    context.assert_waits(&mut receive).await;
    context.within(one.send_to(b"x", &address(&other))).await.unwrap();
    context.settle().await;
    drop(receive);
    let received = context.within(other.receive(&mut buf)).await.unwrap();
    assert_eq!((received.length, buf[0]), (1, b'x'));
}

impl Ground {
    async fn datagrams(&self) -> BoxDatagram {
        let bound = self.within(self.network().bind(self.loopback)).await;
        bound.expect("loopback can be bound")
    }
}

fn address(datagrams: &BoxDatagram) -> Address {
    let LocalAddress(address) = datagrams.attribute().expect("every socket has an address");
    address
}
