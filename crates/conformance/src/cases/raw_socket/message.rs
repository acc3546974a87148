//! The raw socket: what is received and sent.

use std::collections::BTreeSet;
use std::io::{IoSlice, IoSliceMut};
use std::sync::Arc;
use std::time::Duration;

use anynet_sockets::{MessageFlags, SocketError};
use anynet_util::timeout;
use rustix::io::Errno;
use socket2::Type;

use super::{NONE, bound, connected, drain_until, filled, socket};
use crate::Context;
use crate::case::cases;
use crate::context::poll_once;
use crate::steps::assert_is;

cases![
    a_peek_takes_nothing_and_a_receive_fills_a_prefix,
    several_buffers_are_filled_and_sent_in_order,
    the_end_of_a_stream_is_a_value_again_and_again,
    a_receive_into_nothing_is_no_end,
    a_datagram_keeps_its_bounds_and_tells_its_sender,
    a_datagram_without_bytes_is_a_datagram,
    a_connected_datagram_socket_hears_its_peer_alone,
    a_datagram_that_was_cut_off_says_so,
    what_became_of_a_datagram_is_told_once,
    more_to_come_makes_one_datagram,
    a_datagram_too_long_is_the_systems_error,
    a_message_without_control_data_has_none_and_no_flags,
    a_send_without_room_waits_and_says_how_much_it_took,
    many_tasks_receive_and_each_datagram_goes_to_one,
    a_receive_that_was_dropped_has_taken_nothing,
    a_socket_that_is_always_ready_lets_other_tasks_run,
];

async fn a_peek_takes_nothing_and_a_receive_fills_a_prefix(context: Context) {
    let (ours, theirs) = connected(&context).await;
    context.within(theirs.send(b"hello", NONE)).await.unwrap();
    let mut buf = *b"........";
    for _ in 0..2 {
        assert_eq!(
            context
                .within(ours.receive(&mut buf, MessageFlags::PEEK))
                .await
                .unwrap(),
            5
        );
    }
    assert_eq!(
        context.within(ours.receive(&mut buf[..2], NONE)).await.unwrap(),
        2
    );
    assert_eq!(
        context.within(ours.receive(&mut buf[2..], NONE)).await.unwrap(),
        3
    );
    assert_eq!(&buf, b"hello...");
}

async fn several_buffers_are_filled_and_sent_in_order(context: Context) {
    let (ours, theirs) = connected(&context).await;
    let pieces = [&b"ab"[..], b"", b"cdef", b"g"].map(IoSlice::new);
    assert_eq!(
        context
            .within(theirs.send_message(&pieces, &[], NONE, None))
            .await
            .unwrap(),
        7
    );
    let (mut one, mut other) = ([0; 3], *b"........");
    let mut bufs = [&mut one[..], &mut [], &mut other].map(IoSliceMut::new);
    let message = context
        .within(ours.receive_message(&mut bufs, 0, NONE))
        .await
        .unwrap();
    assert_eq!(message.length, 7);
    assert_eq!((&one, &other), (b"abc", b"defg...."));
}

async fn the_end_of_a_stream_is_a_value_again_and_again(context: Context) {
    let (ours, theirs) = connected(&context).await;
    context.within(theirs.send(b"last", NONE)).await.unwrap();
    theirs.close();
    let mut buf = [0; 8];
    assert_eq!(context.within(ours.receive(&mut buf, NONE)).await.unwrap(), 4);
    for _ in 0..2 {
        assert_is!(
            context.within(ours.receive(&mut buf, NONE)).await,
            Err(SocketError::EndOfStream)
        );
        assert_is!(
            context.within(ours.receive(&mut buf, MessageFlags::PEEK)).await,
            Err(SocketError::EndOfStream)
        );
        let mut bufs = [IoSliceMut::new(&mut buf)];
        let message = context.within(ours.receive_message(&mut bufs, 64, NONE)).await;
        assert_is!(message, Err(SocketError::EndOfStream));
    }
}

async fn a_receive_into_nothing_is_no_end(context: Context) {
    let (ours, theirs) = connected(&context).await;
    context.within(theirs.send(b"data", NONE)).await.unwrap();
    context.within(ours.wait_readable()).await.unwrap();
    assert_eq!(context.within(ours.receive(&mut [], NONE)).await.unwrap(), 0);
    let mut buf = [0; 8];
    assert_eq!(context.within(ours.receive(&mut buf, NONE)).await.unwrap(), 4);
}

