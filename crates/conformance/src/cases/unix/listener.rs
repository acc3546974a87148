//! Listening on UNIX addresses.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{SocketAddr as StdAddress, UnixListener as StdListener, UnixStream as StdStream};
use std::thread;

use anynet_core::{
    AcceptError, AttributesExt, BoxUnixNetwork, ByteSendStreamExt, Closer, Datagram, Listener, LocalAddress,
    PeerAddress, ReceiveError, UnixNetwork,
};
use anynet_sockets::UnixListener;
use rustix::fs::{OFlags, fcntl_getfl};
use socket2::{Domain, SockRef};

use crate::Context;
use crate::case::cases;
use crate::steps::assert_is;

cases![
    it_reports_its_own_address_and_no_peer,
    accept_gives_a_stream_that_works_both_ways,
    an_option_of_the_raw_socket_takes_effect,
    a_client_that_half_closed_still_gets_its_answer,
    a_closer_wakes_a_blocked_accept,
    a_closer_leaves_a_duplicate_accepting,
    a_name_is_free_again_once_the_listener_is_closed,
    a_network_of_unix_addresses_works_with_its_types_erased,
];

async fn it_reports_its_own_address_and_no_peer(context: Context) {
    let address = context.unix_address();
    let bind = UnixListener::bind_on(context.runtime(), address.clone());
    let mut listener = context.within(bind.into_future()).await.unwrap();
    assert_eq!(SockRef::from(&listener).domain().unwrap(), Domain::UNIX);
    for closed in [false, true] {
        assert_eq!(listener.local_address(), address, "closed: {closed}");
        let local = Some(LocalAddress(address.clone().into()));
        assert_eq!(listener.attribute::<LocalAddress>(), local, "closed: {closed}");
        assert_eq!(listener.attribute::<PeerAddress>(), None, "closed: {closed}");
        listener.close();
    }
}

async fn accept_gives_a_stream_that_works_both_ways(context: Context) {
    let listener = context.unix_listener().await;
    for _ in 0..3 {
        let mut client = std_client(&listener.local_address());
        let mut accepted = context.within(listener.accept()).await.unwrap();
        let talking = thread::spawn(move || {
            let mut buf = [0; 4];
            client.write_all(b"ping").unwrap();
            client.read_exact(&mut buf).unwrap();
            buf
        });
        let mut buf = [0; 4];
        context.within(accepted.receive_exactly(&mut buf)).await.unwrap();
        assert_eq!(&buf, b"ping");
        context.within(accepted.send(b"pong")).await.unwrap();
        assert_eq!(&talking.join().unwrap(), b"pong");
    }
}

async fn an_option_of_the_raw_socket_takes_effect(context: Context) {
    let listener = context.unix_listener().await;
    let before = SockRef::from(&listener).send_buffer_size().unwrap();
    SockRef::from(&listener)
        .set_send_buffer_size(before / 2 + 4096)
        .unwrap();
    let after = SockRef::from(&listener).send_buffer_size().unwrap();
    assert_ne!(after, before);
    let _client = std_client(&listener.local_address());
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(SockRef::from(&accepted).domain().unwrap(), Domain::UNIX);
    assert!(fcntl_getfl(&accepted).unwrap().contains(OFlags::NONBLOCK));
}

async fn a_client_that_half_closed_still_gets_its_answer(context: Context) {
    let listener = context.unix_listener().await;
    let mut client = std_client(&listener.local_address());
    client.shutdown(Shutdown::Write).unwrap();
    let mut accepted = context.within(listener.accept()).await.unwrap();
    context.within(accepted.send(b"answer")).await.unwrap();
    context.within(accepted.close()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "answer");
}

async fn a_closer_wakes_a_blocked_accept(context: Context) {
    let listener = context.unix_listener().await;
    let closer: Closer = listener.closer();
    let accepting = context.spawn_waiting(async move { listener.accept().await.map(drop) });
    let accepting = accepting.await;
    closer.close();
    assert_is!(context.within(accepting).await, Err(AcceptError::Closed));
}

async fn a_closer_leaves_a_duplicate_accepting(context: Context) {
    let listener = context.unix_listener().await;
    let address = listener.local_address();
    let duplicate = StdListener::from(listener.as_fd().try_clone_to_owned().unwrap());
    duplicate.set_nonblocking(false).unwrap();
    listener.closer().close();
    assert_is!(context.within(listener.accept()).await, Err(AcceptError::Closed));
    let mut client = std_client(&address);
    client.write_all(b"still here").unwrap();
    drop(client);
    let mut text = String::new();
    duplicate.accept().unwrap().0.read_to_string(&mut text).unwrap();
    assert_eq!(text, "still here");
}

async fn a_name_is_free_again_once_the_listener_is_closed(context: Context) {
    let address = context.unix_address();
    for _ in 0..3 {
        let bind = UnixListener::bind_on(context.runtime(), address.clone());
        let mut listener = context.within(bind.into_future()).await.unwrap();
        listener.close();
        if let Some(path) = address.path() {
            assert!(!path.exists(), "a closed listener's file is gone");
        }
    }
}

async fn a_network_of_unix_addresses_works_with_its_types_erased(context: Context) {
    let network = BoxUnixNetwork::new(context.network());
    let address = context.unix_address();
    let listener = context.within(network.listen_unix(&address)).await.unwrap();
    let mut client = context.within(network.connect_unix(&address)).await.unwrap();
    let mut accepted = context.within(listener.accept()).await.unwrap();
    context.within(client.send(b"over a stream")).await.unwrap();
    context.within(client.close()).await.unwrap();
    let (received, end) = context.drain(&mut accepted).await;
    assert_eq!(received, b"over a stream");
    assert_is!(end, ReceiveError::EndOfStream);

    let (here, there) = (context.unix_address(), context.unix_address());
    let one = context.within(network.bind_unix(&here)).await.unwrap();
    let other = context.within(network.bind_unix(&there)).await.unwrap();
    context
        .within(one.send_to(b"a datagram", &there.into()))
        .await
        .unwrap();
    let mut buf = [0; 32];
    let (received, sender) = context.within(other.receive_from(&mut buf)).await.unwrap();
    assert_eq!(&buf[..received.length], b"a datagram");
    assert_eq!(sender, here);
}

fn std_client(to: &anynet_core::UnixAddress) -> StdStream {
    let to = StdAddress::try_from(to).expect("a listener's address is one");
    StdStream::connect_addr(&to).expect("somebody listens there")
}
