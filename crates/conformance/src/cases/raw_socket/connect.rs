//! The raw socket: binding, accepting and connecting.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use anynet_core::{TimedOut, UnixAddress};
use anynet_sockets::{SocketAddress, SocketError};
use anynet_util::timeout;
use rustix::io::Errno;
use socket2::{Domain, Type};

use super::{NONE, Socket, assert_talks, bound, listening, socket};
use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::{Descriptor, poll_once, refusing};
use crate::steps::assert_is;

cases![
    the_accepted_address_the_peers_name_and_the_clients_own_are_one,
    accept_waits_for_a_client_and_a_dropped_one_takes_none,
    accept_on_a_socket_that_does_not_listen_fails_at_once,
    a_refused_connect_names_the_address_and_leaves_the_socket_open,
    a_refused_bind_names_the_address,
    a_connect_that_waits_ends_when_there_is_room,
    a_connect_given_up_at_whatever_point_closes_its_socket,
    a_second_connect_does_not_disturb_the_first,
    a_unix_listener_without_room_is_an_error_not_a_hang,
];

async fn the_accepted_address_the_peers_name_and_the_clients_own_are_one(context: Context) {
    let (listener, address) = listening(&context);
    assert_eq!(address.ip(), Some(context.loopback.ip()));
    let client = socket(&context, Type::STREAM);
    assert!(client.peer_address().is_err());
    context.within(client.connect(&address)).await.unwrap();
    let (accepted, peer) = context.within(listener.accept()).await.unwrap();
    assert_eq!(peer, client.local_address().unwrap());
    assert_eq!(peer, accepted.peer_address().unwrap());
    assert_eq!(address, client.peer_address().unwrap());
    assert_eq!(address, accepted.local_address().unwrap());
    assert_talks(&context, &client, &accepted).await;
}

async fn accept_waits_for_a_client_and_a_dropped_one_takes_none(context: Context) {
    let (listener, address) = listening(&context);
    let mut given_up = Box::pin(listener.accept());
    context.assert_waits(&mut given_up).await;
    let mut waiting = Box::pin(listener.accept());
    context.assert_waits(&mut waiting).await;
    let client = socket(&context, Type::STREAM);
    context.within(client.connect(&address)).await.unwrap();
    drop(given_up);
    let (_, peer) = context.within(waiting).await.unwrap();
    assert_eq!(peer, client.local_address().unwrap());
}

async fn accept_on_a_socket_that_does_not_listen_fails_at_once(context: Context) {
    let (stream, _) = bound(&context, Type::STREAM);
    let accepted = context.within(stream.accept()).await.unwrap_err();
    assert_eq!(accepted.raw_os_error(), Some(Errno::INVAL.raw_os_error()));
    let (datagrams, _) = bound(&context, Type::DGRAM);
    let accepted = context.within(datagrams.accept()).await.unwrap_err();
    assert_eq!(accepted.raw_os_error(), Some(Errno::OPNOTSUPP.raw_os_error()));
}

async fn a_refused_connect_names_the_address_and_leaves_the_socket_open(context: Context) {
    let (_taken, refuses) = refusing(context.loopback);
    let client = socket(&context, Type::STREAM);
    let error = context.within(client.connect(&refuses.into())).await.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::CONNREFUSED.raw_os_error()));
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&refuses.to_string()), "{error}");
    match &error {
        SocketError::Connect { address, .. } => assert_eq!(address.socket_addr(), Some(refuses)),
        other => panic!("{other:?}"),
    }
    assert_eq!(std::io::Error::from(error).kind(), ErrorKind::ConnectionRefused);
    assert!(!client.is_closed());
    if cfg!(target_os = "linux") {
        // Which lets a socket that was refused try again.
        let (listener, address) = listening(&context);
        context.within(client.connect(&address)).await.unwrap();
        let (accepted, _) = context.within(listener.accept()).await.unwrap();
        let mut buf = [0; 1];
        let mut waiting = Box::pin(client.receive(&mut buf, NONE));
        context.assert_waits(&mut waiting).await;
        drop(waiting);
        assert_talks(&context, &client, &accepted).await;
    }
}

