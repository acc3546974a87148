//! UNIX sequential packets.

use std::sync::Arc;

use anynet_core::{AcceptError, BoxRuntime, ReceiveError, SendError, UnixAddress};
use anynet_sockets::{AdoptFault, UnixSeqpacket, UnixSeqpacketListener, UnixStream};

use super::descriptors::{Probe, assert_same};
use crate::Context;
use crate::case::cases;
use crate::context::poll_once;
use crate::steps::assert_is;

cases![
    messages_arrive_whole_and_in_order,
    a_message_longer_than_the_buffer_is_truncated_and_the_next_is_whole,
    the_end_comes_behind_the_messages_and_again,
    a_waiting_receive_is_told_of_the_end,
    an_empty_message_is_no_end,
    a_reset_is_told_behind_the_messages_and_again,
    sends_to_a_peer_that_closed_break,
    a_message_too_long_leaves_the_connection_well,
    a_send_waits_for_room_and_loses_nothing,
    a_closer_wakes_receives_and_closed_comes_first,
    a_listener_accepts_messages_and_knows_its_address,
    a_listener_is_closed_from_another_task_and_its_name_is_free,
    a_message_carries_descriptors,
    a_receive_of_a_message_that_was_dropped_has_taken_nothing,
    a_connection_is_given_away_and_adopted_again_and_no_stream_is,
];

type Socket = UnixSeqpacket<BoxRuntime>;

fn pair(context: &Context) -> (Socket, Socket) {
    UnixSeqpacket::pair_on(context.runtime()).expect("a pair")
}

async fn listener(context: &Context) -> UnixSeqpacketListener<BoxRuntime> {
    let bind = UnixSeqpacketListener::bind_on(context.runtime(), context.unix_address());
    context.within(bind.into_future()).await.expect("a free name")
}

/// Receives one message that is not truncated.
async fn message(context: &Context, socket: &Socket) -> Vec<u8> {
    let mut buf = [0; 64];
    let received = context.within(socket.receive(&mut buf)).await.unwrap();
    assert!(!received.truncated);
    buf[..received.length].to_vec()
}

async fn assert_talks(context: &Context, one: &Socket, other: &Socket) {
    for (from, to) in [(one, other), (other, one)] {
        context.within(from.send(b"ping")).await.unwrap();
        assert_eq!(message(context, to).await, b"ping");
    }
}

async fn messages_arrive_whole_and_in_order(context: Context) {
    let (ours, theirs) = pair(&context);
    let messages = [&b"one"[..], b"", b"three", b"4"];
    for sent in messages {
        context.within(theirs.send(sent)).await.unwrap();
    }
    let mut buf = [0; 8];
    let peeked = context.within(ours.peek(&mut buf)).await.unwrap();
    assert_eq!(&buf[..peeked.length], b"one");
    for sent in messages {
        assert_eq!(message(&context, &ours).await, sent);
    }
    assert!(ours.try_receive(&mut buf).unwrap().is_none());
}

async fn a_message_longer_than_the_buffer_is_truncated_and_the_next_is_whole(context: Context) {
    let (ours, theirs) = pair(&context);
    context.within(theirs.send(b"too long")).await.unwrap();
    context.within(theirs.send(b"next")).await.unwrap();
    let mut buf = [0; 3];
    assert_is!(
        context.within(ours.receive(&mut [])).await,
        Err(ReceiveError::EmptyBuffer)
    );
    let received = context.within(ours.receive(&mut buf)).await.unwrap();
    assert_eq!((received.length, received.truncated, &buf), (3, true, b"too"));
    assert_eq!(message(&context, &ours).await, b"next");
}

async fn the_end_comes_behind_the_messages_and_again(context: Context) {
    let (ours, mut theirs) = pair(&context);
    context.within(theirs.send(b"one")).await.unwrap();
    context.within(theirs.send(b"last")).await.unwrap();
    theirs.close();
    assert_eq!(message(&context, &ours).await, b"one");
    let mut messages = ours.datagrams(16);
    let (last, _) = context.within(messages.next()).await.unwrap().unwrap();
    assert_eq!(last, b"last");
    assert!(context.within(messages.next()).await.is_none());
    for _ in 0..2 {
        let mut buf = [0; 8];
        assert_is!(
            context.within(ours.receive(&mut buf)).await,
            Err(ReceiveError::EndOfStream)
        );
        assert_is!(ours.try_receive(&mut buf), Err(ReceiveError::EndOfStream));
        assert_is!(
            context.within(ours.receive_fds(&mut buf, 1)).await,
            Err(ReceiveError::EndOfStream)
        );
        // What a send is told does not change what was told before.
        assert_is!(context.within(ours.send(b"x")).await, Err(SendError::Broken(_)));
    }
}

