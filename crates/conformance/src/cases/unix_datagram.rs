//! UNIX datagrams: names, files, and whatever they share with UDP.

pub(super) mod room;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram as StdDatagram;
use std::sync::Arc;

use anynet_core::{
    AttributesExt, BindError, BoxRuntime, Closer, ConnectError, Executor, LocalAddress, PeerAddress,
    PeerCredentials, ReceiveError, Received, SendError, UnixAddress, UnixAddressError,
};
use anynet_sockets::{ConnectedUnixDatagram, PathInUse, UnixDatagram};
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{FdFlags, fcntl_getfd};

use super::unix::file::Directory;
use crate::Context;
use crate::case::{Outcome, cases};
use crate::steps::assert_is;

cases![
    a_datagram_to_oneself_comes_back_with_ones_own_address,
    an_echo_comes_from_the_servers_address,
    a_connected_and_an_unconnected_socket_talk,
    an_echo_over_a_connected_socket_brings_every_datagram_back,
    the_ends_of_a_pair_talk,
    a_sender_without_a_name_is_unnamed,
    it_reports_its_own_address_and_no_peer,
    a_connected_socket_reports_both_its_addresses,
    a_name_may_have_any_bytes,
    a_datagram_of_no_bytes_is_a_datagram_and_a_longer_one_is_truncated,
    two_tasks_receive_and_each_datagram_goes_to_one_of_them,
    a_closer_wakes_every_blocked_receive,
    operations_on_a_closed_socket_are_closed,
    a_name_that_nobody_has_is_an_error_that_says_so,
    an_address_that_no_system_takes_is_a_typed_error,
    a_peer_that_is_gone_refuses_and_a_receive_waits_on,
    a_peer_that_drops_what_it_was_sent_is_told_once,
    a_name_in_use_is_refused,
    a_stale_file_is_replaced_and_ours_goes_with_the_socket,
    a_file_has_the_mode_asked_for_and_is_kept_if_asked,
];

type Unix = UnixDatagram<BoxRuntime>;
type Connected = ConnectedUnixDatagram<BoxRuntime>;

impl Context {
    /// A UNIX datagram socket with a name of its own.
    async fn unix_datagram(&self) -> Unix {
        let bind = UnixDatagram::bind_on(self.runtime(), self.unix_address());
        self.within(bind.into_future())
            .await
            .expect("the address is free")
    }

    /// One with a name of its own that is connected to `peer`.
    async fn connected_unix_datagram(&self, peer: &UnixAddress) -> Connected {
        let connect = ConnectedUnixDatagram::connect_on(self.runtime(), peer.clone());
        let connect = connect.local_address(self.unix_address());
        self.within(connect.into_future())
            .await
            .expect("somebody is there")
    }
}

async fn a_datagram_to_oneself_comes_back_with_ones_own_address(context: Context) {
    let socket = context.unix_datagram().await;
    let own = socket.local_address();
    let mut buf = [0; 16];
    for data in [&b"blah"[..], b"and again"] {
        context.within(socket.send_to(data, &own)).await.unwrap();
        let (received, sender) = context.within(socket.receive_from(&mut buf)).await.unwrap();
        assert_eq!((&buf[..received.length], &sender), (data, &own));
    }
}

async fn an_echo_comes_from_the_servers_address(context: Context) {
    let (server, client) = (context.unix_datagram().await, context.unix_datagram().await);
    let at = server.local_address();
    let echo = context.runtime().spawn(async move {
        let mut datagrams = server.datagrams(64);
        for _ in 0..2 {
            let (data, sender) = datagrams.next().await.unwrap().unwrap();
            let back: Vec<u8> = data.iter().rev().copied().collect();
            server.send_to(&back, sender).await.unwrap();
        }
    });
    let mut buf = [0; 64];
    for (there, back) in [(b"FOOBAR", b"RABOOF"), (b"123456", b"654321")] {
        context.within(client.send_to(there, &at)).await.unwrap();
        let (received, sender) = context.within(client.receive_from(&mut buf)).await.unwrap();
        assert_eq!((&buf[..received.length], &sender), (&back[..], &at));
    }
    context.within(echo).await;
}