async fn a_datagram_keeps_its_bounds_and_tells_its_sender(context: Context) {
    let (ours, our_address) = bound(&context, Type::DGRAM);
    let (theirs, their_address) = bound(&context, Type::DGRAM);
    for data in [&b"one"[..], b"", b"three"] {
        let sent = context.within(theirs.send_to(data, NONE, &our_address)).await;
        assert_eq!(sent.unwrap(), data.len());
    }
    let mut buf = [0; 16];
    for data in [&b"one"[..], b"", b"three"] {
        let (length, sender) = context.within(ours.receive_from(&mut buf, NONE)).await.unwrap();
        assert_eq!((&buf[..length], sender.as_ref()), (data, Some(&their_address)));
    }
    let unbound = socket(&context, Type::DGRAM);
    let pieces = [&b"to"[..], b"gether"].map(IoSlice::new);
    context
        .within(unbound.send_message(&pieces, &[], NONE, Some(&our_address)))
        .await
        .unwrap();
    let (length, sender) = context.within(ours.receive_from(&mut buf, NONE)).await.unwrap();
    assert_eq!(&buf[..length], b"together");
    let port = unbound.local_address().unwrap().socket_addr().unwrap().port();
    assert_eq!(sender.unwrap().socket_addr().unwrap().port(), port);
}

async fn a_datagram_without_bytes_is_a_datagram(context: Context) {
    let (ours, address) = bound(&context, Type::DGRAM);
    let theirs = socket(&context, Type::DGRAM);
    context.within(theirs.connect(&address)).await.unwrap();
    let mut buf = [0; 4];
    for _ in 0..2 {
        let mut receive = Box::pin(ours.receive(&mut buf, NONE));
        context.assert_waits(&mut receive).await;
        assert_eq!(context.within(theirs.send(b"", NONE)).await.unwrap(), 0);
        assert_eq!(context.within(receive).await.unwrap(), 0);
    }
}

async fn a_connected_datagram_socket_hears_its_peer_alone(context: Context) {
    let (ours, our_address) = bound(&context, Type::DGRAM);
    let (peer, peer_address) = bound(&context, Type::DGRAM);
    let (stranger, _) = bound(&context, Type::DGRAM);
    context.within(ours.connect(&peer_address)).await.unwrap();
    assert_eq!(ours.peer_address().unwrap(), peer_address);
    context
        .within(stranger.send_to(b"stranger", NONE, &our_address))
        .await
        .unwrap();
    for data in [&b"one"[..], b"two"] {
        context
            .within(peer.send_to(data, NONE, &our_address))
            .await
            .unwrap();
        context.within(ours.send(data, NONE)).await.unwrap();
    }
    let mut buf = [0; 16];
    for data in [&b"one"[..], b"two"] {
        for socket in [&ours, &peer] {
            let length = context.within(socket.receive(&mut buf, NONE)).await.unwrap();
            assert_eq!(&buf[..length], data);
        }
    }
    assert!(!ours.is_readable().unwrap());
}

async fn a_datagram_that_was_cut_off_says_so(context: Context) {
    let (ours, address) = bound(&context, Type::DGRAM);
    let theirs = socket(&context, Type::DGRAM);
    for data in [b"too long", b"fits....", b"too long"] {
        context
            .within(theirs.send_to(data, NONE, &address))
            .await
            .unwrap();
    }
    let mut buf = [0; 8];
    for (room, truncated) in [(3, true), (8, false)] {
        let mut bufs = [IoSliceMut::new(&mut buf[..room])];
        let message = context
            .within(ours.receive_message(&mut bufs, 0, NONE))
            .await
            .unwrap();
        assert_eq!(message.length, room);
        assert_eq!(message.flags.contains(MessageFlags::TRUNCATED), truncated);
    }
    if cfg!(target_os = "linux") {
        let length = context
            .within(ours.receive(&mut buf[..3], MessageFlags::TRUNCATED))
            .await;
        assert_eq!(length.unwrap(), 8, "its true length, which was asked for");
    }
}

async fn what_became_of_a_datagram_is_told_once(context: Context) {
    let (ours, our_address) = bound(&context, Type::DGRAM);
    let (gone, address) = bound(&context, Type::DGRAM);
    context.within(ours.connect(&address)).await.unwrap();
    gone.close();
    context.within(ours.send(b"anybody?", NONE)).await.unwrap();
    let mut buf = [0; 8];
    let error = context.within(ours.receive(&mut buf, NONE)).await.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::CONNREFUSED.raw_os_error()));
    let mut receive = Box::pin(ours.receive(&mut buf, NONE));
    context.assert_waits(&mut receive).await;
    let again = socket(&context, Type::DGRAM);
    again.bind(&address).unwrap();
    context
        .within(again.send_to(b"here", NONE, &our_address))
        .await
        .unwrap();
    assert_eq!(context.within(receive).await.unwrap(), 4);
}

#[cfg(target_os = "linux")]
async fn more_to_come_makes_one_datagram(context: Context) {
    let (ours, address) = bound(&context, Type::DGRAM);
    let theirs = socket(&context, Type::DGRAM);
    context.within(theirs.connect(&address)).await.unwrap();
    context
        .within(theirs.send(b"one ", MessageFlags::MORE))
        .await
        .unwrap();
    context.within(theirs.send(b"datagram", NONE)).await.unwrap();
    let mut buf = [0; 16];
    let length = context.within(ours.receive(&mut buf, NONE)).await.unwrap();
    assert_eq!(&buf[..length], b"one datagram");
}

