//! The halves of a stream: each on its own, and joined again.

use std::task::Poll;

use anynet_core::{BoxRuntime, Executor, ReceiveError, Runtime, SendError};
use anynet_sockets::{TcpReceiveHalf, TcpSendHalf};

use crate::Context;
use crate::case::{Outcome, cases};
use crate::context::{Descriptor, poll_once};
use crate::steps::assert_is;

cases![
    dropping_the_send_half_is_the_end_for_the_peer,
    dropping_the_receive_half_changes_nothing,
    closing_one_half_leaves_the_other_waiting,
    closing_both_halves_is_in_order_whatever_was_unread,
    the_descriptor_is_released_with_the_second_half,
    two_halves_of_one_stream_reunite,
    halves_of_two_streams_do_not_reunite,
    a_half_that_was_closed_does_not_reunite,
    a_half_peeks_and_tries_as_its_stream_does,
];

async fn dropping_the_send_half_is_the_end_for_the_peer(context: Context) {
    for is_blocked in [false, true] {
        let (ours, mut theirs) = context.tcp_pair().await;
        let (mut receive, mut send) = ours.into_split();
        let sent = if is_blocked { clog(&mut send) } else { 0 };
        let receiving = context.runtime().spawn(async move {
            let mut buf = [0; 4];
            let received = receive.receive_exactly(&mut buf).await;
            (received, buf, receive)
        });
        context.settle().await;
        drop(send);
        let (received, end) = context.drain(&mut theirs).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
        assert_eq!(received.len(), sent, "what was sent arrives before the end");

        context.within(theirs.send(b"late")).await.unwrap();
        let (received, buf, mut receive) = context.within(receiving).await;
        received.unwrap();
        assert_eq!(&buf, b"late", "receiving goes on");
        context.within(theirs.send_eof()).await.unwrap();
        let (_, end) = context.drain(&mut receive).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    }
}

async fn a_half_peeks_and_tries_as_its_stream_does(context: Context) {
    let (ours, mut theirs) = context.tcp_pair().await;
    let (mut receive, mut send) = ours.into_split();
    let mut buf = [0; 8];
    assert_eq!(
        receive.try_receive(&mut buf).unwrap(),
        None,
        "nothing has arrived"
    );
    context.assert_waits(&mut Box::pin(receive.peek(&mut buf))).await;
    context.within(theirs.send(b"piece")).await.unwrap();
    assert_eq!(context.within(receive.peek(&mut buf[..2])).await.unwrap(), 2);
    assert_eq!(receive.try_receive(&mut buf).unwrap(), Some(5));
    assert_eq!(&buf[..5], b"piece");
    assert_eq!(send.try_send(b"back").unwrap(), Some(4));
    context
        .within(theirs.receive_exactly(&mut buf[..4]))
        .await
        .unwrap();
    assert_eq!(&buf[..4], b"back");
    while send.try_send(&[0; 4096]).unwrap().is_some() {}
    assert_eq!(send.runtime().name(), receive.runtime().name());

    context.within(send.close()).await.unwrap();
    assert_is!(send.try_send(b"x"), Err(SendError::Closed));
    context.within(theirs.send_eof()).await.unwrap();
    context.settle().await;
    assert_is!(receive.try_receive(&mut buf), Err(ReceiveError::EndOfStream));
    receive.close();
    assert_is!(receive.try_receive(&mut buf), Err(ReceiveError::Closed));
    assert_is!(
        context.within(Box::pin(receive.peek(&mut buf))).await,
        Err(ReceiveError::Closed)
    );
}

async fn dropping_the_receive_half_changes_nothing(context: Context) {
    for is_blocked in [false, true] {
        let (ours, mut theirs) = context.tcp_pair().await;
        let (mut receive, mut send) = ours.into_split();
        if is_blocked {
            context.assert_waits(&mut receive.receive(&mut [0; 1])).await;
        }
        context.within(theirs.send(b"never received")).await.unwrap();
        drop(receive);
        for _ in 0..3 {
            let mut buf = [0; 4];
            context.within(send.send(b"ping")).await.unwrap();
            context.within(theirs.receive_exactly(&mut buf)).await.unwrap();
            assert_eq!(&buf, b"ping");
            context.within(theirs.send(b"more of it")).await.unwrap();
        }
        context.assert_waits(&mut theirs.receive(&mut [0; 1])).await;
        context.within(send.close()).await.unwrap();
        let (_, end) = context.drain(&mut theirs).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    }
}

async fn closing_one_half_leaves_the_other_waiting(context: Context) {
    let (ours, mut theirs) = context.tcp_pair().await;
    let (mut receive, mut send) = ours.into_split();
    let mut buf = [0; 1];
    let mut receiving = receive.receive(&mut buf);
    context.assert_waits(&mut receiving).await;
    context.within(send.close()).await.unwrap();
    assert!(matches!(send.send(b"").await, Err(SendError::Closed)));
    context.within(send.close()).await.unwrap();
    let (_, end) = context.drain(&mut theirs).await;
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
    context.assert_waits(&mut receiving).await;
    context.within(theirs.send(b"x")).await.unwrap();
    assert_eq!(context.within(receiving).await.unwrap(), 1);

    let (ours, mut theirs) = context.tcp_pair().await;
    let (mut receive, mut send) = ours.into_split();
    let sent = context.clog(&mut send).await;
    let mut sending = send.send(b"more");
    context.assert_waits(&mut sending).await;
    receive.close();
    let refused = receive.receive(&mut [0; 1]).await;
    assert!(matches!(refused, Err(ReceiveError::Closed)), "got {refused:?}");
    receive.close();
    context.assert_waits(&mut sending).await;
    let draining = context.runtime().spawn(async move {
        let mut everything = vec![0; sent + 4];
        theirs.receive_exactly(&mut everything).await.unwrap();
        everything
    });
    context.within(sending).await.unwrap();
    let everything = context.within(draining).await;
    assert!(everything.ends_with(b"more"));
}

