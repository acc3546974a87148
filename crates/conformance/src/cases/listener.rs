//! Listening.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::os::fd::AsFd;
use std::sync::Arc;

use anynet_core::{
    AcceptError, AttributesExt, BindError, BoxRuntime, Closer, Executor, LocalAddress, Network, PeerAddress,
    ReceiveError,
};
use anynet_sockets::TcpListener;
use rustix::io::Errno;
use socket2::SockRef;

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::poll_once;
use crate::resolvers::{NAME, knowing};

cases![
    it_reports_its_own_address_and_no_peer,
    accept_gives_a_stream_that_works_both_ways,
    accept_on_a_closed_listener_is_closed,
    closing_twice_succeeds,
    a_closer_wakes_a_blocked_accept,
    a_closer_leaves_a_duplicate_accepting,
    an_address_is_reused_but_not_while_another_listens,
    an_option_of_the_raw_socket_takes_effect,
    a_peer_that_sent_and_closed_before_the_accept_is_heard,
    a_peer_that_reset_before_the_accept_does_not_harm_the_listener,
    many_tasks_accept_and_each_client_is_taken_once,
    a_dropped_accept_leaves_the_client_to_another,
    clients_that_nobody_accepted_are_reset_by_a_close,
    an_ipv6_listener_takes_no_ipv4_client,
    an_ipv4_address_in_ipv6_form_is_bound_and_takes_ipv4_clients,
];

async fn it_reports_its_own_address_and_no_peer(context: Context) {
    let by_name = TcpListener::bind_on(context.runtime(), (NAME, 0)).resolver(knowing(context.loopback));
    let mut listener = context.within(by_name.into_future()).await.unwrap();
    let raw = SockRef::from(&listener)
        .local_addr()
        .unwrap()
        .as_socket()
        .unwrap();
    assert_eq!(raw.ip(), context.loopback.ip());
    assert_ne!(raw.port(), 0, "the port that the system chose");
    for closed in [false, true] {
        assert_eq!(listener.local_address(), raw, "closed: {closed}");
        assert_eq!(
            listener.attribute::<LocalAddress>(),
            Some(LocalAddress(raw.into())),
            "closed: {closed}"
        );
        assert_eq!(listener.attribute::<PeerAddress>(), None, "closed: {closed}");
        listener.close();
    }
}

async fn accept_gives_a_stream_that_works_both_ways(context: Context) {
    let listener = context.listener().await;
    // Both orders: the client is there first, and the accept is.
    for accept_first in [false, true] {
        let mut accept = Box::pin(listener.accept());
        if accept_first {
            context.assert_waits(&mut accept).await;
        }
        let mut client = context.connect(listener.local_address()).await;
        let mut accepted = context.within(accept).await.unwrap();
        let mut buf = [0; 8];
        context.within(client.send(b"there")).await.unwrap();
        assert_eq!(context.within(accepted.receive(&mut buf)).await.unwrap(), 5);
        context.within(accepted.send(b"back")).await.unwrap();
        assert_eq!(context.within(client.receive(&mut buf)).await.unwrap(), 4);
        assert_eq!(&buf[..4], b"back");
    }
}

async fn accept_on_a_closed_listener_is_closed(context: Context) {
    let mut listener = context.listener().await;
    let _client = StdStream::connect(listener.local_address()).unwrap();
    listener.close();
    assert_closed(&context, &listener).await;
    assert_closed(&context, &listener).await;

    let listener = context.listener().await;
    let _client = StdStream::connect(listener.local_address()).unwrap();
    listener.closer().close();
    assert_closed(&context, &listener).await;
    assert_closed(&context, &listener).await;
}

async fn closing_twice_succeeds(context: Context) {
    let mut listener = context.listener().await;
    let (before, closer) = (listener.closer(), listener.closer());
    closer.close();
    closer.close();
    closer.abort();
    listener.close();
    listener.close();
    before.close();
    listener.closer().close();
    assert_closed(&context, &listener).await;
}

async fn a_closer_wakes_a_blocked_accept(context: Context) {
    let by_method: fn(&Listener) -> Closer = TcpListener::closer;
    let by_attribute: fn(&Listener) -> Closer = |listener| listener.attribute().expect("it has a closer");
    for (closer, close) in [
        (by_method, Closer::close as fn(&Closer)),
        (by_attribute, Closer::close),
        (by_method, Closer::abort),
    ] {
        let listener = Arc::new(context.listener().await);
        let waiting = [(); 3].map(|()| {
            let listener = listener.clone();
            context
                .runtime()
                .spawn(async move { listener.accept().await.map(drop) })
        });
        context.settle().await;
        // Made while they wait already.
        close(&closer(&listener));
        for accept in waiting {
            let accepted = context.within(accept).await;
            assert!(matches!(accepted, Err(AcceptError::Closed)), "{accepted:?}");
        }
    }
}

