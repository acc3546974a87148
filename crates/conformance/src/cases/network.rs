//! What every network is: connections and their listeners, whatever they are made of.

pub(super) mod datagram;

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anynet_core::{
    AcceptError, Attributes, AttributesExt, BoxStream, BoxTask, ByteReceiveStreamExt, ByteSendStreamExt,
    Cause, ConnectError, Executor, Family, Listener, LocalAddress, Network, PeerAddress, ReceiveError,
    Result, SendError,
};
use anynet_util::serve;

use crate::Ground;
use crate::case::cases;
use crate::steps::{assert_is, closer};

cases![given Ground:
    where_nobody_listens_a_connect_is_refused,
    an_address_that_somebody_listens_on_is_in_use,
    an_address_is_free_again_once_its_listener_is_gone,
    an_unspecified_address_is_reached_as_every_other,
    both_ends_know_their_addresses_to_the_last,
    a_client_that_sent_and_closed_before_the_accept_is_heard,
    each_of_many_accepts_gets_one_client,
    an_accept_that_is_dropped_loses_no_client,
    a_closer_ends_every_accept,
    an_abort_breaks_the_peer_for_good,
    bytes_that_came_before_an_abort_are_received_first,
    an_abort_seen_by_a_send_is_no_clean_end_for_a_receive,
    a_stream_dropped_with_bytes_unread_breaks_its_peer,
    a_stream_closed_with_bytes_unread_ends_in_order,
    a_stream_that_is_always_ready_gives_others_their_turn,
    its_listeners_are_served,
];

async fn where_nobody_listens_a_connect_is_refused(context: Ground) {
    for _attempt in 0..20 {
        let (listener, address) = context.any_listener().await;
        drop(listener);
        match context.within(context.network().connect(address)).await {
            // Somebody else was given the port meanwhile.
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
                let ConnectError::Failed { attempts, .. } = error else {
                    panic!("{error:?}");
                };
                assert_eq!(attempts.len(), 1);
                assert_eq!(attempts[0].address, address);
                return;
            }
        }
    }
    panic!("somebody listens everywhere");
}

async fn an_address_that_somebody_listens_on_is_in_use(context: Ground) {
    let (_listener, address) = context.any_listener().await;
    assert_ne!(address.port(), 0, "the network has chosen");
    let refused = context.within(context.network().listen(address)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::AddrInUse);
}

async fn an_address_is_free_again_once_its_listener_is_gone(context: Ground) {
    let (listener, address) = context.any_listener().await;
    let _connected = context.within(context.network().connect(address)).await.unwrap();
    let _accepted = context.within(listener.accept()).await.unwrap();
    drop(listener);
    context.within(context.network().listen(address)).await.unwrap();
}