async fn closing_both_halves_is_in_order_whatever_was_unread(context: Context) {
    for how in 0..3 {
        let (mut ours, mut theirs) = context.tcp_pair().await;
        context.within(theirs.send(b"never received")).await.unwrap();
        context.within(ours.peek(&mut [0; 1])).await.unwrap();
        let (mut receive, mut send) = ours.into_split();
        // So much that some of it is with us still: a reset would destroy that.
        let sent = context.clog(&mut send).await;
        match how {
            0 => {
                receive.close();
                context.within(send.close()).await.unwrap();
            }
            1 => {
                context.within(send.close()).await.unwrap();
                receive.close();
            }
            _ => {
                drop(receive);
                context.within(send.close()).await.unwrap();
            }
        }
        let (received, end) = context.drain(&mut theirs).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
        assert_eq!(received.len(), sent, "everything arrives (way {how})");
    }
}

async fn the_descriptor_is_released_with_the_second_half(context: Context) -> Outcome {
    for how in 0..8 {
        let (ours, _theirs) = context.tcp_pair().await;
        let descriptor = Descriptor::of(&ours)?;
        let (mut receive, mut send) = ours.into_split();
        assert!(poll_once(&mut receive.receive(&mut [0; 1])).is_pending());
        clog(&mut send);
        let let_go_of_receive = |mut half: TcpReceiveHalf<BoxRuntime>| {
            if how & 1 != 0 {
                half.close();
            }
        };
        let let_go_of_send = async |mut half: TcpSendHalf<BoxRuntime>| {
            if how & 2 != 0 {
                half.close().await.unwrap();
            }
        };
        if how & 4 != 0 {
            let_go_of_receive(receive);
            assert!(descriptor.is_open(), "the send half has it");
            let_go_of_send(send).await;
        } else {
            let_go_of_send(send).await;
            assert!(descriptor.is_open(), "the receive half has it");
            let_go_of_receive(receive);
        }
        assert!(!descriptor.is_open(), "nobody has it (way {how})");
    }
    Ok(())
}

async fn two_halves_of_one_stream_reunite(context: Context) -> Outcome {
    let (ours, mut theirs) = context.tcp_pair().await;
    let descriptor = Descriptor::of(&ours)?;
    let (addresses, closer) = ((ours.local_address(), ours.peer_address()), ours.closer());
    let (mut receive, mut send) = ours.into_split();
    assert!(poll_once(&mut receive.receive(&mut [0; 1])).is_pending());
    let sent = clog(&mut send);
    let mut ours = receive.reunite(send).unwrap();
    assert_eq!((ours.local_address(), ours.peer_address()), addresses);
    assert!(descriptor.is_open(), "it is the same connection");
    let mut before = vec![0; sent];
    context.within(theirs.receive_exactly(&mut before)).await.unwrap();
    context.assert_talks(&mut ours, &mut theirs).await;

    let (receive, mut send) = ours.into_split();
    context.within(send.send_eof()).await.unwrap();
    let mut ours = receive.reunite(send).unwrap();
    assert!(
        matches!(ours.send(b"").await, Err(SendError::Closed)),
        "an end that was sent stays sent"
    );
    let mut buf = [0; 1];
    let mut receiving = ours.receive(&mut buf);
    context.assert_waits(&mut receiving).await;
    closer.close();
    let received = context.within(receiving).await;
    assert!(matches!(received, Err(ReceiveError::Closed)), "got {received:?}");
    assert!(!descriptor.is_open(), "there is one handle, and it has let go");
    Ok(())
}

async fn halves_of_two_streams_do_not_reunite(context: Context) {
    let (one, mut their_one) = context.tcp_pair().await;
    let (other, mut their_other) = context.tcp_pair().await;
    let (one_receive, one_send) = one.into_split();
    let (other_receive, other_send) = other.into_split();
    let refused = one_receive.reunite(other_send).unwrap_err();
    let (one_receive, other_send) = (refused.receive, refused.send);
    let mut one = one_receive.reunite(one_send).unwrap();
    let mut other = other_receive.reunite(other_send).unwrap();
    context.assert_talks(&mut one, &mut their_one).await;
    context.assert_talks(&mut other, &mut their_other).await;
}

async fn a_half_that_was_closed_does_not_reunite(context: Context) {
    let (ours, mut theirs) = context.tcp_pair().await;
    let (mut receive, send) = ours.into_split();
    receive.close();
    let mut refused = receive.reunite(send).unwrap_err();
    let received = refused.receive.receive(&mut [0; 1]).await;
    assert!(matches!(received, Err(ReceiveError::Closed)), "got {received:?}");
    context.within(refused.send.send(b"x")).await.unwrap();
    drop(refused);
    let (received, end) = context.drain(&mut theirs).await;
    assert_eq!(received, b"x");
    assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
}

/// Sends until a send waits. Says how much that was.
fn clog(send: &mut TcpSendHalf<BoxRuntime>) -> usize {
    let data = [0; 64 << 10];
    let mut sent = 0;
    while let Poll::Ready(more) = poll_once(&mut send.send_some(&data)) {
        sent += more.unwrap();
    }
    sent
}
