//! Handlers under guard: timeouts, and an abort where a handler did not end well.

mod progress;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anynet_core::{Attributes, Error, Executor, Result, TimeLimit, TimedOut};
use pin_project_lite::pin_project;

pub use stream::GuardedStream;

use progress::Stalls;
use stream::Watch;

/// Guards connections: ends those that are idle or do not move, and aborts those whose handler did not end well.
///
/// The guarded handler gets a [`GuardedStream`] in place of the stream. Without anything set it changes nothing.
///
/// ```
/// use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt, Executor, Network, ReceiveError};
/// use anynet_util::{Guard, MemoryNetwork, Server};
/// use std::time::Duration;
///
/// MemoryNetwork::run(async |network| {
///     let address = "192.0.2.1:7".parse().unwrap();
///     let guard = Guard::new(network.clone())
///         .idle_timeout(Duration::from_secs(60))
///         .abort_on_failure();
///     let echo = guard.around(|mut stream| async move {
///         let mut buf = [0; 1024];
///         loop {
///             match stream.receive(&mut buf).await {
///                 Ok(n) => stream.send(&buf[..n]).await?,
///                 // No failure: with `?` it would be one, and the client be reset.
///                 Err(ReceiveError::EndOfStream) => return Ok(stream.close().await?),
///                 Err(error) => return Err(error.into()),
///             }
///         }
///     });
///     let server = Server::new(network.listen(address).await?);
///     let _serving = network.spawn(server.serve(echo));
///
///     let mut client = network.connect(address).await?;
///     client.send(b"hi").await?;
///     client.send_eof().await?;
///     let mut buf = [0; 8];
///     client.receive_exactly(&mut buf[..2]).await?;
///     assert!(matches!(client.receive(&mut buf).await, Err(ReceiveError::EndOfStream)));
///     Ok::<_, anynet_core::Error>(())
/// })
/// .unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Guard<E> {
    executor: E,
    idle: Option<Duration>,
    stalls: Stalls,
    aborts: bool,
}

impl<E: Executor> Guard<E> {
    /// A guard that does nothing yet, and goes by the clock of `executor`.
    pub fn new(executor: E) -> Self {
        Self {
            executor,
            idle: None,
            stalls: Stalls::default(),
            aborts: false,
        }
    }

    /// Ends a connection when no byte has been received or sent for `limit`, whatever its handler is doing: the handler is
    /// dropped, and with it the stream. The connection has failed with [`Error::TimedOut`], of [`TimeLimit::Idle`].
    pub fn idle_timeout(mut self, limit: Duration) -> Self {
        self.idle = Some(limit);
        self
    }

    /// Breaks a stream when a receive or a send has waited for `limit` and no byte has moved either way: the connection is
    /// aborted, and the operation says `Broken` with the kind [`TimedOut`](std::io::ErrorKind::TimedOut) and a [`TimedOut`]
    /// inside, of [`TimeLimit::Progress`]. A handler that is busy with other things is left alone.
    ///
    /// A receive that waits for the next request is one that waits: this limits the pause between requests too. A limit for
    /// sends alone is [`send_timeout`](Self::send_timeout).
    ///
    /// The time begins when an operation has to wait, and anew with every byte. An operation that is dropped while it waits
    /// does not stop it: the next one has what is left, unless that was over long ago, by more than a quarter of `limit`;
    /// then the handler was busy meanwhile, and the time begins anew.
    pub fn progress_timeout(mut self, limit: Duration) -> Self {
        self.stalls.progress = Some(limit);
        self
    }

    /// As [`progress_timeout`](Self::progress_timeout), for a send alone that has waited for `limit` while the peer took
    /// nothing of it, whatever it sent meanwhile. The [`TimedOut`] inside is of [`TimeLimit::Send`].
    ///
    /// A peer that does not read is found out; one that has nothing to say may take its time.
    pub fn send_timeout(mut self, limit: Duration) -> Self {
        self.stalls.send = Some(limit);
        self
    }

