//! A server: listeners that it owns, limits, and an end in order.

mod handle;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anynet_core::{BoxFuture, Executor, Listener, Result};

pub use handle::ServerHandle;

use super::ServeError;
use super::accept::{Accepting, BATCH};
use super::connections::Connections;
use super::hub::Hub;
use super::limits::{Limits, Pace};
use super::statistics::Tally;
use crate::signal::Signal;
use crate::timeout;

/// Serves connections from listeners that it owns, each with an accept loop in a task of its own.
///
/// [`serve`](Self::serve) says how it runs; a [`handle`](Self::handle) shuts it down and tells its statistics. Errors of
/// accepting are dealt with as [`serve()`](super::serve()) does.
///
/// ```
/// # use anynet_core::{ByteSendStreamExt, Listener, Result};
/// # use std::time::Duration;
/// use anynet_util::Server;
///
/// # async fn example<L: Listener>(listener: L) -> Result<()> {
/// let server = Server::new(listener)
///     .limit(10_000)
///     .limit_per_peer(100)
///     .grace(Duration::from_secs(30));
/// let handle = server.handle(); // for whoever shuts it down
/// # drop(handle);
/// server
///     .serve(|mut stream| async move { Ok(stream.send(b"hello\n").await?) })
///     .await
/// # }
/// ```
#[must_use = "a server does nothing before `serve` is awaited"]
pub struct Server<L: Listener> {
    listeners: Vec<L>,
    settings: Settings<L>,
    limits: Limits,
    hub: Hub,
    stop: Stop,
}

struct Settings<L: Listener> {
    pace: Option<Pace>,
    batch: usize,
    grace: Option<Duration>,
    on_refused: Option<OnRefused<L::Stream>>,
}

type OnRefused<S> = Box<dyn Fn(S) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// How long connections that were cancelled are waited for. Their tasks end as soon as their executor comes to them, but for
/// those that block a thread, which nobody can end.
const LAST_MOMENT: Duration = Duration::from_millis(250);

/// How many refused connections may be told so at once; those beyond are dropped at once.
const MOST_REFUSALS: usize = 64;

impl<L: Listener> Server<L> {
    /// A server of `listener`.
    pub fn new(listener: L) -> Self {
        Self::over([listener])
    }

    /// A server of all `listeners`, say those of one port in several families, or the shards of one address. With none
    /// there is nothing to serve, and serving ends at once.
    pub fn over(listeners: impl IntoIterator<Item = L>) -> Self {
        Self {
            listeners: listeners.into_iter().collect(),
            settings: Settings {
                pace: None,
                batch: BATCH,
                grace: None,
                on_refused: None,
            },
            limits: Limits::default(),
            hub: Hub::default(),
            stop: Stop::default(),
        }
    }

    /// Serves `listener` too. Listeners of several kinds are served as [`BoxListener`](anynet_core::BoxListener)s.
    pub fn and(mut self, listener: L) -> Self {
        self.listeners.push(listener);
        self
    }

    /// How many connections may be open at once, over all listeners. Those beyond are refused: taken and closed, or told
    /// so by [`on_refused`](Self::on_refused).
    pub fn limit(mut self, connections: usize) -> Self {
        self.limits.most = Some(connections);
        self
    }

    /// How many connections may be open at once from one peer: an IPv4 address, or a /64 of IPv6. Peers without an IP
    /// address are not limited. Those beyond are refused, as by [`limit`](Self::limit).
    pub fn limit_per_peer(mut self, connections: usize) -> Self {
        self.limits.most_of_peer = Some(connections);
        self
    }

    /// How many connections are taken in a second, over all listeners: at most so many at once, and then evenly; at least
    /// one. The others stay in the system's queue. After a quiet time, each listener but one may take one more.
    pub fn accept_rate(mut self, per_second: u32) -> Self {
        self.settings.pace = Some(Pace::new(per_second));
        self
    }

    /// How many connections a loop takes in one turn, before other tasks may run: at least one, and 64 unless it is set. After a full batch
    /// the next one is begun at once.
    pub fn batch(mut self, connections: usize) -> Self {
        self.settings.batch = connections.max(1);
        self
    }

    /// How long open connections may take to end after a shutdown, those that are refused too; those that take longer are
    /// cancelled. Without it they may take for ever.
    pub fn grace(mut self, limit: Duration) -> Self {
        self.settings.grace = Some(limit);
        self
    }

    /// What to do with errors that do not end the serving. The default is nothing.
    ///
    /// Called from the connection's task, or from a loop's; a panic in it is swallowed.
    pub fn on_error(mut self, hook: impl Fn(ServeError) + Send + Sync + 'static) -> Self {
        self.hub.set_hook(hook);
        self
    }

    /// What to do with connections that are refused: tell them, briefly. It runs as handlers do, in a task of its own, and
    /// counts against no limit but its own: 64 at once for each listener, and those beyond are closed without a word.
    pub fn on_refused<F>(mut self, answer: impl Fn(L::Stream) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.settings.on_refused = Some(Box::new(move |stream| Box::pin(answer(stream))));
        self
    }