async fn a_refused_bind_names_the_address(context: Context) {
    let (_listener, address) = listening(&context);
    let other = socket(&context, Type::STREAM);
    let error = other.bind(&address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    match error {
        SocketError::Bind { address: named, .. } => assert_eq!(*named, address),
        other => panic!("{other:?}"),
    }
}

/// A listener whose queue is so full that the system does not answer the last of its clients yet.
async fn clogged(context: &Context) -> Result<(Socket, SocketAddress, Vec<Socket>), NotApplicable> {
    let (listener, address) = bound(context, Type::STREAM);
    listener.listen(0).unwrap();
    let mut clients = Vec::new();
    for _ in 0..32 {
        let client = socket(context, Type::STREAM);
        let connected = timeout(
            context.runtime(),
            Duration::from_millis(100),
            client.connect(&address),
        )
        .await;
        if let Err(TimedOut { .. }) = connected {
            return Ok((listener, address, clients));
        }
        clients.push(client);
    }
    Err(NotApplicable("the system lets every client in"))
}

async fn a_connect_that_waits_ends_when_there_is_room(context: Context) -> Outcome {
    let (listener, address, clients) = clogged(&context).await?;
    let client = socket(&context, Type::STREAM);
    let mut connect = Box::pin(client.connect(&address));
    context.assert_waits(&mut connect).await;
    for _ in &clients {
        context.within(listener.accept()).await.unwrap();
    }
    context.within(connect).await.unwrap();
    loop {
        let (accepted, peer) = context.within(listener.accept()).await.unwrap();
        if peer == client.local_address().unwrap() {
            assert_talks(&context, &client, &accepted).await;
            return Ok(());
        }
    }
}

async fn a_connect_given_up_at_whatever_point_closes_its_socket(context: Context) -> Outcome {
    // Before it was polled, though it would have been done at once.
    let (_listener, address) = listening(&context);
    let client = socket(&context, Type::STREAM);
    let descriptor = client.with_fd(|fd| Descriptor::of(fd)).unwrap()?;
    drop(client.connect(&address));
    assert_is_gone(&context, &client, &descriptor).await;
    // While it waits.
    let (_listener, address, _clients) = clogged(&context).await?;
    let client = socket(&context, Type::STREAM);
    let descriptor = client.with_fd(|fd| Descriptor::of(fd)).unwrap()?;
    let mut connect = Box::pin(client.connect(&address));
    context.assert_waits(&mut connect).await;
    drop(connect);
    assert_is_gone(&context, &client, &descriptor).await;
    // With its task.
    let client = Arc::new(socket(&context, Type::STREAM));
    let descriptor = client.with_fd(|fd| Descriptor::of(fd)).unwrap()?;
    let connecting = client.clone();
    let task = context
        .spawn_waiting(async move { connecting.connect(&address).await })
        .await;
    drop(task);
    context.until(|| client.is_closed()).await;
    assert_is_gone(&context, &client, &descriptor).await;
    Ok(())
}

async fn assert_is_gone(context: &Context, socket: &Socket, descriptor: &Descriptor) {
    assert!(socket.is_closed());
    assert!(!descriptor.is_open());
    assert_is!(
        context.within(socket.send(b"x", NONE)).await,
        Err(SocketError::Closed)
    );
    let address = context.loopback.into();
    assert_is!(
        context.within(socket.connect(&address)).await,
        Err(SocketError::Closed)
    );
}

async fn a_second_connect_does_not_disturb_the_first(context: Context) -> Outcome {
    let (listener, address, clients) = clogged(&context).await?;
    let client = socket(&context, Type::STREAM);
    let mut connect = Box::pin(client.connect(&address));
    assert!(poll_once(&mut connect).is_pending());
    let error = context.within(client.connect(&address)).await.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(Errno::ALREADY.raw_os_error()));
    assert!(!client.is_closed(), "it failed, and was not given up");
    for _ in &clients {
        context.within(listener.accept()).await.unwrap();
    }
    context.within(connect).await.unwrap();
    Ok(())
}

async fn a_unix_listener_without_room_is_an_error_not_a_hang(context: Context) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Err(NotApplicable("the name of the listener is abstract"));
    }
    let new = || Socket::new_on(context.runtime(), Domain::UNIX, Type::STREAM, None).unwrap();
    let listener = new();
    listener
        .bind(&SocketAddress::try_from(UnixAddress::Unnamed).unwrap())
        .unwrap();
    let address = listener.local_address().unwrap();
    assert_is!(address.unix(), Some(UnixAddress::Abstract(_))); // which the system chose
    listener.listen(0).unwrap();
    let mut clients = Vec::new();
    loop {
        let client = new();
        match context.within(client.connect(&address)).await {
            Ok(()) => clients.push(client),
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(Errno::AGAIN.raw_os_error()));
                context.within(listener.accept()).await.unwrap();
                break context.within(client.connect(&address)).await.unwrap();
            }
        }
        assert!(clients.len() < 32, "every client found room");
    }
    Ok(())
}
