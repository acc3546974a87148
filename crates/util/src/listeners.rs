//! Several listeners as one.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use anynet_core::{AcceptError, Attributes, BoxFuture, Listener, Request};

/// Several listeners as one: each accept gives a connection of any of them.
///
/// Made by listening on several addresses, or from listeners that are there; [`BoxListener`](anynet_core::BoxListener)s
/// may be of several kinds. A [`Server`](crate::Server) over what it iterates has an accept loop for each.
///
/// Attributes are those of the first listener; a [`Closer`](anynet_core::Closer) among them closes that one. Who is to stop
/// all of them drops this.
///
/// ```
/// use anynet_core::{BoxListener, Error, Listener, Network, UnixAddress, UnixNetwork};
/// use anynet_util::{Listeners, MemoryNetwork};
///
/// MemoryNetwork::run(async |network| {
///     let (address, path) = ("192.0.2.1:7".parse().unwrap(), UnixAddress::from("/run/greeter"));
///     let tcp = network.listen(address).await?;
///     let unix = network.listen_unix(&path).await?;
///     let listener = Listeners::new(BoxListener::new(tcp), [BoxListener::new(unix)]);
///
///     let _client = network.connect(address).await?;
///     let _from_tcp = listener.accept().await?;
///     let _client = network.connect_unix(&path).await?;
///     let _from_unix = listener.accept().await?;
///     Ok::<_, Error>(())
/// })
/// .unwrap();
/// ```
pub struct Listeners<L> {
    first: L,
    others: Vec<L>,
    /// Whose turn it is to be asked first, so that a busy one does not keep the others waiting.
    turn: AtomicUsize,
}

impl<L: Listener> Listeners<L> {
    /// `first` and `others`.
    pub fn new(first: L, others: impl IntoIterator<Item = L>) -> Self {
        Self {
            first,
            others: others.into_iter().collect(),
            turn: AtomicUsize::new(0),
        }
    }

    /// As [`new`](Self::new); `None` if there is none.
    pub fn of(listeners: impl IntoIterator<Item = L>) -> Option<Self> {
        let mut listeners = listeners.into_iter();
        Some(Self::new(listeners.next()?, listeners))
    }

    /// Adds a listener.
    pub fn and(mut self, listener: L) -> Self {
        self.others.push(listener);
        self
    }

    /// The listeners, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &L> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl<L> IntoIterator for Listeners<L> {
    type Item = L;
    type IntoIter = std::iter::Chain<std::iter::Once<L>, std::vec::IntoIter<L>>;

    fn into_iter(self) -> Self::IntoIter {
        std::iter::once(self.first).chain(self.others)
    }
}

impl<L: Listener> Listener for Listeners<L> {
    type Stream = L::Stream;
    type Executor = L::Executor;

    /// The executor of the first listener.
    fn executor(&self) -> &L::Executor {
        self.first.executor()
    }

    /// A listener that was closed is passed over while another is open; an error is any listener's.
    async fn accept(&self) -> Result<L::Stream, AcceptError> {
        type Accept<'a, S> = BoxFuture<'a, Result<S, AcceptError>>;
        if self.others.is_empty() {
            return self.first.accept().await;
        }
        let mut accepts: Vec<Option<Accept<'_, L::Stream>>> = self
            .iter()
            .map(|listener| Some(Box::pin(listener.accept()) as Accept<'_, L::Stream>))
            .collect();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % accepts.len();
        accepts.rotate_left(turn);
        poll_fn(|cx| {
            for accept in &mut accepts {
                let Some(future) = accept else { continue };
                match Pin::new(future).poll(cx) {
                    Poll::Ready(Err(AcceptError::Closed)) => *accept = None,
                    Poll::Ready(accepted) => return Poll::Ready(accepted),
                    Poll::Pending => {}
                }
            }
            if accepts.iter().all(Option::is_none) {
                return Poll::Ready(Err(AcceptError::Closed));
            }
            Poll::Pending
        })
        .await
    }
}

impl<L: Attributes> Attributes for Listeners<L> {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.first.attributes(request);
    }
}

impl<L: fmt::Debug> fmt::Debug for Listeners<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entry(&self.first).entries(&self.others).finish()
    }
}
