//! TCP connections, where they differ from streams in general.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;

use anynet_core::{BoxRuntime, ReceiveError, SendError};
use anynet_sockets::TcpStream;
use anynet_sockets::options::OptionError;
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{Errno, FdFlags, fcntl_getfd};
use socket2::SockRef;

use crate::Context;
use crate::case::cases;
use crate::context::poll_once;

cases![
    a_peer_answers_on_the_same_stream,
    a_mebibyte_written_at_once_arrives_unchanged,
    two_pieces_with_a_pause_are_two_receives_and_then_the_end,
    nodelay_is_on_at_both_ends,
    nodelay_can_be_turned_off,
    every_socket_is_non_blocking_and_close_on_exec,
    try_receive_and_try_send_never_wait,
    try_receive_and_try_send_keep_the_contract,
    peek_takes_nothing,
    peek_keeps_the_contract,
    a_woken_receive_whose_bytes_were_taken_goes_back_to_waiting,
    a_descriptor_taken_out_and_put_back_loses_nothing,
];

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
    let data: Vec<u8> = (0..1_u32 << 20).map(|n| (n % 251) as u8).collect();
    let written = data.clone();
    let writing = thread::spawn(move || peer.write_all(&written).unwrap());
    let mut received = Vec::new();
    let mut buf = vec![0; 10_000];
    let end = loop {
        match context.within(stream.receive(&mut buf)).await {
            Ok(n) => received.extend_from_slice(&buf[..n]),
            Err(end) => break end,
        }
    };
    assert!(matches!(end, ReceiveError::EndOfStream), "{end:?}");
    assert!(
        received == data,
        "{} bytes of {} arrived, or others",
        received.len(),
        data.len()
    );
    writing.join().unwrap();
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
    let received = context.within(stream.receive(&mut buf)).await;
    assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");
}

async fn nodelay_is_on_at_both_ends(context: Context) {
    let (connected, accepted) = context.tcp_pair().await;
    for stream in [&connected, &accepted] {
        assert!(stream.nodelay().unwrap(), "as the stream says");
        assert!(
            SockRef::from(stream).tcp_nodelay().unwrap(),
            "as the raw socket says"
        );
    }
}

async fn nodelay_can_be_turned_off(context: Context) {
    let (mut connected, accepted) = context.tcp_pair().await;
    for stream in [&connected, &accepted] {
        stream.set_nodelay(false).unwrap();
        assert!(!stream.nodelay().unwrap());
        stream.set_nodelay(true).unwrap();
        assert!(stream.nodelay().unwrap());
    }
    context.within(connected.close()).await.unwrap();
    let errors = [
        connected.nodelay().unwrap_err(),
        connected.set_nodelay(true).unwrap_err(),
    ];
    for error in errors {
        let error = error
            .downcast::<OptionError>()
            .expect("the error names the option");
        assert_eq!(error.cause().raw_os_error(), Some(Errno::BADF.raw_os_error()));
    }
}

async fn every_socket_is_non_blocking_and_close_on_exec(context: Context) {
    let listener = context.listener().await;
    let connected = context.connect(listener.local_address()).await;
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_flags(listener.as_fd(), "what listens");
    assert_flags(connected.as_fd(), "what connected");
    assert_flags(accepted.as_fd(), "what was accepted");
    let fd = connected.into_fd().unwrap();
    assert_flags(fd.as_fd(), "what was taken out");
    rustix::io::fcntl_setfd(&fd, FdFlags::empty()).unwrap();
    rustix::io::ioctl_fionbio(&fd, false).unwrap();
    let adopted = TcpStream::from_fd(context.runtime().clone(), fd).unwrap();
    assert_flags(adopted.as_fd(), "what was put in");
}

async fn try_receive_and_try_send_never_wait(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    let mut buf = [0; 64];
    // Again and again: readiness that is out of date is not believed.
    for _ in 0..3 {
        assert_eq!(stream.try_receive(&mut buf).unwrap(), None, "nothing has arrived");
        context.within(peer.send(b"piece")).await.unwrap();
        context.settle().await;
        assert_eq!(stream.try_receive(&mut buf).unwrap(), Some(5));
        assert_eq!(&buf[..5], b"piece");
    }
    // What was taken without waiting is not waited for.
    let mut receive = stream.receive(&mut buf);
    context.assert_waits(&mut receive).await;

    let mut sent = context.clog(&mut peer).await;
    // The kernel may still find a little room.
    while let Some(n) = peer.try_send(b"x").unwrap() {
        sent += n;
    }
    let mut drained = 0;
    while drained < sent {
        drained += context
            .within(stream.receive(&mut vec![0; 64 << 10]))
            .await
            .unwrap();
    }
    context.within(peer.send_ready()).await.unwrap();
    let sent = peer.try_send(b"more").unwrap();
    assert_eq!(sent, Some(4), "there is room again");
    assert_eq!(context.within(stream.receive(&mut buf)).await.unwrap(), 4);
    assert_eq!(&buf[..4], b"more");
}