async fn a_connected_and_an_unconnected_socket_talk(context: Context) {
    let server = context.unix_datagram().await;
    let client = context.connected_unix_datagram(&server.local_address()).await;
    let mut buf = [0; 16];
    context.within(client.send(b"there")).await.unwrap();
    let (received, sender) = context.within(server.receive_from(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"there");
    assert_eq!(sender, client.local_address());
    context.within(server.send_to(b"back", &sender)).await.unwrap();
    let received = context.within(client.receive(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"back");
    // Nobody else reaches the one that is connected.
    let stranger = context.unix_datagram().await;
    match context.within(stranger.send_to(b"x", &sender)).await {
        Err(SendError::NotSent(cause)) => assert_eq!(cause.kind(), io::ErrorKind::PermissionDenied),
        sent => panic!("{sent:?}"),
    }
}

async fn an_echo_over_a_connected_socket_brings_every_datagram_back(context: Context) {
    let server = context.unix_datagram().await;
    let client = context.connected_unix_datagram(&server.local_address()).await;
    let to = client.local_address();
    let echo = context.runtime().spawn(async move {
        let mut datagrams = client.datagrams(64);
        for _ in 0..2 {
            let data = datagrams.next().await.unwrap().unwrap().0.to_vec();
            client.send(&data).await.unwrap();
        }
    });
    let mut buf = [0; 64];
    for data in [b"one", b"two"] {
        context.within(server.send_to(data, &to)).await.unwrap();
        let (received, sender) = context.within(server.receive_from(&mut buf)).await.unwrap();
        assert_eq!((&buf[..received.length], &sender), (&data[..], &to));
    }
    context.within(echo).await;
}

async fn the_ends_of_a_pair_talk(context: Context) {
    let (one, other) = ConnectedUnixDatagram::pair_on(context.runtime()).unwrap();
    assert_eq!(one.local_address(), UnixAddress::Unnamed);
    assert_eq!(one.peer_address(), UnixAddress::Unnamed);
    let mut buf = [0; 8];
    for (from, to) in [(&one, &other), (&other, &one)] {
        context.within(from.send(b"hello")).await.unwrap();
        let received = context.within(to.receive(&mut buf)).await.unwrap();
        assert_eq!(&buf[..received.length], b"hello");
    }
    if let Ok(peer) = one.peer_credentials() {
        assert_eq!(peer.pid, Some(std::process::id()));
        assert_eq!(one.attribute::<PeerCredentials>(), Some(peer));
    }
}

async fn a_sender_without_a_name_is_unnamed(context: Context) {
    let server = context.unix_datagram().await;
    let unbound = UnixDatagram::unbound_on(context.runtime()).unwrap();
    assert_eq!(unbound.local_address(), UnixAddress::Unnamed);
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), server.local_address());
    let connected = context.within(connect.into_future()).await.unwrap();
    assert_eq!(connected.local_address(), UnixAddress::Unnamed);
    context
        .within(unbound.send_to(b"one", server.local_address()))
        .await
        .unwrap();
    context.within(connected.send(b"two")).await.unwrap();
    for _ in 0..2 {
        let (_, sender) = context.within(server.receive_from(&mut [0; 8])).await.unwrap();
        assert_eq!(sender, UnixAddress::Unnamed);
        assert_is!(
            context.within(server.send_to(b"who?", sender)).await,
            Err(SendError::NotSent(_))
        );
    }
}

