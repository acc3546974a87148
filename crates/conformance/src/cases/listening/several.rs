//! Several listeners as one.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anynet_core::{AcceptError, Closer, Listener as _};
use anynet_sockets::TcpListener;
use rustix::io::Errno;
use socket2::{Domain, Socket};

use super::bound;
use crate::Context;
use crate::case::cases;
use crate::context::{LOOPBACK_4, LOOPBACK_6, refusing};

cases![
    a_closed_listener_among_several_is_passed_over,
    busy_and_quiet_listeners_both_get_their_turn,
    where_ipv6_is_lacking_dual_stack_leaves_no_ipv4_address_out,
];

async fn a_closed_listener_among_several_is_passed_over(context: Context) {
    let bind = TcpListener::bind_all_on(context.runtime(), [LOOPBACK_4, LOOPBACK_6]);
    let listeners = bound(&context, bind).await;
    let closers: Vec<Closer> = listeners.iter().map(TcpListener::closer).collect();
    let open = listeners.iter().nth(1).unwrap().local_address();
    let mut accept = Box::pin(listeners.accept());
    context.assert_waits(&mut accept).await;
    closers[0].close();
    context.assert_waits(&mut accept).await;
    let client = context.connect(open).await;
    let accepted = context.within(accept).await.unwrap();
    assert_eq!(accepted.peer_address(), client.local_address());
    closers[1].close();
    let closed = context.within(Box::pin(listeners.accept())).await.map(drop);
    assert!(matches!(closed, Err(AcceptError::Closed)), "{closed:?}");
}

async fn busy_and_quiet_listeners_both_get_their_turn(context: Context) {
    let bind = TcpListener::bind_all_on(context.runtime(), [LOOPBACK_4, LOOPBACK_6]);
    let listeners = bound(&context, bind).await;
    let [busy, quiet] = [0, 1].map(|place| listeners.iter().nth(place).unwrap().local_address());
    let mut clients = Vec::new();
    for _ in 0..8 {
        clients.push(context.connect(busy).await);
    }
    let quiet = context.connect(quiet).await;
    context.settle().await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        peers.push(
            context
                .within(Box::pin(listeners.accept()))
                .await
                .unwrap()
                .peer_address(),
        );
    }
    assert!(peers.contains(&quiet.local_address()), "{peers:?}");
}

async fn where_ipv6_is_lacking_dual_stack_leaves_no_ipv4_address_out(context: Context) {
    let lacking = |socket: &Socket| match socket.domain()? {
        Domain::IPV6 => Err(Errno::AFNOSUPPORT.into()),
        _ => Ok(()),
    };
    let wildcards = [
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        (Ipv6Addr::UNSPECIFIED, 0).into(),
    ];
    // Beside them one that is there in any case, on a port of its own.
    let port = refusing(LOOPBACK_4).1.port();
    for beside in [None, Some(SocketAddr::new(LOOPBACK_4.ip(), port))] {
        let on = wildcards.into_iter().chain(beside);
        let bind = TcpListener::bind_all_on(context.runtime(), on)
            .dual_stack()
            .with_socket(lacking);
        let listeners = bound(&context, bind).await;
        let found: Vec<_> = listeners.iter().map(|one| one.local_address().ip()).collect();
        let expected = [wildcards[0].ip()]
            .into_iter()
            .chain(beside.map(|beside| beside.ip()));
        assert_eq!(found, expected.collect::<Vec<_>>());
    }
}