async fn a_closer_leaves_a_duplicate_accepting(context: Context) {
    for close in [Closer::close, Closer::abort] {
        let listener = context.listener().await;
        let address = listener.local_address();
        let duplicate = StdListener::from(listener.as_fd().try_clone_to_owned().unwrap());
        close(&listener.closer());
        assert_closed(&context, &listener).await;
        drop(listener);
        let client = StdStream::connect(address).unwrap();
        duplicate.set_nonblocking(false).unwrap();
        let (_, peer) = duplicate.accept().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    }
}

async fn an_address_is_reused_but_not_while_another_listens(context: Context) {
    // Somebody else can be given the port in between, though hardly ten times.
    for _ in 0..10 {
        let mut listener = context.listener().await;
        let address = listener.local_address();
        let error = context
            .within(context.network().listen(address))
            .await
            .unwrap_err();
        assert_in_use(&error, address);
        // Two connections that outlive the listener: one that is open, and one that lingers after our close.
        let clients = [(); 2].map(|()| StdStream::connect(address).unwrap());
        let open = context.within(listener.accept()).await.unwrap();
        let lingering = context.within(listener.accept()).await.unwrap();
        drop(lingering);
        listener.close();
        match context.within(context.network().listen(address)).await {
            Ok(again) => {
                assert_eq!(again.local_address(), address);
                drop((open, clients));
                return;
            }
            Err(error) => assert_in_use(&error, address),
        }
    }
    panic!("the address could not be listened on again");
}

async fn an_option_of_the_raw_socket_takes_effect(context: Context) {
    let listener = context.listener().await;
    let default = SockRef::from(&listener).recv_buffer_size().unwrap();
    let wanted = default / 2;
    SockRef::from(&listener).set_recv_buffer_size(wanted).unwrap();
    let set = SockRef::from(&listener).recv_buffer_size().unwrap();
    // Linux doubles what is asked for, and says so.
    assert!(set == wanted || set == 2 * wanted, "{set} of {wanted}");
    SockRef::from(&listener).set_keepalive(true).unwrap();
    let _client = StdStream::connect(listener.local_address()).unwrap();
    let accepted = context.within(listener.accept()).await.unwrap();
    assert!(
        SockRef::from(&accepted).keepalive().unwrap(),
        "what is accepted inherits it"
    );
    assert!(SockRef::from(&listener).reuse_address().unwrap());
}

async fn a_peer_that_sent_and_closed_before_the_accept_is_heard(context: Context) {
    let listener = context.listener().await;
    let mut client = StdStream::connect(listener.local_address()).unwrap();
    client.write_all(b"last words").unwrap();
    drop(client);
    context.settle().await;
    let mut accepted = context.within(listener.accept()).await.unwrap();
    let mut buf = [0; 32];
    assert_eq!(context.within(accepted.receive(&mut buf)).await.unwrap(), 10);
    assert_eq!(&buf[..10], b"last words");
    let received = context.within(accepted.receive(&mut buf)).await;
    assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");
}