async fn it_reports_its_own_address_and_no_peer(context: Context) {
    let address = context.unix_address();
    let bind = UnixDatagram::bind_on(context.runtime(), address.clone());
    let mut socket = context.within(bind.into_future()).await.unwrap();
    assert!(fcntl_getfl(&socket).unwrap().contains(OFlags::NONBLOCK));
    assert!(fcntl_getfd(&socket).unwrap().contains(FdFlags::CLOEXEC));
    for closed in [false, true] {
        assert_eq!(socket.local_address(), address, "closed: {closed}");
        let attribute = socket.attribute::<LocalAddress>();
        assert_eq!(
            attribute,
            Some(LocalAddress(address.clone().into())),
            "closed: {closed}"
        );
        assert_eq!(socket.attribute::<PeerAddress>(), None, "closed: {closed}");
        socket.close();
    }
}

async fn a_connected_socket_reports_both_its_addresses(context: Context) {
    let server = context.unix_datagram().await;
    let (own, peer) = (context.unix_address(), server.local_address());
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), peer.clone());
    let connect = connect.local_address(own.clone()).into_future();
    let mut client = context.within(connect).await.unwrap();
    for closed in [false, true] {
        assert_eq!(
            (client.local_address(), client.peer_address()),
            (own.clone(), peer.clone())
        );
        let attribute = client.attribute::<PeerAddress>();
        assert_eq!(
            attribute,
            Some(PeerAddress(peer.clone().into())),
            "closed: {closed}"
        );
        client.close();
    }
}

async fn a_name_may_have_any_bytes(context: Context) {
    for suffix in [&b"text"[..], b" \xff\xfe\n", "grün".as_bytes()] {
        let address = match context.unix_address() {
            UnixAddress::Path(path) => {
                let bytes = [&path.into_os_string().into_vec()[..], suffix].concat();
                UnixAddress::from(OsString::from_vec(bytes))
            }
            UnixAddress::Abstract(name) => UnixAddress::Abstract([name.as_slice(), b"\0", suffix].concat()),
            UnixAddress::Unnamed => unreachable!("the context gives names"),
        };
        let bind = UnixDatagram::bind_on(context.runtime(), address.clone());
        let socket = context.within(bind.into_future()).await.unwrap();
        assert_eq!(socket.local_address(), address);
        context.within(socket.send_to(b"x", &address)).await.unwrap();
        let (_, sender) = context.within(socket.receive_from(&mut [0; 8])).await.unwrap();
        assert_eq!(sender, address);
    }
}

async fn a_datagram_of_no_bytes_is_a_datagram_and_a_longer_one_is_truncated(context: Context) {
    let (one, other) = ConnectedUnixDatagram::pair_on(context.runtime()).unwrap();
    let mut buf = [0; 4];
    for (data, expected) in [
        (&b""[..], Received::new(0, false)),
        (b"long", Received::new(4, false)),
        (b"longer", Received::new(4, true)),
        (b"", Received::new(0, false)),
        (b"abc", Received::new(3, false)),
    ] {
        context.within(one.send(data)).await.unwrap();
        assert_eq!(context.within(other.receive(&mut buf)).await.unwrap(), expected);
        assert_eq!(buf[..expected.length], data[..expected.length]);
    }
    assert_is!(
        context.within(other.receive(&mut [])).await,
        Err(ReceiveError::EmptyBuffer)
    );
    let too_long = vec![0; 8 << 20];
    assert_is!(
        context.within(one.send(&too_long)).await,
        Err(SendError::TooLong(_))
    );
    context.within(one.send(b"fine")).await.unwrap();
    context.within(other.receive(&mut buf)).await.unwrap();
}

async fn two_tasks_receive_and_each_datagram_goes_to_one_of_them(context: Context) {
    const EACH: u8 = 50;
    let server = Arc::new(context.unix_datagram().await);
    let client = context.connected_unix_datagram(&server.local_address()).await;
    let receiving = [(); 2].map(|()| {
        let server = server.clone();
        context.runtime().spawn(async move {
            let mut got = Vec::new();
            for _ in 0..EACH {
                let mut buf = [0; 1];
                server.receive(&mut buf).await.unwrap();
                got.push(buf[0]);
            }
            got
        })
    });
    for number in 0..2 * EACH {
        context.within(client.send(&[number])).await.unwrap();
    }
    let mut all = Vec::new();
    for task in receiving {
        all.extend(context.within(task).await);
    }
    all.sort_unstable();
    assert_eq!(all, (0..2 * EACH).collect::<Vec<_>>());
}

