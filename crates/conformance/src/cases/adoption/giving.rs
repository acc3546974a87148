//! Sockets given away, and duplicated.

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd};

use anynet_core::{AcceptError, ReceiveError};

use super::{modes, stream as adopted};
use crate::Context;
use crate::case::cases;

cases![
    a_stream_becomes_a_socket_of_the_standard_library,
    a_half_gives_the_descriptor_once_it_is_alone,
    a_closed_stream_gives_none_and_comes_back,
    a_clone_shares_the_connection_and_nothing_else,
    a_clone_of_a_listener_accepts_after_the_other_is_closed,
];

async fn a_stream_becomes_a_socket_of_the_standard_library(context: Context) {
    let (stream, mut peer) = context.tcp_pair().await;
    let address = stream.local_address();
    let mut stream = stream.into_std().unwrap();
    assert_eq!(modes(&stream), (true, true));
    stream.set_nonblocking(false).unwrap();
    assert_eq!(stream.local_addr().unwrap(), address);
    stream.write_all(b"from std").unwrap();
    drop(stream);
    assert_eq!(context.drain(&mut peer).await.0, b"from std");

    let listener = context.listener().await;
    let address = listener.local_address();
    let client = context.connect(address).await;
    let listener = listener.into_std().unwrap();
    assert_eq!(listener.local_addr().unwrap(), address);
    let (_accepted, peer) = listener.accept().expect("who waited still waits");
    assert_eq!(peer, client.local_address());
}

async fn a_half_gives_the_descriptor_once_it_is_alone(context: Context) {
    for send_first in [true, false] {
        let (stream, mut peer) = context.tcp_pair().await;
        let number = stream.as_fd().as_raw_fd();
        let (mut receive, send) = stream.into_split();
        // What waits may hold on to the descriptor.
        context.assert_waits(&mut receive.receive(&mut [0; 1])).await;
        let fd = if send_first {
            let refused = send.into_fd().unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
            let send = refused.into_socket();
            drop(receive);
            send.into_fd().unwrap()
        } else {
            let refused = receive.into_fd().unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
            let mut receive = refused.into_socket();
            context.assert_waits(&mut receive.receive(&mut [0; 1])).await;
            drop(send); // and with it goes the end
            receive.into_fd().unwrap()
        };
        assert_eq!(fd.as_raw_fd(), number);
        let mut stream = adopted(&context, fd).unwrap();
        if send_first {
            context.assert_talks(&mut stream, &mut peer).await;
        } else {
            assert!(matches!(
                context.drain(&mut peer).await.1,
                ReceiveError::EndOfStream
            ));
        }
    }
}

async fn a_closed_stream_gives_none_and_comes_back(context: Context) {
    let (mut stream, _peer) = context.tcp_pair().await;
    let addresses = (stream.local_address(), stream.peer_address());
    context.within(stream.close()).await.unwrap();
    assert!(stream.try_clone().is_err(), "nothing is left to duplicate");
    let refused = stream.into_fd().unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::NotConnected);
    let mut stream = refused.into_socket();
    assert_eq!((stream.local_address(), stream.peer_address()), addresses);
    let received = context.within(stream.receive(&mut [0; 1])).await;
    assert!(matches!(received, Err(ReceiveError::Closed)), "got {received:?}");

    let listener = context.listener().await;
    listener.closer().close();
    assert!(listener.try_clone().is_err(), "nothing is left to duplicate");
    let listener = listener.into_fd().unwrap_err().into_socket();
    let accepted = context.within(listener.accept()).await;
    assert!(matches!(accepted, Err(AcceptError::Closed)), "got {accepted:?}");
}

async fn a_clone_shares_the_connection_and_nothing_else(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    let mut clone = stream.try_clone().unwrap();
    clone.closer().close();
    let sent = context.within(clone.send(b"x")).await;
    assert!(sent.is_err(), "the clone is closed");
    context.assert_talks(&mut stream, &mut peer).await;
    let mut clone = stream.try_clone().unwrap();
    context.within(clone.send_eof()).await.unwrap();
    assert!(matches!(
        context.drain(&mut peer).await.1,
        ReceiveError::EndOfStream
    ));
    context.within(peer.send(b"back")).await.unwrap();
    drop(peer);
    drop(clone);
    assert_eq!(context.drain(&mut stream).await.0, b"back");
}

async fn a_clone_of_a_listener_accepts_after_the_other_is_closed(context: Context) {
    let mut listener = context.listener().await;
    let clone = listener.try_clone().unwrap();
    assert_eq!(clone.local_address(), listener.local_address());
    let client = context.connect(clone.local_address()).await;
    listener.close();
    drop(listener);
    let accepted = context.within(clone.accept()).await.unwrap();
    assert_eq!(accepted.peer_address(), client.local_address());
    let second = context.connect(clone.local_address()).await;
    let accepted = context.within(clone.accept()).await.unwrap();
    assert_eq!(accepted.peer_address(), second.local_address());
}