async fn a_peer_that_reset_before_the_accept_does_not_harm_the_listener(context: Context) {
    let listener = context.listener().await;
    let client = StdStream::connect(listener.local_address()).unwrap();
    SockRef::from(&client)
        .set_linger(Some(std::time::Duration::ZERO))
        .unwrap();
    let reset = client.local_addr().unwrap();
    drop(client);
    context.settle().await;
    let next = StdStream::connect(listener.local_address()).unwrap();
    // Systems differ: the connection is accepted broken, or is an error of its own, or is gone.
    loop {
        match context.within(listener.accept()).await {
            Ok(accepted) if accepted.peer_address() == reset => {
                let mut accepted = accepted;
                let received = context.within(accepted.receive(&mut [0; 1])).await;
                assert!(matches!(received, Err(ReceiveError::Broken(_))), "{received:?}");
            }
            Ok(accepted) => {
                assert_eq!(accepted.peer_address(), next.local_addr().unwrap());
                break;
            }
            Err(AcceptError::Connection(_)) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn many_tasks_accept_and_each_client_is_taken_once(context: Context) {
    const CLIENTS: usize = 40;
    let listener = Arc::new(context.listener().await);
    let accepting = [(); 8].map(|()| {
        let listener = listener.clone();
        context.runtime().spawn(async move {
            let mut taken: Vec<SocketAddr> = Vec::new();
            loop {
                match listener.accept().await {
                    Ok(stream) => taken.push(stream.peer_address()),
                    Err(AcceptError::Closed) => return taken,
                    Err(error) => panic!("{error:?}"),
                }
            }
        })
    });
    context.settle().await;
    let mut expected = Vec::new();
    // Some while everybody waits, one by one, and some all at once. Each ends when its accepted stream is dropped.
    for _ in 0..CLIENTS / 2 {
        let mut client = context.connect(listener.local_address()).await;
        expected.push(client.local_address());
        assert!(context.within(client.receive(&mut [0; 1])).await.is_err());
    }
    let clients: Vec<_> = (0..CLIENTS / 2)
        .map(|_| StdStream::connect(listener.local_address()).unwrap())
        .collect();
    for mut client in clients {
        expected.push(client.local_addr().unwrap());
        client.set_nonblocking(true).unwrap();
        context.until(|| !would_block(&mut client)).await;
    }
    listener.closer().close();
    let mut taken = Vec::new();
    for accept in accepting {
        taken.extend(context.within(accept).await);
    }
    taken.sort();
    expected.sort();
    assert_eq!(taken, expected);
}

async fn a_dropped_accept_leaves_the_client_to_another(context: Context) {
    let listener = context.listener().await;
    for _ in 0..5 {
        // The first in the queue is woken, and then dropped before it could look.
        let mut given_up = Box::pin(listener.accept());
        assert!(poll_once(&mut given_up).is_pending());
        let mut other = Box::pin(listener.accept());
        context.assert_waits(&mut other).await;
        let client = StdStream::connect(listener.local_address()).unwrap();
        context.settle().await;
        drop(given_up);
        let accepted = context.within(other).await.unwrap();
        assert_eq!(accepted.peer_address(), client.local_addr().unwrap());
    }
}

async fn clients_that_nobody_accepted_are_reset_by_a_close(context: Context) {
    let mut listener = context.listener().await;
    let mut client = context.connect(listener.local_address()).await;
    context.settle().await;
    listener.close();
    let received = context.within(client.receive(&mut [0; 1])).await;
    assert!(matches!(received, Err(ReceiveError::Broken(_))), "{received:?}");
}

async fn an_ipv6_listener_takes_no_ipv4_client(context: Context) -> Outcome {
    if context.loopback.is_ipv4() {
        return Err(NotApplicable("about IPv6"));
    }
    let every = SocketAddr::from(([0_u16; 8], 0));
    let listener = context.within(context.network().listen(every)).await.unwrap();
    assert!(SockRef::from(&listener).only_v6().unwrap());
    Ok(())
}

async fn an_ipv4_address_in_ipv6_form_is_bound_and_takes_ipv4_clients(context: Context) -> Outcome {
    if context.loopback.is_ipv4() {
        return Err(NotApplicable("about IPv6"));
    }
    for ip in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
        let mapped = SocketAddr::from((ip.to_ipv6_mapped(), 0));
        let listener = context.within(context.network().listen(mapped)).await.unwrap();
        let local = listener.local_address();
        assert_eq!(local.ip(), mapped.ip());
        let client = context.connect((Ipv4Addr::LOCALHOST, local.port()).into()).await;
        let accepted = context.within(listener.accept()).await.unwrap();
        assert_eq!(accepted.peer_address(), client.local_address());
        assert_eq!(accepted.local_address(), client.peer_address());
    }
    Ok(())
}

type Listener = TcpListener<BoxRuntime>;

async fn assert_closed(context: &Context, listener: &Listener) {
    let accepted = context.within(listener.accept()).await.map(drop);
    assert!(matches!(accepted, Err(AcceptError::Closed)), "{accepted:?}");
}

fn assert_in_use(error: &BindError, address: SocketAddr) {
    match error {
        BindError::Failed { attempts, .. } => {
            assert_eq!(attempts.len(), 1);
            assert_eq!(attempts[0].address, address);
            let in_use = Errno::ADDRINUSE.raw_os_error();
            assert_eq!(attempts[0].cause.raw_os_error(), Some(in_use));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

fn would_block(client: &mut StdStream) -> bool {
    matches!(client.read(&mut [0; 1]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}
