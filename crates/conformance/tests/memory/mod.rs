//! The network in memory, and the pairs that ask for no network.

use anynet_conformance::{Ground, NetworkBackend, ReceiveEnd, SendEnd, StreamKind};
use anynet_core::{BoxFuture, BoxNetwork, BoxStream};
use anynet_util::{Faulty, FaultyNetwork, MemoryNetwork, MemoryStream, Stapled};

pub(super) const MEMORY: NetworkBackend = NetworkBackend {
    name: "memory",
    run: |case| MemoryNetwork::run(|network| case(BoxNetwork::new(network))),
    is_clock_exact: true,
    streams: &[
        kind("pair", |_| one_way(pair()), |_| two_way(pair())),
        kind("narrow-pair", |_| one_way(narrow()), |_| two_way(narrow())),
        kind(
            "lockstep",
            |_| one_way(MemoryStream::lockstep()),
            |_| two_way(MemoryStream::lockstep()),
        ),
        StreamKind {
            name: "faulty",
            one_way: |_| {
                let (left, right) = faulty();
                Box::pin(async { (Box::new(left) as SendEnd, ReceiveEnd::whole(Box::new(right))) })
            },
            two_way: Some(|_| {
                let (left, right) = faulty();
                Box::pin(async { (Box::new(left) as BoxStream, Box::new(right) as BoxStream) })
            }),
            resets: true,
        },
        StreamKind {
            name: "pair-halves",
            one_way: |_| {
                let (left, right) = pair();
                let ((receive, send), (far_receive, far_send)) = (left.into_split(), right.into_split());
                // Dropping the others is nothing to these, as it is with sockets.
                drop((receive, far_send));
                Box::pin(async { (Box::new(send) as SendEnd, ReceiveEnd::memory_half(far_receive)) })
            },
            two_way: None,
            resets: true,
        },
        StreamKind {
            name: "stapled",
            one_way: |_| {
                let (left, right) = stapled();
                Box::pin(async { (Box::new(left) as SendEnd, ReceiveEnd::whole(Box::new(right))) })
            },
            two_way: Some(|_| {
                let (left, right) = stapled();
                Box::pin(async { (Box::new(left) as BoxStream, Box::new(right) as BoxStream) })
            }),
            resets: true,
        },
    ],
    deviations: &[],
};

/// The same network, whose streams misbehave as far as the contract lets them.
pub(super) const FAULTY: NetworkBackend = NetworkBackend {
    name: "memory-faulty",
    run: |case| {
        MemoryNetwork::run(|network| {
            let network = FaultyNetwork::new(network, |stream| stream.pieces(1, 9000).waits());
            case(BoxNetwork::new(network))
        });
    },
    is_clock_exact: true,
    streams: &[],
    deviations: &[],
};

type Make<T> = fn(Ground) -> BoxFuture<'static, T>;

const fn kind(
    name: &'static str,
    one_way: Make<(SendEnd, ReceiveEnd)>,
    two_way: Make<(BoxStream, BoxStream)>,
) -> StreamKind<Ground> {
    StreamKind {
        name,
        one_way,
        two_way: Some(two_way),
        resets: true,
    }
}

fn pair() -> (MemoryStream, MemoryStream) {
    MemoryStream::pair(64 << 10)
}

/// So narrow that most sends are in parts.
fn narrow() -> (MemoryStream, MemoryStream) {
    MemoryStream::pair(1000)
}

/// All that comes in pieces of many sizes, everything waits, and a flush takes its time.
fn faulty() -> (Faulty<MemoryStream>, Faulty<MemoryStream>) {
    let (left, right) = pair();
    let make = |stream, seed| Faulty::new(stream).pieces(seed, 9000).waits().flush_waits(3);
    (make(left, 1), make(right, 2))
}

/// A connection for each direction.
fn stapled() -> (
    Stapled<MemoryStream, MemoryStream>,
    Stapled<MemoryStream, MemoryStream>,
) {
    let ((one, other), (back, forth)) = (pair(), pair());
    (Stapled::new(one, back), Stapled::new(forth, other))
}

fn one_way((left, right): (MemoryStream, MemoryStream)) -> BoxFuture<'static, (SendEnd, ReceiveEnd)> {
    Box::pin(async { (Box::new(left) as SendEnd, ReceiveEnd::whole(Box::new(right))) })
}

fn two_way((left, right): (MemoryStream, MemoryStream)) -> BoxFuture<'static, (BoxStream, BoxStream)> {
    Box::pin(async { (Box::new(left) as BoxStream, Box::new(right) as BoxStream) })
}