#[cfg(not(target_os = "linux"))]
async fn more_to_come_makes_one_datagram(_context: Context) -> crate::case::Outcome {
    Err(crate::case::NotApplicable("only Linux has the flag"))
}

async fn a_datagram_too_long_is_the_systems_error(context: Context) {
    let (ours, address) = bound(&context, Type::DGRAM);
    let theirs = socket(&context, Type::DGRAM);
    let long = vec![0; 70_000];
    let error = context
        .within(theirs.send_to(&long, NONE, &address))
        .await
        .unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::MSGSIZE.raw_os_error()));
    context
        .within(theirs.send_to(b"short", NONE, &address))
        .await
        .unwrap();
    assert_eq!(context.within(ours.receive(&mut [0; 8], NONE)).await.unwrap(), 5);
}

async fn a_message_without_control_data_has_none_and_no_flags(context: Context) {
    let (stream, peer) = connected(&context).await;
    let (datagrams, address) = bound(&context, Type::DGRAM);
    context.within(peer.send(b"data", NONE)).await.unwrap();
    context
        .within(socket(&context, Type::DGRAM).send_to(b"data", NONE, &address))
        .await
        .unwrap();
    for socket in [stream, datagrams] {
        let mut buf = [0; 8];
        let mut bufs = [IoSliceMut::new(&mut buf)];
        let message = context
            .within(socket.receive_message(&mut bufs, 512, NONE))
            .await
            .unwrap();
        assert_eq!((message.length, message.control.len()), (4, 0));
        assert!(message.flags.is_empty(), "{:?}", message.flags);
    }
}

async fn a_send_without_room_waits_and_says_how_much_it_took(context: Context) {
    let (ours, theirs) = filled(&context);
    let data = vec![7; 1 << 20];
    let mut send = Box::pin(ours.send(&data, NONE));
    context.assert_waits(&mut send).await;
    let sent = drain_until(&context, &theirs, &mut send).await.unwrap();
    assert!(0 < sent && sent < data.len(), "{sent} of {}", data.len());
    theirs.close();
    let error = context.within(ours.send(&data, NONE)).await.unwrap_err();
    assert_eq!(
        error.raw_os_error(),
        Some(Errno::PIPE.raw_os_error()),
        "and no signal"
    );
}

async fn many_tasks_receive_and_each_datagram_goes_to_one(context: Context) {
    const DATAGRAMS: u8 = 60;
    let (ours, address) = bound(&context, Type::DGRAM);
    let ours = Arc::new(ours);
    let mut tasks = Vec::new();
    for _ in 0..6 {
        let socket = ours.clone();
        let receiving = async move {
            let mut taken = Vec::new();
            loop {
                let mut buf = [0; 4];
                match socket.receive(&mut buf, NONE).await {
                    Ok(length) => taken.extend_from_slice(&buf[..length]),
                    Err(SocketError::Closed) => return taken,
                    Err(error) => panic!("{error:?}"),
                }
            }
        };
        tasks.push(context.spawn_waiting(receiving).await);
    }
    let theirs = socket(&context, Type::DGRAM);
    for number in 0..DATAGRAMS {
        context
            .within(theirs.send_to(&[number], NONE, &address))
            .await
            .unwrap();
    }
    context.until(|| !ours.is_readable().unwrap()).await;
    context.settle().await;
    ours.close();
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(context.within(task).await);
    }
    assert_eq!(taken.len(), usize::from(DATAGRAMS));
    assert_eq!(
        taken.into_iter().collect::<BTreeSet<u8>>(),
        (0..DATAGRAMS).collect()
    );
}

async fn a_receive_that_was_dropped_has_taken_nothing(context: Context) {
    let (ours, theirs) = connected(&context).await;
    let mut buf = [0; 8];
    let mut receive = Box::pin(ours.receive(&mut buf, NONE));
    assert!(poll_once(&mut receive).is_pending());
    context.within(theirs.send(b"data", NONE)).await.unwrap();
    context.settle().await;
    drop(receive);
    drop(ours.receive(&mut buf, NONE));
    assert_eq!(context.within(ours.receive(&mut buf, NONE)).await.unwrap(), 4);
}

async fn a_socket_that_is_always_ready_lets_other_tasks_run(context: Context) {
    let (ours, address) = bound(&context, Type::DGRAM);
    context
        .within(socket(&context, Type::DGRAM).send_to(b"x", NONE, &address))
        .await
        .unwrap();
    let busy = async {
        loop {
            ours.receive(&mut [0; 1], MessageFlags::PEEK).await.unwrap();
        }
    };
    let ended = context
        .within(timeout(context.runtime(), Duration::from_millis(20), busy))
        .await;
    assert!(ended.is_err());
}