    /// Aborts a connection whose handler fails, panics or is cancelled, so that a cut-off answer does not look whole.
    /// Without it the stream is dropped, which ends it in order if everything that had arrived was received.
    ///
    /// Over TCP and in memory the peer sees a reset. **Over a UNIX stream it sees a plain end**, unless it left something
    /// unread: the system has no reset there (unix(7)). A protocol over both has to say how long an answer is.
    ///
    /// A stream that the handler drops is kept until the handler ends, for only then is it known how to end it: who wants to
    /// end the connection and go on closes it.
    pub fn abort_on_failure(mut self) -> Self {
        self.aborts = true;
        self
    }

    /// A handler that runs `handler` under this guard.
    pub fn around<S, H, F>(self, handler: H) -> impl Fn(S) -> Guarded<S, E, F>
    where
        S: Attributes,
        H: Fn(GuardedStream<S, E>) -> F,
        F: Future<Output = Result<()>>,
    {
        move |stream| {
            let watch = Arc::new(Watch::new(&self.executor, self.aborts));
            let timed = self.idle.is_some() || self.stalls.any();
            let stream = GuardedStream::new(
                stream,
                watch.clone(),
                timed.then(|| self.executor.clone()),
                self.stalls,
            );
            let idle = self.idle.map(|limit| Idle {
                limit,
                executor: self.executor.clone(),
                sleep: self.executor.sleep(limit),
            });
            Guarded {
                ending: Ending {
                    watch,
                    is_well: false,
                },
                handler: Some(handler(stream)),
                idle,
            }
        }
    }
}

pin_project! {
    /// One connection under a [`Guard`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Guarded<S, E, F>
    where
        S: Attributes,
        E: Executor,
    {
        // Before what it leaves behind.
        #[pin]
        handler: Option<F>,
        ending: Ending<S>,
        idle: Option<Idle<E>>,
    }
}

struct Idle<E: Executor> {
    limit: Duration,
    executor: E,
    sleep: E::Sleep,
}

impl<E: Executor> Idle<E> {
    /// Waits until `watch` has not seen a byte for the limit.
    fn poll<S>(&mut self, watch: &Watch<S>, cx: &mut Context<'_>) -> Poll<TimedOut> {
        let mut before = None;
        while Pin::new(&mut self.sleep).poll(cx).is_ready() {
            let quiet = watch.quiet(&self.executor);
            // Over before its time, and no byte has moved: there is no clock any more, its runtime is gone.
            let is_without_clock = before.is_some_and(|before| quiet >= before);
            if quiet >= self.limit || is_without_clock {
                return Poll::Ready(TimedOut::new(TimeLimit::Idle, self.limit));
            }
            before = Some(quiet);
            self.sleep = self.executor.sleep(self.limit - quiet);
        }
        Poll::Pending
    }
}

impl<S: Attributes, E: Executor, F: Future<Output = Result<()>>> Future for Guarded<S, E, F> {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut this = self.project();
        let polled = match this.handler.as_mut().as_pin_mut() {
            Some(handler) => handler.poll(cx),
            None => return Poll::Ready(Ok(())),
        };
        let idle = this.idle.as_mut();
        let end = match polled {
            Poll::Ready(end) => end,
            Poll::Pending => match idle.map(|idle| idle.poll(&this.ending.watch, cx)) {
                Some(Poll::Ready(timed_out)) => Err(Error::TimedOut(timed_out)),
                _ => return Poll::Pending,
            },
        };
        this.handler.set(None);
        // Not before: a destructor that panics did not end well either.
        this.ending.is_well = end.is_ok();
        this.ending.end();
        Poll::Ready(end)
    }
}

impl<S: Attributes, E: Executor, F> fmt::Debug for Guarded<S, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}

/// What becomes of the stream that a handler has left behind.
struct Ending<S: Attributes> {
    watch: Arc<Watch<S>>,
    is_well: bool,
}

impl<S: Attributes> Ending<S> {
    fn end(&mut self) {
        if let Some(stream) = self.watch.take()
            && !self.is_well
        {
            stream::abort(&stream);
        }
    }
}

/// Also where the handler panicked, or was dropped before its end.
impl<S: Attributes> Drop for Ending<S> {
    fn drop(&mut self) {
        self.end();
    }
}
