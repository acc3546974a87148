//! Racing addresses over the network itself.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anynet_core::{
    Address, AttributesExt, BoxStream, BoxTask, ByteReceiveStream, ByteReceiveStreamExt, ByteSendStreamExt,
    ConnectError, Error, Executor, Listener, LocalAddress, Network, PeerAddress, ReceiveError, ResolveError,
    Result,
};
use anynet_util::{HappyEyeballs, Outcome, connect, connect_with, wrapped_attempt};

use crate::Ground;
use crate::case::cases;
use crate::named::Named;
use crate::steps::assert_is;

cases![given Ground:
    a_name_of_both_families_reaches_a_server_of_one,
    where_both_families_answer_the_resolvers_first_one_is_taken,
    a_name_whose_addresses_all_refuse_is_refused,
    a_refusal_says_more_than_an_address_that_leads_nowhere,
    a_name_without_addresses_says_so,
    a_name_of_a_hundred_addresses_reaches_the_last,
    an_address_that_comes_twice_is_tried_once,
    the_families_take_turns_over_the_whole_list,
    a_failure_of_what_wraps_a_new_stream_is_the_failure_of_the_connect,
    what_cannot_be_wrapped_gives_way_to_the_next_address,
];

async fn a_name_of_both_families_reaches_a_server_of_one(context: Ground) {
    let (listener, address) = context.any_listener().await;
    let network = Named::new(context.network(), vec![twin(address), address]);
    let connected = context.within(connect(&network, "a-name:80")).await.unwrap();
    assert_eq!(connected.attribute(), Some(PeerAddress(address.into())));
    context.within(listener.accept()).await.unwrap();
}

async fn where_both_families_answer_the_resolvers_first_one_is_taken(context: Ground) {
    let (_listener, address) = context.any_listener().await;
    let Ok(_twin) = context.within(context.network().listen(twin(address))).await else {
        return; // somebody else has that port
    };
    for resolved in [[twin(address), address], [address, twin(address)]] {
        let network = Named::new(context.network(), resolved.to_vec());
        let connected = context.within(connect(&network, "a-name:80")).await.unwrap();
        assert_eq!(connected.attribute(), Some(PeerAddress(resolved[0].into())));
    }
}

async fn a_name_whose_addresses_all_refuse_is_refused(context: Ground) {
    let ((one, _one), (other, _other)) = (nobody(&context).await, nobody(&context).await);
    let refusing = [one, other];
    let network = Named::new(context.network(), refusing.to_vec());
    let refused = context.within(connect(&network, "a-name:80")).await;
    let error = refused.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let tried: Vec<_> = error.attempts().iter().map(|it| it.address.clone()).collect();
    assert_eq!(tried, refusing.map(Address::from));
    let text = error.to_string();
    assert!(
        text.starts_with("cannot connect to a-name:80 at any of 2 addresses: "),
        "{text}"
    );
}

async fn a_refusal_says_more_than_an_address_that_leads_nowhere(context: Ground) {
    use ErrorKind::{AddrNotAvailable, ConnectionRefused, NetworkUnreachable, TimedOut};
    let fail = async |kinds: &[ErrorKind]| {
        let address = |n: usize| SocketAddr::from((Ipv4Addr::new(192, 0, 2, n as u8), 80));
        let network = Named::new(context.network(), (0..kinds.len()).map(address).collect());
        let attempt = async |to: SocketAddr| {
            let number = (0..kinds.len()).position(|n| address(n) == to).unwrap();
            Err::<(), _>(ConnectError::failed(to, kinds[number]))
        };
        let race = HappyEyeballs::new().connect(&network, "a-name:80", attempt);
        context.within(race).await.map(drop).unwrap_err().kind()
    };
    for nowhere in [AddrNotAvailable, NetworkUnreachable, TimedOut] {
        assert_eq!(fail(&[nowhere, ConnectionRefused]).await, ConnectionRefused);
        assert_eq!(fail(&[ConnectionRefused, nowhere]).await, ConnectionRefused);
        assert_eq!(fail(&[nowhere, nowhere]).await, nowhere);
    }
    assert_eq!(
        fail(&[NetworkUnreachable, AddrNotAvailable]).await,
        NetworkUnreachable
    );
}

async fn a_name_without_addresses_says_so(context: Ground) {
    let network = Named::new(context.network(), Vec::new());
    let refused = context.within(connect(&network, "a-name:80")).await;
    match refused.map(drop).unwrap_err() {
        ConnectError::Resolve(ResolveError::NoAddress { host }) => assert_eq!(host, "a-name"),
        other => panic!("{other:?}"),
    }
}

async fn a_name_of_a_hundred_addresses_reaches_the_last(context: Ground) {
    let (_listener, address) = context.any_listener().await;
    let (mut addresses, mut holders) = (Vec::new(), Vec::new());
    for _ in 0..99 {
        let (refusing, holder) = nobody(&context).await;
        addresses.push(refusing);
        holders.push(holder);
    }
    addresses.push(address);
    let network = Named::new(context.network(), addresses);
    let connected = context.within(connect(&network, "a-name:80")).await.unwrap();
    assert_eq!(connected.attribute(), Some(PeerAddress(address.into())));
}