async fn a_waiting_receive_is_told_of_the_end(context: Context) {
    let (ours, theirs) = pair(&context);
    let receiving = context.spawn_waiting(async move { ours.receive(&mut [0; 8]).await });
    let receiving = receiving.await;
    drop(theirs);
    assert_is!(context.within(receiving).await, Err(ReceiveError::EndOfStream));
}

async fn an_empty_message_is_no_end(context: Context) {
    let (ours, mut theirs) = pair(&context);
    context.within(theirs.send(b"")).await.unwrap();
    assert_eq!(message(&context, &ours).await, b"");
    for sent in [&b""[..], b"", b"behind"] {
        context.within(theirs.send(sent)).await.unwrap();
    }
    theirs.close();
    for sent in [&b""[..], b"", b"behind"] {
        assert_eq!(message(&context, &ours).await, sent);
    }
    assert_is!(
        context.within(ours.receive(&mut [0; 8])).await,
        Err(ReceiveError::EndOfStream)
    );
}

/// Closes the one end with a message of the other's unread. `close` drops what has arrived first, as on streams; a
/// descriptor that is taken out does not.
fn reset(socket: Socket) {
    drop(socket.into_fd().unwrap());
}

async fn a_reset_is_told_behind_the_messages_and_again(context: Context) {
    let (ours, theirs) = pair(&context);
    context.within(ours.send(b"unread")).await.unwrap();
    context.within(theirs.send(b"one")).await.unwrap();
    context.within(theirs.send(b"")).await.unwrap();
    context.within(theirs.send(b"last")).await.unwrap();
    reset(theirs);
    for sent in [&b"one"[..], b"", b"last"] {
        assert_eq!(message(&context, &ours).await, sent);
    }
    for _ in 0..2 {
        let broken = context.within(ours.receive(&mut [0; 8])).await;
        assert_is!(broken, Err(ReceiveError::Broken(_)));
        assert_is!(context.within(ours.send(b"x")).await, Err(SendError::Broken(_)));
    }
}

async fn sends_to_a_peer_that_closed_break(context: Context) {
    let (ours, mut theirs) = pair(&context);
    theirs.close();
    for _ in 0..2 {
        assert_is!(context.within(ours.send(b"x")).await, Err(SendError::Broken(_)));
    }
    assert_is!(
        context.within(ours.receive(&mut [0; 8])).await,
        Err(ReceiveError::Broken(_))
    );
}

async fn a_message_too_long_leaves_the_connection_well(context: Context) {
    let (ours, theirs) = pair(&context);
    let long = vec![0; 64 << 20];
    assert_is!(context.within(ours.send(&long)).await, Err(SendError::TooLong(_)));
    assert_talks(&context, &ours, &theirs).await;
}

async fn a_send_waits_for_room_and_loses_nothing(context: Context) {
    let (ours, theirs) = pair(&context);
    let mut sent = 0_u32;
    while theirs.try_send(&sent.to_ne_bytes()).unwrap() {
        sent += 1;
    }
    let sending = context.spawn_waiting(async move {
        theirs.send(&sent.to_ne_bytes()).await.unwrap();
    });
    let sending = sending.await;
    for expected in 0..=sent {
        assert_eq!(message(&context, &ours).await, expected.to_ne_bytes());
    }
    context.within(sending).await;
    assert_is!(
        context.within(ours.receive(&mut [0; 8])).await,
        Err(ReceiveError::EndOfStream)
    );
}

async fn a_closer_wakes_receives_and_closed_comes_first(context: Context) {
    let (ours, _theirs) = pair(&context);
    let closer = ours.closer();
    let ours = Arc::new(ours);
    let mut receiving = Vec::new();
    for _ in 0..3 {
        let ours = ours.clone();
        let waiting = context.spawn_waiting(async move { ours.receive(&mut [0; 8]).await });
        receiving.push(waiting.await);
    }
    closer.close();
    for receiving in receiving {
        assert_is!(context.within(receiving).await, Err(ReceiveError::Closed));
    }
    assert_is!(ours.receive(&mut []).await, Err(ReceiveError::Closed));
    assert_is!(ours.send(b"").await, Err(SendError::Closed));
}

