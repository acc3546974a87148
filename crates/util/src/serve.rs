//! Serving connections: one task each, in a structure that ends together.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anynet_core::{AcceptError, Error, Executor, Listener, Result};

use crate::Panic;
use crate::connections::Connections;

/// The first wait after an accept for which no descriptor or memory was left; doubled until [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(5);
/// Long enough to cost nothing, short enough that clients are served soon after descriptors come back.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Accepts connections from `listener` and runs `handler` on each, in a task of its own.
///
/// The returned [`Serve`] is awaited. **It is structured**: dropping it cancels the connections that it has open. A
/// handler that fails or panics ends its own connection and is reported to [`on_error`](Serve::on_error); its siblings
/// and the accept loop go on. So they do after an accept error that does not end the listener; when descriptors or
/// memory run out, the loop waits before it tries again, from 5 ms up to 1 s.
///
/// To the peer, a handler that fails looks like one that is done: its stream is dropped, which ends it in order. A handler
/// that must not let a cut-off answer look whole calls `abort` on its stream before it returns the error.
///
/// After 16 lost connections in a row it also waits, 5 ms each time.
///
/// When the listener is closed (see [`Closer`](anynet_core::Closer)), `serve` waits for the open connections and then
/// returns `Ok`.
///
/// # Errors
///
/// [`AcceptError::Broken`], once the open connections have ended, if the listener itself fails.
pub fn serve<L, H, F>(listener: &L, handler: H) -> Serve<'_, L, H>
where
    L: Listener,
    H: Fn(L::Stream) -> F,
    F: Future<Output = Result<()>> + Send + 'static,
{
    Serve {
        listener,
        handler,
        on_error: Arc::new(|_| ()),
    }
}

/// How many connections in a row may be lost before the loop waits between accepts: an error that persists (`EPERM` of a
/// security module) must not make it spin.
const MOST_LOST: u32 = 16;

/// What [`serve()`] returns; to be awaited.
#[must_use = "serving does not start before it is awaited"]
pub struct Serve<'a, L, H> {
    listener: &'a L,
    handler: H,
    on_error: OnError,
}

type OnError = Arc<dyn Fn(ServeError) + Send + Sync>;

impl<L, H> Serve<'_, L, H> {
    /// What to do with errors that do not end the serving. The default is nothing.
    ///
    /// Called from the connection's task, or from the one that serves; a panic in it is swallowed.
    pub fn on_error(mut self, hook: impl Fn(ServeError) + Send + Sync + 'static) -> Self {
        self.on_error = Arc::new(hook);
        self
    }
}

impl<'a, L, H, F> IntoFuture for Serve<'a, L, H>
where
    L: Listener,
    H: Fn(L::Stream) -> F + Send + 'a,
    F: Future<Output = Result<()>> + Send + 'static,
{
    type Output = Result<()>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<L, H, F> Serve<'_, L, H>
where
    L: Listener,
    H: Fn(L::Stream) -> F,
    F: Future<Output = Result<()>> + Send + 'static,
{
    async fn run(self) -> Result<()> {
        let Self {
            listener,
            handler,
            on_error,
        } = self;
        let connections = Connections::new(listener.executor().clone());
        let mut wait = FIRST_WAIT;
        let mut lost = 0_u32;
        let end = loop {
            match listener.accept().await {
                Ok(stream) => {
                    (wait, lost) = (FIRST_WAIT, 0);
                    // The handler is called here, so its own code runs before its future does: guard that too.
                    match catch_unwind(AssertUnwindSafe(|| handler(stream))) {
                        Ok(connection) => connections.spawn(supervise(connection, on_error.clone())),
                        Err(panic) => report(&on_error, ServeError::Panicked(Panic::new(panic))),
                    }
                }
                Err(AcceptError::Closed) => break Ok(()),
                Err(error @ AcceptError::Connection(_)) => {
                    report(&on_error, ServeError::Accept(error));
                    lost = lost.saturating_add(1);
                    if lost >= MOST_LOST {
                        listener.executor().sleep(FIRST_WAIT).await;
                    }
                }
                Err(error @ AcceptError::Exhausted(_)) => {
                    report(&on_error, ServeError::Accept(error));
                    listener.executor().sleep(wait).await;
                    wait = LONGEST_WAIT.min(wait * 2);
                }
                Err(error) => break Err(error.into()),
            }
        };
        poll_fn(|cx| connections.poll_finished(cx)).await;
        end
    }
}

impl<L, H> fmt::Debug for Serve<'_, L, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve").finish_non_exhaustive()
    }
}

/// Something that went wrong while serving, and did not end it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// A handler returned an error.
    Failed(Error),
    /// A handler panicked; this is what it panicked with.
    Panicked(Panic),
    /// An accept failed in a way that does not end the listener.
    Accept(AcceptError),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(_) => f.write_str("a connection failed"),
            Self::Panicked(panic) => write!(f, "a handler panicked: {panic}"),
            Self::Accept(_) => f.write_str("a connection could not be accepted"),
        }
    }
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Panicked(_) => None,
            Self::Accept(error) => Some(error),
        }
    }
}

/// Runs one connection to its end, whatever that is.
async fn supervise(connection: impl Future<Output = Result<()>>, on_error: OnError) {
    // The connection's destructor runs in the poll that ends it, and so is guarded too.
    let mut connection = pin!(async { connection.await.map_err(ServeError::Failed) });
    let end = poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| connection.as_mut().poll(cx))) {
            Ok(poll) => poll,
            Err(panic) => Poll::Ready(Err(ServeError::Panicked(Panic::new(panic)))),
        },
    );
    if let Err(error) = end.await {
        report(&on_error, error);
    }
}

/// Tells the hook. It is the last resort for errors, so its own panic has nowhere to go.
fn report(on_error: &OnError, error: ServeError) {
    let _ = catch_unwind(AssertUnwindSafe(|| on_error(error)));
}
