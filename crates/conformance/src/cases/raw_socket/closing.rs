//! The raw socket: how it ends, and how those who wait are told.

use std::net::{TcpListener as StdListener, UdpSocket as StdUdp};
use std::os::fd::{AsRawFd, OwnedFd};
use std::pin::pin;
use std::sync::Arc;

use anynet_core::BoxFuture;
use anynet_sockets::{MessageFlags, SocketError};
use rustix::fs::OFlags;
use socket2::Type;

use super::{NONE, Socket, assert_talks, bound, connected, filled, listening};
use crate::Context;
use crate::case::{Outcome, cases};
use crate::context::{Descriptor, poll_once};
use crate::steps::assert_is;

cases![
    a_close_wakes_everybody_who_waits,
    detaching_wakes_everybody_who_waits,
    a_close_reaches_who_has_data_to_take_and_has_not_run_yet,
    everything_on_a_closed_socket_is_closed_again_and_again,
    the_address_is_free_once_a_close_returns,
    the_descriptor_is_there_until_the_last_who_waited_has_gone,
    a_close_leaves_a_duplicate_listening,
    a_detached_descriptor_goes_on_and_is_handed_out_once,
    dropping_it_closes_the_descriptor,
    closing_again_does_not_touch_a_reused_descriptor_number,
    on_a_runtime_that_was_shut_down_whatever_would_wait_is_an_error,
];

type Waits = BoxFuture<'static, Result<(), SocketError>>;

/// Every operation that waits, each as a task of its own that waits already, by the socket that it waits on.
async fn waiting(context: &Context) -> Vec<(Arc<Socket>, Vec<Waits>)> {
    let (datagrams, _) = bound(context, Type::DGRAM);
    let (listener, _) = listening(context);
    let (filled, peer) = filled(context);
    let [datagrams, listener, filled] = [datagrams, listener, filled].map(Arc::new);
    let peer = Arc::new(peer); // kept, or there would be an end to receive
    let mut all = Vec::new();
    for (socket, operations) in [(datagrams, 0..4), (listener, 4..5), (filled, 5..8)] {
        let mut tasks = Vec::new();
        for operation in operations {
            let (socket, peer) = (socket.clone(), peer.clone());
            tasks.push(context.spawn_waiting(run(socket, operation, peer)).await);
        }
        all.push((socket, tasks));
    }
    all
}

async fn run(socket: Arc<Socket>, operation: usize, _peer: Arc<Socket>) -> Result<(), SocketError> {
    let mut buf = [0; 16];
    match operation {
        0 => socket.receive(&mut buf, NONE).await.map(drop),
        1 => socket.receive_from(&mut buf, MessageFlags::PEEK).await.map(drop),
        2 => socket
            .receive_message(&mut [std::io::IoSliceMut::new(&mut buf)], 64, NONE)
            .await
            .map(drop),
        3 => socket.wait_readable().await,
        4 => socket.accept().await.map(drop),
        5 => socket.send(&buf, NONE).await.map(drop),
        6 => socket.wait_writable().await,
        _ => socket.receive(&mut buf, NONE).await.map(drop),
    }
}

async fn a_close_wakes_everybody_who_waits(context: Context) {
    for (socket, tasks) in waiting(&context).await {
        socket.close();
        for task in tasks {
            assert_is!(context.within(task).await, Err(SocketError::Closed));
        }
    }
}

async fn detaching_wakes_everybody_who_waits(context: Context) -> Outcome {
    for (socket, tasks) in waiting(&context).await {
        let before = socket.with_fd(|fd| Descriptor::of(fd)).unwrap()?;
        let detached = socket.detach().unwrap().expect("it was open");
        let after = Descriptor::of(&detached)?;
        assert!(after.is_same_socket(&before));
        for task in tasks {
            assert_is!(context.within(task).await, Err(SocketError::Closed));
        }
        assert!(after.is_open());
        assert!(!before.is_open(), "only the duplicate is left");
    }
    Ok(())
}

async fn a_close_reaches_who_has_data_to_take_and_has_not_run_yet(context: Context) {
    let (socket, address) = bound(&context, Type::DGRAM);
    let mut buf = [0; 4];
    let mut receive = pin!(socket.receive(&mut buf, NONE));
    assert!(poll_once(&mut receive).is_pending());
    let sender = StdUdp::bind(context.loopback).unwrap();
    sender.send_to(b"late", address.socket_addr().unwrap()).unwrap();
    context.settle().await;
    socket.close();
    assert_is!(context.within(receive).await, Err(SocketError::Closed));
}

async fn everything_on_a_closed_socket_is_closed_again_and_again(context: Context) {
    let (socket, peer) = connected(&context).await;
    let address = peer.local_address().unwrap();
    for _ in 0..2 {
        socket.close();
        let mut buf = [0; 4];
        let mut outcomes = vec![
            context.within(socket.receive(&mut buf, NONE)).await.map(drop),
            context.within(socket.receive(&mut [], NONE)).await.map(drop),
            context.within(socket.send(b"x", NONE)).await.map(drop),
            context.within(socket.send(b"", NONE)).await.map(drop),
            context
                .within(socket.send_to(b"x", NONE, &address))
                .await
                .map(drop),
            context.within(socket.accept()).await.map(drop),
            context.within(socket.connect(&address)).await,
            context.within(socket.wait_readable()).await,
            context.within(socket.wait_writable()).await,
        ];
        outcomes.extend([
            socket.bind(&address),
            socket.listen(1),
            socket.shutdown(std::net::Shutdown::Both),
            socket.is_readable().map(drop),
            socket.local_address().map(drop),
            socket.peer_address().map(drop),
            socket.is_inheritable().map(drop),
            socket.set_inheritable(true),
            socket.try_clone().map(drop),
            socket.with_fd(|_| ()),
        ]);
        for outcome in outcomes {
            assert_is!(outcome, Err(SocketError::Closed));
        }
        assert_is!(socket.detach(), Ok(None));
        assert!(socket.is_closed());
    }
}

