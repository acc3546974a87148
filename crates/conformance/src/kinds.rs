//! The kinds of stream that the generic cases run on.

use std::fmt;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;

use anynet_core::{BoxFuture, BoxRuntime, BoxStream};
use anynet_sockets::{Kind, StreamSocket, UnixStream};

use crate::context::{LOOPBACK_4, LOOPBACK_6};
use crate::pipe::pipe;
use crate::{Context, Ground, ReceiveEnd, SendEnd};

/// Makes a connected pair, on what a case is given.
pub type Maker<T, C = Context> = fn(C) -> BoxFuture<'static, T>;

/// A kind of stream, and how a connected pair of it is made: with the sockets of a runtime, or on any network
/// (`StreamKind<Ground>`).
pub struct StreamKind<C = Context> {
    /// The second part of its trials' names.
    pub name: &'static str,
    /// Makes a send end and the receive end that its bytes come out of.
    pub one_way: Maker<(SendEnd, ReceiveEnd), C>,
    /// Makes both ends of a stream that goes both ways, each with `send_eof`. `None` where the kind has no such ends.
    ///
    /// The cases run on these pairs as they are, and turned round.
    pub two_way: Option<Maker<(BoxStream, BoxStream), C>>,
    /// Whether the peer of a stream that was aborted is told `Broken`, as on TCP. On a UNIX stream it is told an end.
    pub resets: bool,
}

impl<C> Clone for StreamKind<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for StreamKind<C> {}

impl<C> fmt::Debug for StreamKind<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamKind")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A kind of stream with what makes its pairs.
#[derive(Clone, Debug)]
pub(crate) enum Pairs {
    /// The sockets of a runtime, which is in the context.
    Sockets(StreamKind, Arc<Context>),
    /// Streams of any network.
    Network(StreamKind<Ground>),
}

impl Pairs {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sockets(kind, _) => kind.name,
            Self::Network(kind) => kind.name,
        }
    }

    pub(crate) fn resets(&self) -> bool {
        match self {
            Self::Sockets(kind, _) => kind.resets,
            Self::Network(kind) => kind.resets,
        }
    }

    pub(crate) fn one_way(&self, ground: &Ground) -> BoxFuture<'static, (SendEnd, ReceiveEnd)> {
        match self {
            Self::Sockets(kind, context) => (kind.one_way)(Context::clone(context)),
            Self::Network(kind) => (kind.one_way)(ground.clone()),
        }
    }

    pub(crate) fn two_way(&self, ground: &Ground) -> Option<BoxFuture<'static, (BoxStream, BoxStream)>> {
        match self {
            Self::Sockets(kind, context) => kind.two_way.map(|make| make(Context::clone(context))),
            Self::Network(kind) => kind.two_way.map(|make| make(ground.clone())),
        }
    }
}

/// The kind that every network gives: what connects, and what is accepted.
pub(crate) const NETWORK_KINDS: &[StreamKind<Ground>] = &[StreamKind {
    name: "network",
    one_way: |ground| Box::pin(async { forwards(connection(ground).await) }),
    two_way: Some(|ground| Box::pin(connection(ground))),
    resets: true,
}];

/// The kinds that every runtime gives.
pub(crate) const KINDS: &[StreamKind] = &[
    StreamKind {
        name: "tcp4",
        one_way: |context| Box::pin(async { forwards(tcp(context, LOOPBACK_4).await) }),
        two_way: Some(|context| Box::pin(tcp(context, LOOPBACK_4))),
        resets: true,
    },
    StreamKind {
        name: "tcp6",
        one_way: |context| Box::pin(async { forwards(tcp(context, LOOPBACK_6).await) }),
        two_way: Some(|context| Box::pin(tcp(context, LOOPBACK_6))),
        resets: true,
    },
    StreamKind {
        name: "tcp4-halves",
        one_way: |context| Box::pin(tcp_halves(context, LOOPBACK_4)),
        two_way: None,
        resets: true,
    },
    StreamKind {
        name: "tcp6-halves",
        one_way: |context| Box::pin(tcp_halves(context, LOOPBACK_6)),
        two_way: None,
        resets: true,
    },
    StreamKind {
        name: "unix",
        one_way: |context| Box::pin(async { forwards(unix(context).await) }),
        two_way: Some(|context| Box::pin(unix(context))),
        resets: false,
    },
    StreamKind {
        name: "unix-pair",
        one_way: |context| Box::pin(async { forwards(unix_pair(context)) }),
        two_way: Some(|context| Box::pin(async { unix_pair(context) })),
        resets: false,
    },
    StreamKind {
        name: "unix-halves",
        one_way: |context| Box::pin(async move { halves(context.unix_pair().await) }),
        two_way: None,
        resets: false,
    },
    StreamKind {
        name: "pipe",
        one_way: |context| {
            let (send, receive) = pipe(context.runtime());
            Box::pin(ready((Box::new(send) as SendEnd, ReceiveEnd::pipe(receive))))
        },
        two_way: None,
        resets: false,
    },
];

fn forwards((left, right): (BoxStream, BoxStream)) -> (SendEnd, ReceiveEnd) {
    (left, ReceiveEnd::whole(right))
}

async fn connection(ground: Ground) -> (BoxStream, BoxStream) {
    ground.pair().await
}

async fn tcp(mut context: Context, loopback: SocketAddr) -> (BoxStream, BoxStream) {
    context.ground.loopback = loopback;
    let (left, right) = context.tcp_pair().await;
    (Box::new(left), Box::new(right))
}

async fn tcp_halves(mut context: Context, loopback: SocketAddr) -> (SendEnd, ReceiveEnd) {
    context.ground.loopback = loopback;
    halves(context.tcp_pair().await)
}

async fn unix(context: Context) -> (BoxStream, BoxStream) {
    let (left, right) = context.unix_pair().await;
    (Box::new(left), Box::new(right))
}

fn unix_pair(context: Context) -> (BoxStream, BoxStream) {
    let (left, right) = UnixStream::pair_on(&context.runtime).expect("descriptors are left");
    (Box::new(left), Box::new(right))
}

fn halves<K: Kind>(
    (left, right): (StreamSocket<BoxRuntime, K>, StreamSocket<BoxRuntime, K>),
) -> (SendEnd, ReceiveEnd) {
    // A half answers for a closer only if one was made before the split.
    let _ = (left.closer(), right.closer());
    let ((_, send), (receive, _)) = (left.into_split(), right.into_split());
    (Box::new(send), ReceiveEnd::half(receive))
}