async fn a_closer_wakes_every_blocked_receive(context: Context) {
    for close in [Closer::close as fn(&Closer), Closer::abort] {
        let server = Arc::new(context.unix_datagram().await);
        let client = Arc::new(context.connected_unix_datagram(&server.local_address()).await);
        let mut waiting = Vec::new();
        for _ in 0..2 {
            let (server, client) = (server.clone(), client.clone());
            waiting.push(
                context
                    .runtime()
                    .spawn(async move { server.receive(&mut [0; 8]).await }),
            );
            waiting.push(
                context
                    .runtime()
                    .spawn(async move { client.receive(&mut [0; 8]).await }),
            );
        }
        context.settle().await;
        close(&server.closer());
        close(&client.attribute::<Closer>().unwrap());
        for task in waiting {
            assert_is!(context.within(task).await, Err(ReceiveError::Closed));
        }
    }
}

async fn operations_on_a_closed_socket_are_closed(context: Context) {
    let mut server = context.unix_datagram().await;
    let mut client = context.connected_unix_datagram(&server.local_address()).await;
    let to = server.local_address();
    context.within(client.send(b"waits")).await.unwrap();
    server.closer().close();
    client.closer().close();
    for _ in 0..2 {
        assert_is!(
            context.within(server.receive(&mut [0; 8])).await,
            Err(ReceiveError::Closed)
        );
        assert_is!(
            context.within(client.receive(&mut [0; 8])).await,
            Err(ReceiveError::Closed)
        );
        assert_is!(
            context.within(server.send_to(b"", &to)).await,
            Err(SendError::Closed)
        );
        assert_is!(context.within(client.send(b"")).await, Err(SendError::Closed));
        server.close();
        client.close();
    }
}

async fn a_name_that_nobody_has_is_an_error_that_says_so(context: Context) {
    let nobody = context.unix_address();
    let kind = match nobody {
        UnixAddress::Path(_) => io::ErrorKind::NotFound,
        _ => io::ErrorKind::ConnectionRefused,
    };
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), nobody.clone());
    match context.within(connect.into_future()).await {
        Err(ConnectError::Failed(attempts)) => {
            assert_eq!(attempts[0].address, nobody);
            assert_eq!(attempts[0].cause.kind(), kind);
        }
        connected => panic!("{connected:?}"),
    }
    let socket = UnixDatagram::unbound_on(context.runtime()).unwrap();
    match context.within(socket.send_to(b"x", &nobody)).await {
        Err(SendError::NotSent(cause)) => assert_eq!(cause.kind(), kind),
        sent => panic!("{sent:?}"),
    }
}

async fn an_address_that_no_system_takes_is_a_typed_error(context: Context) {
    let addresses = if context.abstract_names {
        vec![UnixAddress::Abstract(vec![b'x'; 200])]
    } else {
        vec!["x".repeat(200).into(), "a\0b".into(), "".into()]
    };
    let socket = UnixDatagram::unbound_on(context.runtime()).unwrap();
    for address in addresses {
        let connect = ConnectedUnixDatagram::connect_on(context.runtime(), address.clone());
        let connected: io::Error = context.within(connect.into_future()).await.unwrap_err().into();
        assert_eq!(connected.kind(), io::ErrorKind::InvalidInput);
        match context.within(socket.send_to(b"x", &address)).await {
            Err(SendError::NotSent(cause)) => {
                let inside = cause.get_ref().and_then(|inside| inside.downcast_ref());
                assert_is!(
                    inside,
                    Some(
                        UnixAddressError::TooLong { .. }
                            | UnixAddressError::Nul { .. }
                            | UnixAddressError::EmptyPath
                    )
                );
            }
            sent => panic!("{sent:?}"),
        }
        let bind = UnixDatagram::bind_on(context.runtime(), address);
        let bound = context.within(bind.into_future()).await.unwrap_err();
        assert_eq!(bound.kind(), io::ErrorKind::InvalidInput);
    }
}