async fn an_address_that_comes_twice_is_tried_once(context: Ground) {
    let (refusing, _holder) = nobody(&context).await;
    let network = Named::new(context.network(), vec![refusing; 5]);
    let attempt = |address| context.network().connect(address);
    let race = HappyEyeballs::new().connect(&network, "a-name:80", attempt);
    let refused = context.within(race).await.map(drop).unwrap_err();
    assert_is!(&refused, ConnectError::Failed { attempts, .. } if attempts.len() == 1);
}

async fn the_families_take_turns_over_the_whole_list(context: Ground) {
    let ipv4 = |number| SocketAddr::from((Ipv4Addr::new(192, 0, 2, number), 80));
    let ipv6 = |number| SocketAddr::from((Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number), 80));
    for (resolved, expected) in [
        (vec![ipv6(1), ipv6(2), ipv4(1)], vec![ipv6(1), ipv4(1), ipv6(2)]),
        (
            vec![ipv4(1), ipv4(2), ipv4(3), ipv6(1), ipv6(2)],
            vec![ipv4(1), ipv6(1), ipv4(2), ipv6(2), ipv4(3)],
        ),
        (vec![ipv6(2), ipv4(2), ipv6(1)], vec![ipv6(2), ipv4(2), ipv6(1)]),
        (vec![ipv4(2), ipv4(1)], vec![ipv4(2), ipv4(1)]),
    ] {
        let network = Named::new(context.network(), resolved);
        let refuse = |to| async move { Err::<(), _>(ConnectError::failed(to, ErrorKind::ConnectionRefused)) };
        let race = HappyEyeballs::new().connect(&network, "a-name:80", refuse);
        let error = context.within(race).await.map(drop).unwrap_err();
        let tried: Vec<_> = error.attempts().iter().map(|it| it.address.clone()).collect();
        assert_eq!(tried, expected);
    }
}

async fn a_failure_of_what_wraps_a_new_stream_is_the_failure_of_the_connect(context: Ground) {
    let (address, greeter) = greeter(&context, b'n').await;
    let attempt = |to| wrapped_attempt(to, context.network().connect(to), greeted);
    let connect = connect_with(context.network(), address, attempt);
    match context.within(connect).await.map(drop).unwrap_err() {
        ConnectError::Failed { attempts, .. } => {
            assert_eq!(attempts.len(), 1);
            assert_eq!(attempts[0].address, Address::from(address));
            assert_eq!(attempts[0].cause.to_string(), "no greeting");
        }
        other => panic!("{other:?}"),
    }
    // The stream is not left behind.
    assert_is!(context.within(greeter).await, ReceiveError::EndOfStream);
}

async fn what_cannot_be_wrapped_gives_way_to_the_next_address(context: Ground) {
    let (wrong, _greeter) = greeter(&context, b'n').await;
    let (right, _other) = greeter(&context, b'y').await;
    let network = Named::new(context.network(), vec![wrong, right]);
    let attempt = |to| wrapped_attempt(to, context.network().connect(to), greeted);
    let connect = HappyEyeballs::new().connect(&network, "a-name:80", attempt);
    let connected = context.within(connect).await.unwrap();
    assert_eq!(connected.stream.attribute(), Some(PeerAddress(right.into())));
    assert_is!(&connected.attempts[0].outcome, Outcome::Failed(cause) if cause.to_string() == "no greeting");
    assert_is!(&connected.attempts[1].outcome, Outcome::Connected);
}

/// The same port on the loopback address of the other family.
fn twin(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => (Ipv6Addr::LOCALHOST, address.port()).into(),
        SocketAddr::V6(_) => (Ipv4Addr::LOCALHOST, address.port()).into(),
    }
}

/// An address that nobody listens on, nor can while the stream lives: it is the stream's own.
async fn nobody(context: &Ground) -> (SocketAddr, BoxStream) {
    let (stream, _peer) = context.pair().await;
    let LocalAddress(address) = stream.attribute().expect("a stream has an address");
    (address.socket_addr().expect("an IP address"), stream)
}

/// Takes what greets, and says whether it did so well.
async fn greeted<S: ByteReceiveStream>(mut stream: S) -> Result<S> {
    let mut greeting = [0];
    stream.receive_exactly(&mut greeting).await?;
    match greeting {
        [b'y'] => Ok(stream),
        _ => Err(Error::other("no greeting")),
    }
}

/// A listener that greets its first client so, and gives what the client does then.
async fn greeter(context: &Ground, greeting: u8) -> (SocketAddr, BoxTask<ReceiveError>) {
    let (listener, address) = context.any_listener().await;
    let greeting = context.network().spawn(async move {
        let mut stream = listener.accept().await.unwrap();
        stream.send(&[greeting]).await.unwrap();
        stream.receive(&mut [0]).await.unwrap_err()
    });
    (address, greeting)
}