async fn a_listener_accepts_messages_and_knows_its_address(context: Context) {
    let listener = listener(&context).await;
    let address = listener.local_address();
    let connect = UnixSeqpacket::connect_on(context.runtime(), address.clone());
    let client = context.within(connect.into_future()).await.unwrap();
    let accepted = context.within(listener.accept()).await.unwrap();
    assert_eq!(
        (client.peer_address(), client.local_address()),
        (address.clone(), UnixAddress::Unnamed)
    );
    assert_eq!(
        (accepted.local_address(), accepted.peer_address()),
        (address.clone(), UnixAddress::Unnamed)
    );
    assert!(accepted.peer_credentials().is_ok() && client.peer_credentials().is_ok());
    assert_talks(&context, &client, &accepted).await;
    let stream = UnixStream::connect_on(context.runtime(), address);
    assert!(
        context.within(stream.into_future()).await.is_err(),
        "that is no stream"
    );
}

async fn a_listener_is_closed_from_another_task_and_its_name_is_free(context: Context) {
    let listener = listener(&context).await;
    let (address, closer) = (listener.local_address(), listener.closer());
    let accepting = context.spawn_waiting(async move {
        let accepted = listener.accept().await;
        (accepted.map(drop), listener.accept().await.map(drop))
    });
    let accepting = accepting.await;
    closer.close();
    let (woken, again) = context.within(accepting).await;
    assert_is!(woken, Err(AcceptError::Closed));
    assert_is!(again, Err(AcceptError::Closed));
    if let Some(path) = address.path() {
        assert!(!path.exists(), "the file went with the listener");
    }
    let bind = UnixSeqpacketListener::bind_on(context.runtime(), address);
    context.within(bind.into_future()).await.unwrap();
}

async fn a_message_carries_descriptors(context: Context) {
    let (ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(3);
    context.within(theirs.send_fds(b"", &sent[..1])).await.unwrap();
    context.within(theirs.send_fds(b"two", &sent[1..])).await.unwrap();
    theirs.close();
    let mut buf = [0; 8];
    for (data, fds) in [(&b""[..], &sent[..1]), (b"two", &sent[1..])] {
        let received = context.within(ours.receive_fds(&mut buf, 9)).await.unwrap();
        assert_eq!(&buf[..received.length], data);
        assert_same(&received.fds, fds);
    }
    assert_is!(
        context.within(ours.receive_fds(&mut buf, 9)).await,
        Err(ReceiveError::EndOfStream)
    );
}

async fn a_receive_of_a_message_that_was_dropped_has_taken_nothing(context: Context) {
    let (ours, theirs) = pair(&context);
    assert!(poll_once(&mut Box::pin(ours.receive(&mut [0; 8]))).is_pending());
    context.within(theirs.send(b"kept")).await.unwrap();
    drop(ours.receive(&mut [0; 8]));
    assert_eq!(message(&context, &ours).await, b"kept");
}

async fn a_connection_is_given_away_and_adopted_again_and_no_stream_is(context: Context) {
    let (ours, theirs) = pair(&context);
    context.within(theirs.send(b"kept")).await.unwrap();
    let fd = ours.into_fd().unwrap();
    let error = UnixStream::from_fd(context.runtime().clone(), fd).unwrap_err();
    assert_is!(error.fault(), AdoptFault::Type);
    let ours = UnixSeqpacket::from_fd(context.runtime().clone(), error.into_fd()).unwrap();
    assert_eq!(message(&context, &ours).await, b"kept");
    assert_talks(&context, &ours, &theirs).await;
    let (stream, _peer) = UnixStream::pair_on(context.runtime()).unwrap();
    let fd = stream.into_fd().unwrap();
    assert!(UnixSeqpacket::from_fd(context.runtime().clone(), fd).is_err());
    let listening = listener(&context).await.into_fd().unwrap();
    UnixSeqpacketListener::from_fd(context.runtime().clone(), listening).unwrap();
}
