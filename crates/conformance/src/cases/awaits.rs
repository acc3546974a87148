//! Operations that are given up at each of their awaits, with every byte and every connection accounted for.

use std::io::IoSlice;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anynet_core::{BoxRuntime, ReceiveError, SendError};
use anynet_sockets::TcpStream;

use crate::Context;
use crate::case::cases;
use crate::context::{Woken, narrow, poll_once, poll_with};
use crate::resolvers::{Asked, NAME, knowing};

cases![
    a_receive_dropped_at_each_of_its_awaits_loses_no_byte,
    a_send_dropped_at_each_of_its_awaits_has_sent_what_it_says,
    a_connect_dropped_at_each_of_its_awaits_leaves_no_connection,
    an_accept_dropped_at_each_of_its_awaits_loses_no_client,
    a_lingering_close_dropped_at_each_of_its_awaits_leaves_a_stream_that_has_ended,
];

async fn a_receive_dropped_at_each_of_its_awaits_loses_no_byte(context: Context) {
    for operation in ["receive", "peek", "receive_exactly"] {
        for stop in 0.. {
            let (mut ours, mut theirs) = context.tcp_pair().await;
            let mut given = 0;
            let give = || {
                given += theirs.try_send(&[given]).unwrap().map_or(0, |_| 1);
            };
            let mut buf = [0; 4];
            let (received, is_done) = match operation {
                "receive" => {
                    let done = dropped_at(&context, stop, &mut ours.receive(&mut buf), give).await;
                    done.map_or((0, false), |received| (received.unwrap(), true))
                }
                "peek" => {
                    let mut peek = Box::pin(ours.peek(&mut buf));
                    (0, dropped_at(&context, stop, &mut peek, give).await.is_some())
                }
                _ => {
                    let mut receive = ours.receive_exactly(&mut buf);
                    let is_done = dropped_at(&context, stop, &mut receive, give).await.is_some();
                    (receive.received(), is_done)
                }
            };
            context.within(theirs.close()).await.unwrap();
            let (rest, end) = context.drain(&mut ours).await;
            assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
            let everything: Vec<u8> = buf[..received].iter().copied().chain(rest).collect();
            let expected: Vec<u8> = (0..given).collect();
            assert_eq!(everything, expected, "{operation}, dropped at {stop}");
            if is_done {
                break;
            }
        }
    }
}

async fn a_send_dropped_at_each_of_its_awaits_has_sent_what_it_says(context: Context) {
    const MORE: &[u8] = &[1; 256 << 10];
    for operation in ["send_some", "send", "send_vectored", "send_ready"] {
        for stop in 0..8 {
            let (mut ours, mut theirs) = context.tcp_pair().await;
            narrow(&ours, &theirs);
            let before = fill(&mut ours);
            let mut received = 0;
            let mut buf = vec![0; 64 << 10];
            let take = || {
                while let Some(n) = theirs.try_receive(&mut buf).unwrap() {
                    received += n;
                }
            };
            let (sent, is_done) = match operation {
                "send_some" => {
                    let done = dropped_at(&context, stop, &mut ours.send_some(MORE), take).await;
                    done.map_or((0, false), |sent| (sent.unwrap(), true))
                }
                "send" => {
                    let mut send = ours.send(MORE);
                    let is_done = dropped_at(&context, stop, &mut send, take).await.is_some();
                    (send.sent(), is_done)
                }
                "send_vectored" => {
                    let mut bufs: Vec<_> = MORE.chunks(1000).map(IoSlice::new).collect();
                    let mut send = ours.send_vectored(&mut bufs);
                    let is_done = dropped_at(&context, stop, &mut send, take).await.is_some();
                    (send.sent(), is_done)
                }
                _ => {
                    let done = dropped_at(&context, stop, &mut ours.send_ready(), take).await;
                    (0, done.is_some())
                }
            };
            context.within(ours.close()).await.unwrap();
            let (rest, end) = context.drain(&mut theirs).await;
            assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
            assert_eq!(
                received + rest.len(),
                before + sent,
                "{operation}, dropped at {stop}"
            );
            if is_done {
                break;
            }
        }
    }
}