async fn an_unspecified_address_is_reached_as_every_other(context: Ground) {
    let everywhere: IpAddr = match context.loopback {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let mut wide = context.clone();
    wide.loopback.set_ip(everywhere);
    let (listener, address) = wide.any_listener().await;
    for ip in [everywhere, context.loopback.ip()] {
        let to = SocketAddr::new(ip, address.port());
        let connected = context.within(context.network().connect(to)).await.unwrap();
        let accepted = context.within(listener.accept()).await.unwrap();
        assert_eq!(peer(&connected), (context.loopback.ip(), address.port()).into());
        assert_eq!(peer(&accepted), local(&connected));
    }
}

async fn both_ends_know_their_addresses_to_the_last(context: Ground) {
    let (listener, address) = context.any_listener().await;
    assert!(listener.attribute::<PeerAddress>().is_none());
    let mut connected = context.within(context.network().connect(address)).await.unwrap();
    let mut accepted = context.within(listener.accept()).await.unwrap();
    let client = local(&connected);
    assert_ne!(client, address);
    for _before_and_after_the_close in 0..2 {
        assert_eq!((local(&connected), peer(&connected)), (client, address));
        assert_eq!((local(&accepted), peer(&accepted)), (address, client));
        let family = if address.is_ipv4() {
            Family::Ipv4
        } else {
            Family::Ipv6
        };
        assert_eq!(connected.attribute(), Some(family));
        assert_eq!(listener.attribute(), Some(family));
        context.within(connected.close()).await.unwrap();
        context.within(accepted.close()).await.unwrap();
    }
}

async fn a_client_that_sent_and_closed_before_the_accept_is_heard(context: Ground) {
    let (listener, address) = context.any_listener().await;
    let mut connected = context.within(context.network().connect(address)).await.unwrap();
    context.within(connected.send(b"x")).await.unwrap();
    context.within(connected.close()).await.unwrap();
    drop(connected);
    context.settle().await;
    let mut accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(context.receive_to_end(&mut accepted).await, b"x");
}

async fn each_of_many_accepts_gets_one_client(context: Ground) {
    let (listener, address) = context.any_listener().await;
    let accepts = async {
        let mut accepts = [(); 3].map(|()| Box::pin(listener.accept()));
        let mut accepted = Vec::new();
        for accept in &mut accepts {
            context.assert_waits(accept).await;
        }
        let mut clients = Vec::new();
        for accept in accepts {
            clients.push(context.within(context.network().connect(address)).await.unwrap());
            accepted.push(context.within(accept).await.unwrap());
        }
        (clients, accepted)
    };
    let (clients, accepted) = accepts.await;
    let mut known: Vec<_> = clients.iter().map(local).collect();
    let mut seen: Vec<_> = accepted.iter().map(peer).collect();
    known.sort();
    seen.sort();
    assert_eq!(known, seen);
}

async fn an_accept_that_is_dropped_loses_no_client(context: Ground) {
    let (listener, address) = context.any_listener().await;
    let mut accept = Box::pin(listener.accept());
    context.assert_waits(&mut accept).await;
    let client = context.within(context.network().connect(address)).await.unwrap();
    context.settle().await;
    drop(accept);
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(peer(&accepted), local(&client));
}

async fn a_closer_ends_every_accept(context: Ground) {
    let (listener, _) = context.any_listener().await;
    let closer = closer(&listener);
    let mut accepts = [(); 2].map(|()| Box::pin(listener.accept()));
    for accept in &mut accepts {
        context.assert_waits(accept).await;
    }
    closer.close();
    for accept in accepts {
        assert_is!(context.within(accept).await.map(drop), Err(AcceptError::Closed));
    }
    assert_is!(
        context.within(listener.accept()).await.map(drop),
        Err(AcceptError::Closed)
    );
}

async fn an_abort_breaks_the_peer_for_good(context: Ground) {
    for while_it_waits in [false, true] {
        let (mut ours, theirs) = context.pair().await;
        let mut buf = [0; 8];
        let mut receive = ours.receive(&mut buf);
        if while_it_waits {
            context.assert_waits(&mut receive).await;
        }
        closer(&theirs).abort();
        assert_reset(context.within(receive).await);
        for _ in 0..3 {
            assert_reset(context.within(ours.receive(&mut buf)).await);
            assert_reset_send(context.within(ours.send(b"x")).await);
            assert_reset_send(context.within(ours.send(b"")).await);
            assert_reset_send(context.within(ours.send_eof()).await);
        }
        context.within(ours.close()).await.unwrap();
        assert_is!(
            context.within(ours.receive(&mut buf)).await,
            Err(ReceiveError::Closed)
        );
    }
}

async fn bytes_that_came_before_an_abort_are_received_first(context: Ground) {
    for a_send_sees_it_first in [false, true] {
        let (mut ours, mut theirs) = context.pair().await;
        context.within(theirs.send(b"first")).await.unwrap();
        context.settle().await;
        closer(&theirs).abort();
        context.settle().await;
        if a_send_sees_it_first {
            assert_reset_send(context.within(ours.send(b"x")).await);
        }
        let (received, end) = context.drain(&mut ours).await;
        assert_eq!(received, b"first");
        assert_is!(end, ReceiveError::Broken(_));
    }
}

async fn an_abort_seen_by_a_send_is_no_clean_end_for_a_receive(context: Ground) {
    let (mut ours, theirs) = context.pair().await;
    closer(&theirs).abort();
    context.settle().await;
    assert_reset_send(context.within(ours.send(b"x")).await);
    for _ in 0..3 {
        assert_reset(context.within(ours.receive(&mut [0; 1])).await);
    }
}

async fn a_stream_dropped_with_bytes_unread_breaks_its_peer(context: Ground) {
    let (mut ours, theirs) = context.pair().await;
    context.within(ours.send(b"never received")).await.unwrap();
    context.settle().await;
    drop(theirs);
    assert_reset(context.within(ours.receive(&mut [0; 1])).await);
}

async fn a_stream_closed_with_bytes_unread_ends_in_order(context: Ground) {
    let (mut ours, mut theirs) = context.pair().await;
    context.within(ours.send(b"never received")).await.unwrap();
    context.within(theirs.send(b"the last")).await.unwrap();
    context.settle().await;
    context.within(theirs.close()).await.unwrap();
    drop(theirs);
    assert_eq!(context.receive_to_end(&mut ours).await, b"the last");
}

async fn a_stream_that_is_always_ready_gives_others_their_turn(context: Ground) {
    let (mut ours, _theirs) = context.pair().await;
    let _busy: BoxTask<()> = context.network().spawn(async move {
        loop {
            ours.send_ready().await.unwrap();
        }
    });
    for _ in 0..10 {
        context.network().spawn(async {}).await;
    }
}

async fn its_listeners_are_served(context: Ground) {
    let (listener, address) = context.any_listener().await;
    let closer = closer(&listener);
    let serving = context.spawn(async move {
        let echo = |mut stream: BoxStream| async move {
            let mut buf = [0; 8];
            let n = stream.receive(&mut buf).await?;
            Result::Ok(stream.send(&buf[..n]).await?)
        };
        serve(&listener, echo).await
    });
    for data in [b"one", b"two"] {
        let mut client = context.within(context.network().connect(address)).await.unwrap();
        context.within(client.send(data)).await.unwrap();
        assert_eq!(context.receive_to_end(&mut client).await, data);
    }
    closer.close();
    context.within(serving).await.unwrap();
}

fn local(stream: &(impl Attributes + ?Sized)) -> SocketAddr {
    let LocalAddress(address) = stream.attribute().expect("every stream has a local address");
    address.socket_addr().expect("an IP address")
}

fn peer(stream: &(impl Attributes + ?Sized)) -> SocketAddr {
    let PeerAddress(address) = stream.attribute().expect("every stream has a peer");
    address.socket_addr().expect("an IP address")
}

fn assert_reset<T: std::fmt::Debug>(received: Result<T, ReceiveError>) {
    match received {
        Err(ReceiveError::Broken(cause)) => assert_is_reset(&cause),
        other => panic!("expected a broken stream, got {other:?}"),
    }
}

fn assert_reset_send<T: std::fmt::Debug>(sent: Result<T, SendError>) {
    match sent {
        Err(SendError::Broken(cause)) => assert_is_reset(&cause),
        other => panic!("expected a broken stream, got {other:?}"),
    }
}

fn assert_is_reset(cause: &Cause) {
    assert_eq!(cause.kind(), ErrorKind::ConnectionReset);
}