async fn try_receive_and_try_send_keep_the_contract(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    let mut buf = [0; 8];
    let received = stream.try_receive(&mut []);
    assert!(matches!(received, Err(ReceiveError::EmptyBuffer)), "{received:?}");
    assert_eq!(stream.try_send(&[]).unwrap(), Some(0));
    context.within(peer.send_eof()).await.unwrap();
    context.settle().await;
    for _ in 0..2 {
        let received = stream.try_receive(&mut buf);
        assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");
    }
    context.within(stream.send_eof()).await.unwrap();
    let sent = stream.try_send(b"x");
    assert!(matches!(sent, Err(SendError::Closed)), "{sent:?}");
    context.within(stream.close()).await.unwrap();
    let received = stream.try_receive(&mut []);
    assert!(matches!(received, Err(ReceiveError::Closed)), "{received:?}");
    let sent = stream.try_send(&[]);
    assert!(matches!(sent, Err(SendError::Closed)), "{sent:?}");

    let (mut stream, mut peer) = context.tcp_pair().await;
    peer.abort();
    context.settle().await;
    for _ in 0..2 {
        let received = stream.try_receive(&mut buf);
        assert!(matches!(received, Err(ReceiveError::Broken(_))), "{received:?}");
        let sent = stream.try_send(b"x");
        assert!(matches!(sent, Err(SendError::Broken(_))), "{sent:?}");
        let sent = stream.try_send(&[]);
        assert!(matches!(sent, Err(SendError::Broken(_))), "{sent:?}");
    }
}

async fn peek_takes_nothing(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    let mut buf = [0; 8];
    {
        let mut peek = Box::pin(stream.peek(&mut buf));
        context.assert_waits(&mut peek).await;
        context.within(peer.send(b"abc")).await.unwrap();
        assert_eq!(context.within(peek).await.unwrap(), 3);
    }
    assert_eq!(context.within(stream.peek(&mut buf[..2])).await.unwrap(), 2);
    assert_eq!(&buf[..2], b"ab");
    // A receive after a peek, a peek after a receive that left something, and a wait after both.
    assert_eq!(context.within(stream.receive(&mut buf[..1])).await.unwrap(), 1);
    assert_eq!(context.within(stream.peek(&mut buf)).await.unwrap(), 2);
    assert_eq!(context.within(stream.receive(&mut buf)).await.unwrap(), 2);
    assert_eq!(&buf[..2], b"bc");
    context.assert_waits(&mut Box::pin(stream.peek(&mut buf))).await;
    context.assert_waits(&mut stream.receive(&mut buf)).await;
}

async fn peek_keeps_the_contract(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    let mut buf = [0; 8];
    let peeked = context.within(stream.peek(&mut [])).await;
    assert!(matches!(peeked, Err(ReceiveError::EmptyBuffer)), "{peeked:?}");
    context.within(peer.send(b"x")).await.unwrap();
    context.within(peer.close()).await.unwrap();
    assert_eq!(context.within(stream.peek(&mut buf)).await.unwrap(), 1);
    assert_eq!(context.within(stream.receive(&mut buf)).await.unwrap(), 1);
    for _ in 0..2 {
        let peeked = context.within(stream.peek(&mut buf)).await;
        assert!(matches!(peeked, Err(ReceiveError::EndOfStream)), "{peeked:?}");
    }
    context.within(stream.close()).await.unwrap();
    let peeked = context.within(stream.peek(&mut [])).await;
    assert!(matches!(peeked, Err(ReceiveError::Closed)), "{peeked:?}");
}

async fn a_woken_receive_whose_bytes_were_taken_goes_back_to_waiting(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    let mut thief = StdStream::from(stream.as_fd().try_clone_to_owned().unwrap());
    let mut buf = [0; 8];
    let mut receive = stream.receive(&mut buf);
    for _ in 0..3 {
        assert!(poll_once(&mut receive).is_pending());
        context.within(peer.send(b"stolen")).await.unwrap();
        // Until the reactor has seen the bytes.
        context.settle().await;
        assert_eq!(thief.read(&mut [0; 64]).unwrap(), 6);
        context.assert_waits(&mut receive).await;
    }
    context.within(peer.send(b"kept")).await.unwrap();
    assert_eq!(context.within(receive).await.unwrap(), 4);
    assert_eq!(&buf[..4], b"kept");
}

async fn a_descriptor_taken_out_and_put_back_loses_nothing(context: Context) {
    let (mut stream, mut peer) = context.tcp_pair().await;
    let mut buf = [0; 8];
    // A receive that waited and was given up may still hold on to the descriptor.
    context.assert_waits(&mut stream.receive(&mut buf)).await;
    let addresses = (stream.local_address(), stream.peer_address());
    context.within(peer.send(b"still")).await.unwrap();
    let fd = stream.into_fd().expect("nothing else uses it");
    let mut stream = TcpStream::from_fd(context.runtime().clone(), fd).unwrap();
    assert_eq!((stream.local_address(), stream.peer_address()), addresses);
    assert_eq!(context.within(stream.receive(&mut buf)).await.unwrap(), 5);
    context.within(stream.send(b"here")).await.unwrap();
    assert_eq!(context.within(peer.receive(&mut buf)).await.unwrap(), 4);
}

/// A stream that was accepted, and a blocking peer that is none of ours.
async fn peer_of(context: &Context) -> (TcpStream<BoxRuntime>, StdStream) {
    let listener = context.listener().await;
    let address: SocketAddr = listener.local_address();
    let peer = StdStream::connect(address).unwrap();
    (context.within(listener.accept()).await.unwrap(), peer)
}

fn assert_flags(fd: BorrowedFd<'_>, what: &str) {
    assert!(
        fcntl_getfl(fd).unwrap().contains(OFlags::NONBLOCK),
        "{what} blocks"
    );
    assert!(
        fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC),
        "{what} is inherited"
    );
}