async fn a_peer_that_is_gone_refuses_and_a_receive_waits_on(context: Context) {
    let mut server = context.unix_datagram().await;
    let client = context.connected_unix_datagram(&server.local_address()).await;
    server.close();
    // The system lets go of a peer that it has found gone.
    for kind in [io::ErrorKind::ConnectionRefused, io::ErrorKind::NotConnected] {
        match context.within(client.send(b"x")).await {
            Err(SendError::NotSent(cause)) => assert_eq!(cause.kind(), kind),
            sent => panic!("{sent:?}"),
        }
    }
    context
        .assert_waits(&mut Box::pin(client.receive(&mut [0; 8])))
        .await;
}

async fn a_peer_that_drops_what_it_was_sent_is_told_once(context: Context) {
    let (ours, theirs) = room::left_by_its_peer(&context).await;
    assert_is!(
        context.within(ours.receive(&mut [0; 8])).await,
        Err(ReceiveError::Undelivered(_))
    );
    context
        .assert_waits(&mut Box::pin(ours.receive(&mut [0; 8])))
        .await;
    context.within(ours.send(b"still there")).await.unwrap();
    let mut buf = [0; 16];
    let n = theirs.recv(&mut buf).unwrap();
    assert_eq!(&buf[..n], b"still there");
}

async fn a_name_in_use_is_refused(context: Context) {
    let socket = context.unix_datagram().await;
    let bind = UnixDatagram::bind_on(context.runtime(), socket.local_address());
    let refused = context.within(bind.into_future()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    if !context.abstract_names {
        let BindError::Failed(attempts) = refused else {
            panic!("{refused:?}");
        };
        let inside = attempts[0]
            .cause
            .get_ref()
            .and_then(|inside| inside.downcast_ref());
        assert_eq!(inside, Some(&PathInUse::Live));
    }
    // It is in the way of nobody who sends.
    let own = socket.local_address();
    context.within(socket.send_to(b"x", &own)).await.unwrap();
    context.within(socket.receive(&mut [0; 8])).await.unwrap();
}

async fn a_stale_file_is_replaced_and_ours_goes_with_the_socket(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    drop(StdDatagram::bind(&path).unwrap());
    assert!(path.exists(), "the standard library leaves it");
    let bind = UnixDatagram::bind_on(context.runtime(), path.clone());
    let mut socket = context.within(bind.into_future()).await.unwrap();
    assert!(path.exists());
    socket.close();
    assert_eq!(dir.files(), 0, "nothing is left behind");
    let server = context.unix_datagram().await;
    let connect = ConnectedUnixDatagram::connect_on(context.runtime(), server.local_address());
    let connect = connect.local_address(path.clone()).into_future();
    let connected = context.within(connect).await.unwrap();
    assert!(path.exists());
    drop(connected);
    assert_eq!(dir.files(), 0, "nothing is left behind");
    fs::write(&path, b"precious").unwrap();
    let bind = UnixDatagram::bind_on(context.runtime(), path.clone());
    context.within(bind.into_future()).await.unwrap_err();
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    Ok(())
}

async fn a_file_has_the_mode_asked_for_and_is_kept_if_asked(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let bind = UnixDatagram::bind_on(context.runtime(), path.clone());
    let bind = bind.mode(0o640).keep_file().into_future();
    let socket = context.within(bind).await.unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    drop(socket);
    assert!(path.exists());
    Ok(())
}
