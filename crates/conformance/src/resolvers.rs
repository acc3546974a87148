//! Resolvers for cases, and a name that they know.

use std::fmt;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use anynet_core::{AddressInfo, BoxFuture, Lookup, NameFlags, NameInfo, ResolveError, Resolver};
use anynet_util::TableResolver;

/// A name that nobody but a resolver of ours knows (RFC 6761 §6.2).
pub(crate) const NAME: &str = "loopback.test";

/// Who knows that [`NAME`] is `loopback`.
pub(crate) fn knowing(loopback: SocketAddr) -> TableResolver {
    TableResolver::new().host(NAME, [loopback.ip()])
}

/// Answers from a table, not at once, and remembers what it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    table: TableResolver,
    asked: Arc<Mutex<Vec<Lookup>>>,
}

impl Asked {
    pub(crate) fn new(table: TableResolver) -> Self {
        Self {
            table,
            asked: Arc::default(),
        }
    }

    /// What it was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Lookup> {
        std::mem::take(&mut *self.asked.lock().expect("nobody panicked"))
    }
}

impl Resolver for Asked {
    fn look_up<'a>(&'a self, lookup: &'a Lookup) -> BoxFuture<'a, Result<Vec<AddressInfo>, ResolveError>> {
        Box::pin(async move {
            self.asked.lock().expect("nobody panicked").push(lookup.clone());
            let mut waited = false;
            poll_fn(|cx| match std::mem::replace(&mut waited, true) {
                true => Poll::Ready(()),
                false => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
            })
            .await;
            self.table.look_up(lookup).await
        })
    }

    fn look_up_name(
        &self,
        address: SocketAddr,
        flags: NameFlags,
    ) -> BoxFuture<'_, Result<NameInfo, ResolveError>> {
        self.table.look_up_name(address, flags)
    }
}

/// Never answers. The token is held by each look-up, until that is dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hanging(Arc<()>);

impl Hanging {
    /// What each clone of it, and each of its look-ups, holds.
    pub(crate) fn token(&self) -> &Arc<()> {
        &self.0
    }
}

impl Resolver for Hanging {
    fn look_up<'a>(&'a self, _: &'a Lookup) -> BoxFuture<'a, Result<Vec<AddressInfo>, ResolveError>> {
        hang(self.0.clone())
    }

    fn look_up_name(&self, _: SocketAddr, _: NameFlags) -> BoxFuture<'_, Result<NameInfo, ResolveError>> {
        hang(self.0.clone())
    }
}

fn hang<T: Send + 'static>(token: Arc<()>) -> BoxFuture<'static, T> {
    Box::pin(async move {
        let _held = token;
        pending().await
    })
}

/// Answers with what it was given, whatever that is.
pub(crate) struct Answering(pub(crate) fn() -> Vec<AddressInfo>);

impl Resolver for Answering {
    fn look_up<'a>(&'a self, _: &'a Lookup) -> BoxFuture<'a, Result<Vec<AddressInfo>, ResolveError>> {
        let answer = (self.0)();
        Box::pin(async move { Ok(answer) })
    }

    fn look_up_name(&self, _: SocketAddr, _: NameFlags) -> BoxFuture<'_, Result<NameInfo, ResolveError>> {
        Box::pin(async { Ok(NameInfo::new("", "")) })
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answering")
    }
}