async fn the_address_is_free_once_a_close_returns(context: Context) {
    let (listener, address) = listening(&context);
    // Watched by the reactor, and nobody waits any more.
    let mut given_up = Box::pin(listener.accept());
    context.assert_waits(&mut given_up).await;
    drop(given_up);
    listener.close();
    StdListener::bind(address.socket_addr().unwrap()).unwrap();
}

async fn the_descriptor_is_there_until_the_last_who_waited_has_gone(context: Context) -> Outcome {
    let (socket, _) = bound(&context, Type::DGRAM);
    let descriptor = socket.with_fd(|fd| Descriptor::of(fd)).unwrap()?;
    let (mut one, mut other) = ([0; 1], [0; 1]);
    let mut receives = [&mut one, &mut other].map(|buf| Box::pin(socket.receive(buf, NONE)));
    for receive in &mut receives {
        assert!(poll_once(receive).is_pending());
    }
    socket.close();
    let [one, other] = receives;
    assert!(descriptor.is_open());
    assert_is!(context.within(one).await, Err(SocketError::Closed));
    assert!(descriptor.is_open());
    drop(other);
    assert!(!descriptor.is_open());
    Ok(())
}

async fn a_close_leaves_a_duplicate_listening(context: Context) {
    let (listener, address) = listening(&context);
    let listener = Arc::new(listener);
    let duplicate = listener.try_clone().unwrap();
    let accepting = listener.clone();
    let accept = context
        .spawn_waiting(async move { accepting.accept().await.map(drop) })
        .await;
    listener.close();
    assert_is!(context.within(accept).await, Err(SocketError::Closed));
    let client = super::socket(&context, Type::STREAM);
    context.within(client.connect(&address)).await.unwrap();
    let (accepted, _) = context.within(duplicate.accept()).await.unwrap();
    assert_talks(&context, &client, &accepted).await;
}

async fn a_detached_descriptor_goes_on_and_is_handed_out_once(context: Context) {
    for watched in [false, true] {
        let (ours, theirs) = connected(&context).await;
        if watched {
            let mut buf = [0; 1];
            context
                .assert_waits(&mut Box::pin(ours.receive(&mut buf, NONE)))
                .await;
        }
        let number = ours.with_fd(|fd| fd.as_raw_fd()).unwrap();
        let fd: OwnedFd = ours.detach().unwrap().expect("it was open");
        assert_eq!(fd.as_raw_fd(), number, "nobody waited, so it is no duplicate");
        assert!(rustix::fs::fcntl_getfl(&fd).unwrap().contains(OFlags::NONBLOCK));
        assert_is!(ours.detach(), Ok(None));
        ours.close();
        let again = Socket::from_fd(context.runtime().clone(), fd).unwrap();
        assert_talks(&context, &again, &theirs).await;
    }
}

async fn dropping_it_closes_the_descriptor(context: Context) -> Outcome {
    for watched in [false, true] {
        let (socket, _) = bound(&context, Type::DGRAM);
        let descriptor = socket.with_fd(|fd| Descriptor::of(fd)).unwrap()?;
        if watched {
            let mut buf = [0; 1];
            context
                .assert_waits(&mut Box::pin(socket.receive(&mut buf, NONE)))
                .await;
        }
        assert!(descriptor.is_open());
        drop(socket);
        assert!(!descriptor.is_open());
    }
    Ok(())
}

async fn closing_again_does_not_touch_a_reused_descriptor_number(context: Context) {
    let (old, _) = bound(&context, Type::DGRAM);
    let mut buf = [0; 1];
    let mut waiting = Box::pin(old.receive(&mut buf, NONE));
    context.assert_waits(&mut waiting).await;
    old.close();
    assert_is!(context.within(waiting).await, Err(SocketError::Closed));
    // One of them has the number of the old one, unless another thread was faster.
    let pairs = [connected(&context).await, connected(&context).await];
    old.close();
    assert_is!(old.detach(), Ok(None));
    drop(old);
    for (ours, theirs) in &pairs {
        assert_talks(&context, ours, theirs).await;
    }
}

async fn on_a_runtime_that_was_shut_down_whatever_would_wait_is_an_error(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let [watched, fresh] = [(); 2].map(|()| bound(&there, Type::DGRAM));
    let (mut one, mut other) = ([0; 1], [0; 1]);
    let mut waiting = Box::pin(watched.0.receive(&mut one, NONE));
    context.assert_waits(&mut waiting).await;
    shut_down();
    assert_is!(context.within(waiting).await, Err(SocketError::System(_)));
    // What is there is had without a runtime.
    let sender = StdUdp::bind(context.loopback).unwrap();
    sender.send_to(b"x", fresh.1.socket_addr().unwrap()).unwrap();
    assert_eq!(
        context.within(fresh.0.receive(&mut other, NONE)).await.unwrap(),
        1
    );
    for socket in [&watched.0, &fresh.0] {
        let mut buf = [0; 1];
        assert_is!(
            context.within(socket.receive(&mut buf, NONE)).await,
            Err(SocketError::System(_))
        );
        socket.close();
        assert_is!(
            context.within(socket.receive(&mut buf, NONE)).await,
            Err(SocketError::Closed)
        );
    }
    Ok(())
}