    /// What shuts the server down, and knows its statistics.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle::new(self.stop.0.clone(), self.hub.counters.clone())
    }

    /// Accepts connections and runs `handler` on each, in a task of its own, until it is [shut
    /// down](ServerHandle::shut_down) or its listeners are closed.
    ///
    /// **It is structured**: dropping what it returns cancels the loops and the connections, and drops the listeners, soon: as
    /// their executor comes to them. A handler that fails or panics ends its own connection, and is counted and told to
    /// [`on_error`](Self::on_error).
    ///
    /// **The end**: first the listeners are dropped, so that the system turns new clients away, then the open connections
    /// are waited for, at most for the [grace](Self::grace), and those that are left are cancelled. When this returns they
    /// are gone, but for handlers that block a thread, which get 250 ms. A listener that breaks, or panics, shuts the whole
    /// server down: half a server would look like a whole one. One that is closed ends its own loop; the last one shuts down.
    ///
    /// # Errors
    ///
    /// [`AcceptError::Broken`](anynet_core::AcceptError::Broken), after the end as above, if a listener has failed.
    pub fn serve<H, F>(self, handler: H) -> BoxFuture<'static, Result<()>>
    where
        H: Fn(L::Stream) -> F + Send + Sync + 'static,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let Self {
            listeners,
            settings,
            limits,
            hub,
            stop,
        } = self;
        let shared = Arc::new(Shared {
            accepting: AtomicUsize::new(listeners.len()),
            handler,
            settings,
            limits: Arc::new(limits),
            hub: Arc::new(hub),
            stop,
        });
        Box::pin(async move {
            let mut loops = Vec::new();
            for listener in listeners {
                let executor = listener.executor().clone();
                loops.push(executor.spawn(shared.clone().run(listener)));
            }
            let mut end = Ok(());
            for task in loops {
                end = end.and(task.await);
            }
            end
        })
    }
}

/// What says that the server stops, also by being gone.
#[derive(Default)]
struct Stop(Arc<Signal>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.set();
    }
}

/// What the loops of a server share.
struct Shared<L: Listener, H> {
    /// How many of them accept.
    accepting: AtomicUsize,
    handler: H,
    settings: Settings<L>,
    limits: Arc<Limits>,
    hub: Arc<Hub>,
    stop: Stop,
}

/// The part of one loop in the accepting, until it has ended, however that is: the last one shuts the server down, and so does
/// one that failed or panicked.
struct Part<'a> {
    accepting: &'a AtomicUsize,
    stop: &'a Signal,
    is_well: bool,
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let is_last = self.accepting.fetch_sub(1, Ordering::AcqRel) == 1;
        if is_last || !self.is_well {
            self.stop.set();
        }
    }
}

impl<L, H, F> Shared<L, H>
where
    L: Listener,
    H: Fn(L::Stream) -> F + Send + Sync + 'static,
    F: Future<Output = Result<()>> + Send + 'static,
{
    async fn run(self: Arc<Self>, listener: L) -> Result<()> {
        let executor = listener.executor().clone();
        let connections = Connections::new(executor.clone(), self.hub.clone());
        let refusals = Arc::new(Limits::of_all(MOST_REFUSALS));
        let mut part = Part {
            accepting: &self.accepting,
            stop: &self.stop.0,
            is_well: false,
        };
        let end = self.accept(&listener, &connections, &refusals).await;
        part.is_well = end.is_ok();
        // Before the connections have ended: from now on the system turns clients away.
        drop(listener);
        drop(part);
        // A listener that was closed is not the end of the server: until that, its connections are as good as any.
        self.stop.0.unless_set(connections.finished()).await;
        match self.settings.grace {
            Some(grace) => {
                if timeout(&executor, grace, connections.finished()).await.is_err() {
                    connections.cancel();
                    let _ = timeout(&executor, LAST_MOMENT, connections.finished()).await;
                }
            }
            None => connections.finished().await,
        }
        end
    }

    async fn accept(
        &self,
        listener: &L,
        connections: &Connections<L::Executor>,
        refusals: &Arc<Limits>,
    ) -> Result<()> {
        let mut accepting = Accepting::new(listener, &self.hub, self.settings.batch);
        loop {
            let next = async {
                if let Some(pace) = &self.settings.pace {
                    pace.wait(listener.executor()).await;
                }
                accepting.next().await
            };
            let Some(accepted) = self.stop.0.unless_set(next).await else {
                return Ok(());
            };
            let Some(stream) = accepted? else { return Ok(()) };
            if let Some(pace) = &self.settings.pace {
                pace.taken(listener.executor());
            }
            match self.limits.admit(&stream) {
                Ok(permit) => connections.handle(stream, &self.handler, permit),
                Err(tally) => self.refuse(stream, tally, connections, refusals),
            }
        }
    }

    fn refuse(
        &self,
        stream: L::Stream,
        tally: Tally,
        connections: &Connections<L::Executor>,
        refusals: &Arc<Limits>,
    ) {
        self.hub.counters.count(tally);
        if let Some(answer) = &self.settings.on_refused
            && let Ok(permit) = refusals.admit(&stream)
        {
            connections.refuse(|| answer(stream), permit);
        }
    }
}

impl<L: Listener> fmt::Debug for Server<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listeners", &self.listeners.len())
            .field("limits", &self.limits)
            .field("hub", &self.hub)
            .finish_non_exhaustive()
    }
}