async fn a_connect_dropped_at_each_of_its_awaits_leaves_no_connection(context: Context) {
    let listener = context.listener().await;
    let address = listener.local_address();
    let name = (NAME, address.port());
    for by_name in [false, true] {
        for stop in 0.. {
            let connect = if by_name {
                TcpStream::connect_on(context.runtime(), name).resolver(Asked::new(knowing(address)))
            } else {
                TcpStream::connect_on(context.runtime(), address)
            };
            let is_done = dropped_at(&context, stop, &mut connect.into_future(), || ())
                .await
                .map(|connected| drop(connected.unwrap()))
                .is_some();
            // Whatever has reached the listener before this one came from the connect, and has ended with it.
            let last = context.connect(address).await;
            loop {
                let mut accepted = context.within(listener.accept()).await.unwrap();
                if accepted.peer_address() == last.local_address() {
                    break;
                }
                context.drain(&mut accepted).await;
            }
            if is_done {
                break;
            }
        }
    }
}

async fn an_accept_dropped_at_each_of_its_awaits_loses_no_client(context: Context) {
    for stop in 0.. {
        let listener = context.listener().await;
        let mut clients = Vec::new();
        let connect = || {
            if clients.is_empty() {
                clients.push(std::net::TcpStream::connect(listener.local_address()).unwrap());
            }
        };
        let accepted = dropped_at(&context, stop, &mut Box::pin(listener.accept()), connect).await;
        let is_done = accepted.is_some();
        if let Some(accepted) = accepted {
            clients.pop().unwrap();
            let (_, end) = context.drain(&mut accepted.unwrap()).await;
            assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
        }
        for client in clients {
            let accepted = context.within(listener.accept()).await.unwrap();
            assert_eq!(accepted.peer_address(), client.local_addr().unwrap());
        }
        context.assert_waits(&mut Box::pin(listener.accept())).await;
        if is_done {
            break;
        }
    }
}

async fn a_lingering_close_dropped_at_each_of_its_awaits_leaves_a_stream_that_has_ended(context: Context) {
    for stop in 1..6 {
        let (mut ours, mut theirs) = context.tcp_pair().await;
        let mut given = 0;
        let give = || {
            given += theirs.try_send(&[given]).unwrap().map_or(0, |_| 1);
        };
        let mut closing = Box::pin(ours.close_lingering(Duration::from_secs(60)));
        let ended = dropped_at(&context, stop, &mut closing, give).await;
        assert!(ended.is_none(), "the peer has not ended: {ended:?}");
        drop(closing);
        assert!(matches!(ours.send(b"x").await, Err(SendError::Closed)));
        let (_, end) = context.drain(&mut theirs).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
        context.within(theirs.send(b"last")).await.unwrap();
        context.within(theirs.close()).await.unwrap();
        let (received, end) = context.drain(&mut ours).await;
        assert!(matches!(end, ReceiveError::EndOfStream), "ended with {end:?}");
        assert!(received.ends_with(b"last"), "receiving goes on");
    }
}

/// Polls `future` as it asks for it, and gives it up at one chance: before its first poll (0), when it waits (1), when what
/// it waited for has come (2), when it waits again (3), and so on. `bring` brings what it waits for. `None` if it was
/// not done by then.
async fn dropped_at<F: Future + Unpin>(
    context: &Context,
    chance: usize,
    future: &mut F,
    mut bring: impl FnMut(),
) -> Option<F::Output> {
    let mut woken = Arc::new(Woken::default());
    for step in 0..chance {
        if step % 2 == 0 {
            woken = Arc::default();
            if let Poll::Ready(output) = poll_with(future, &woken) {
                return Some(output);
            }
        } else {
            let has_come = || {
                bring();
                woken.was_called()
            };
            context.until(has_come).await;
        }
    }
    None
}

/// Sends until a send waits. Says how much that was.
fn fill(stream: &mut TcpStream<BoxRuntime>) -> usize {
    let data = [0; 16 << 10];
    let mut sent = 0;
    while let Poll::Ready(more) = poll_once(&mut stream.send_some(&data)) {
        sent += more.unwrap();
    }
    sent
}
