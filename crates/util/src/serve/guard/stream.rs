//! A stream that is watched, and that goes back to its guard when its handler drops it.

use std::fmt;
use std::io::{self, IoSlice};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anynet_core::{
    Attributes, AttributesExt, ByteReceiveStream, ByteSendStream, Cause, Closer, Executor, ReceiveError,
    Request, SendError, byte_receive_methods, byte_send_methods,
};

/// What a guard and its stream share.
pub(super) struct Watch<S> {
    start: Instant,
    /// When a byte was moved last, in nanoseconds since the start.
    moved: AtomicU64,
    /// Where the stream goes when the handler drops it. `None`: to nowhere.
    left: Option<Mutex<Option<S>>>,
}

impl<S> Watch<S> {
    pub(super) fn new(executor: &impl Executor, takes_back: bool) -> Self {
        Self {
            start: executor.now(),
            moved: AtomicU64::new(0),
            left: takes_back.then(Mutex::default),
        }
    }

    /// For how long no byte has moved.
    pub(super) fn quiet(&self, executor: &impl Executor) -> Duration {
        let since_start = executor.now().saturating_duration_since(self.start);
        since_start.saturating_sub(Duration::from_nanos(self.moved.load(Ordering::Relaxed)))
    }

    /// Nobody will see bytes any more: it is never quiet.
    fn release(&self) {
        self.moved.store(u64::MAX, Ordering::Relaxed);
    }

    /// The stream, if the handler has dropped it.
    pub(super) fn take(&self) -> Option<S> {
        let left = self.left.as_ref()?;
        left.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn moved(&self, executor: &impl Executor) {
        let now = executor.now().saturating_duration_since(self.start);
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.moved.store(nanos, Ordering::Relaxed);
    }
}

/// Resets the connection, as far as its kind knows how.
pub(super) fn abort(stream: &impl Attributes) {
    if let Some(closer) = stream.attribute::<Closer>() {
        closer.abort();
    }
}

/// A stream under a [`Guard`](super::Guard): the same contract, watched.
///
/// What the stream inside can do beyond that is reached by [`get_mut`](Self::get_mut), where bytes that move are not seen.
pub struct GuardedStream<S, E: Executor> {
    /// There until it is dropped or taken.
    stream: Option<S>,
    watch: Arc<Watch<S>>,
    /// `None` where nobody asks when a byte moved.
    executor: Option<E>,
    progress: Option<Duration>,
    /// While an operation waits: when it has waited too long.
    sleep: Option<E::Sleep>,
    /// It has waited too long.
    expired: Option<Cause>,
}

impl<S, E: Executor> GuardedStream<S, E> {
    pub(super) fn new(
        stream: S,
        watch: Arc<Watch<S>>,
        executor: Option<E>,
        progress: Option<Duration>,
    ) -> Self {
        Self {
            stream: Some(stream),
            watch,
            executor,
            progress,
            sleep: None,
            expired: None,
        }
    }

    /// The stream inside.
    pub fn get_ref(&self) -> &S {
        self.stream.as_ref().expect(THERE)
    }

    /// The stream inside, for what only its type can do. Bytes that move there are not seen by the guard.
    pub fn get_mut(&mut self) -> &mut S {
        self.stream.as_mut().expect(THERE)
    }

    /// The stream inside, no longer guarded: nothing ends it, nor its handler, for being idle or for how the handler ends.
    pub fn into_inner(mut self) -> S {
        self.watch.release();
        self.stream.take().expect(THERE)
    }
}

const THERE: &str = "only a drop and `into_inner` take it";

impl<S: ByteReceiveStream + ByteSendStream, E: Executor> GuardedStream<S, E> {
    byte_receive_methods!();
    byte_send_methods!();
}

impl<S: Attributes, E: Executor> GuardedStream<S, E> {
    /// Looks at how an operation went, and lets one that waits expire. `moves`: whether its success has moved bytes.
    fn watched<T, X>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<Result<T, X>>,
        moves: impl FnOnce(&T) -> bool,
        broken: fn(Cause) -> X,
    ) -> Poll<Result<T, X>> {
        let Some(executor) = &self.executor else {
            return polled;
        };
        match &polled {
            Poll::Ready(end) => {
                if end.as_ref().is_ok_and(moves) {
                    self.watch.moved(executor);
                }
                self.sleep = None;
            }
            Poll::Pending => {
                if let Some(limit) = self.progress
                    && self.waits_too_long(limit, cx)
                {
                    let cause = Cause::from(io::Error::from(io::ErrorKind::TimedOut));
                    self.expired = Some(cause.clone());
                    abort(self.get_ref());
                    return Poll::Ready(Err(broken(cause)));
                }
            }
        }
        polled
    }

    fn waits_too_long(&mut self, limit: Duration, cx: &mut Context<'_>) -> bool {
        let Some(executor) = &self.executor else {
            return false;
        };
        let sleep = self.sleep.get_or_insert_with(|| executor.sleep(limit));
        Pin::new(sleep).poll(cx).is_ready()
    }
}

impl<S: Attributes, E: Executor> Attributes for GuardedStream<S, E> {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.get_ref().attributes(request);
    }
}

impl<S: ByteReceiveStream, E: Executor> ByteReceiveStream for GuardedStream<S, E> {
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        if let Some(cause) = &self.expired {
            return Poll::Ready(Err(ReceiveError::Broken(cause.clone())));
        }
        let polled = self.get_mut().poll_receive(cx, buf);
        self.watched(cx, polled, |_| true, ReceiveError::Broken)
    }
}

impl<S: ByteSendStream, E: Executor> GuardedStream<S, E> {
    fn sending<T>(
        &mut self,
        cx: &mut Context<'_>,
        moves: impl FnOnce(&T) -> bool,
        poll: impl FnOnce(&mut S, &mut Context<'_>) -> Poll<Result<T, SendError>>,
    ) -> Poll<Result<T, SendError>> {
        if let Some(cause) = &self.expired {
            return Poll::Ready(Err(SendError::Broken(cause.clone())));
        }
        let polled = poll(self.get_mut(), cx);
        self.watched(cx, polled, moves, SendError::Broken)
    }
}

impl<S: ByteSendStream, E: Executor> ByteSendStream for GuardedStream<S, E> {
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        self.sending(cx, |sent| *sent > 0, |stream, cx| stream.poll_send(cx, bufs))
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.sending(cx, |()| false, S::poll_send_ready)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.sending(cx, |()| false, S::poll_flush)
    }

    fn poll_send_eof(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.sending(cx, |()| false, S::poll_send_eof)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        // A stream that has expired is closed all the same.
        let polled = self.get_mut().poll_close(cx);
        self.watched(cx, polled, |()| false, SendError::Broken)
    }
}

impl<S, E: Executor> Drop for GuardedStream<S, E> {
    fn drop(&mut self) {
        if let Some(left) = &self.watch.left {
            *left.lock().unwrap_or_else(PoisonError::into_inner) = self.stream.take();
        }
    }
}

impl<S: fmt::Debug, E: Executor> fmt::Debug for GuardedStream<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GuardedStream").field(&self.stream).finish()
    }
}
