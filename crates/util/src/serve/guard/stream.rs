//! A stream that is watched, and that goes back to its guard when its handler drops it.

use std::fmt;
use std::io::{self, IoSlice};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anynet_core::{
    Attributes, AttributesExt, ByteReceiveStream, ByteSendStream, Cause, Closer, Executor, ReceiveError,
    Request, SendError, byte_receive_methods, byte_send_methods,
};

use super::progress::{Operation, Progress, Stalls};

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

    /// The time since the start.
    pub(super) fn now(&self, executor: &impl Executor) -> Duration {
        executor.now().saturating_duration_since(self.start)
    }

    /// When a byte was moved last.
    pub(super) fn moved(&self) -> Duration {
        Duration::from_nanos(self.moved.load(Ordering::Relaxed))
    }

    /// For how long no byte has moved.
    pub(super) fn quiet(&self, executor: &impl Executor) -> Duration {
        self.now(executor).saturating_sub(self.moved())
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

    fn moves(&self, executor: &impl Executor) {
        let nanos = u64::try_from(self.now(executor).as_nanos()).unwrap_or(u64::MAX);
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
    progress: Option<Progress<E>>,
    /// An operation has waited too long.
    expired: Option<Cause>,
    /// Whether the end was received: from then on that is the answer.
    at_end: bool,
}

impl<S, E: Executor> GuardedStream<S, E> {
    pub(super) fn new(stream: S, watch: Arc<Watch<S>>, executor: Option<E>, stalls: Stalls) -> Self {
        Self {
            stream: Some(stream),
            watch,
            executor,
            progress: stalls.any().then(|| Progress::new(stalls)),
            expired: None,
            at_end: false,
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
        operation: Operation,
        cx: &mut Context<'_>,
        polled: Poll<Result<T, X>>,
        moves: impl FnOnce(&T) -> bool,
        broken: fn(Cause) -> X,
    ) -> Poll<Result<T, X>> {
        let Some(executor) = &self.executor else {
            return polled;
        };
        if let Poll::Ready(end) = &polled {
            let has_moved = end.as_ref().is_ok_and(moves);
            if has_moved {
                self.watch.moves(executor);
            }
            if let Some(progress) = &mut self.progress {
                progress.done(operation, has_moved.then(|| self.watch.moved()));
            }
            return polled;
        }
        let progress = self.progress.as_mut();
        if let Some(timed_out) =
            progress.and_then(|progress| progress.poll(operation, executor, &self.watch, cx))
        {
            let cause = Cause::from(io::Error::from(timed_out));
            self.expired = Some(cause.clone());
            abort(self.get_ref());
            return Poll::Ready(Err(broken(cause)));
        }
        Poll::Pending
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
        let told = match &self.expired {
            // It asks for the state alone, and is no operation that could wait.
            None if buf.is_empty() => return self.get_mut().poll_receive(cx, buf),
            None => {
                let polled = self.get_mut().poll_receive(cx, buf);
                ready!(self.watched(Operation::Receive, cx, polled, |_| true, ReceiveError::Broken))
            }
            Some(_) if buf.is_empty() => Err(ReceiveError::EmptyBuffer),
            Some(_) if self.at_end => Err(ReceiveError::EndOfStream),
            Some(cause) => Err(ReceiveError::Broken(cause.clone())),
        };
        self.at_end |= matches!(told, Err(ReceiveError::EndOfStream));
        Poll::Ready(told)
    }
}

impl<S: ByteSendStream, E: Executor> GuardedStream<S, E> {
    fn sending<T>(
        &mut self,
        operation: Operation,
        cx: &mut Context<'_>,
        moves: impl FnOnce(&T) -> bool,
        poll: impl FnOnce(&mut S, &mut Context<'_>) -> Poll<Result<T, SendError>>,
    ) -> Poll<Result<T, SendError>> {
        if let Some(cause) = &self.expired {
            return Poll::Ready(Err(SendError::Broken(cause.clone())));
        }
        let polled = poll(self.get_mut(), cx);
        self.watched(operation, cx, polled, moves, SendError::Broken)
    }
}

impl<S: ByteSendStream, E: Executor> ByteSendStream for GuardedStream<S, E> {
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        if self.expired.is_none() && bufs.iter().all(|buf| buf.is_empty()) {
            return self.get_mut().poll_send(cx, bufs); // as a receive into nothing
        }
        self.sending(
            Operation::Send,
            cx,
            |sent| *sent > 0,
            |stream, cx| stream.poll_send(cx, bufs),
        )
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.sending(Operation::Send, cx, |()| false, S::poll_send_ready)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.sending(Operation::Flush, cx, |()| false, S::poll_flush)
    }

    fn poll_send_eof(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.sending(Operation::Flush, cx, |()| false, S::poll_send_eof)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        // One that has expired, even here, is closed all the same, and says so from now on.
        let polled = self.get_mut().poll_close(cx);
        let closed = self.watched(Operation::Flush, cx, polled, |()| false, SendError::Broken);
        self.expired = None;
        closed
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
