//! The latch of a stream that is made of others.

use std::task::{Context, Waker};

use anynet_core::{Cause, Direction, Latch};

/// How often a stream that says nothing is asked again once its connection broke. It may have bytes all the same, and let
/// others run before it gives them: tokio's sockets do, those in memory, and one that `waits`, one turn for each. And the
/// runtime may not know yet what the system has: tokio asks after 61 turns (`event_interval`), an async-executor gives way
/// after 200, and this is more than two of those.
const TURNS: u16 = 512;

/// A [`Latch`] that wakes: where one direction notices that the stream is broken, this is news to whoever waits in the other,
/// which the stream below would not tell.
#[derive(Debug)]
pub(crate) struct WakingLatch {
    latch: Latch,
    /// Who waits in each direction, as it was when they were last polled.
    waiting: [Option<Waker>; 2],
    /// How often the receive stream was asked again since it last gave something.
    asked: u16,
    /// See [`is_told`](Self::is_told).
    is_told: bool,
}

impl WakingLatch {
    pub(crate) fn new() -> Self {
        Self {
            latch: Latch::new(),
            waiting: [None, None],
            asked: 0,
            is_told: false,
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.latch.is_closed()
    }

    pub(crate) fn close(&self) {
        self.latch.close();
    }

    pub(crate) fn broken(&self) -> Option<Cause> {
        self.latch.broken()
    }

    /// Remembers who waits.
    pub(crate) fn waits(&mut self, direction: Direction, cx: &Context<'_>) {
        match &mut self.waiting[direction as usize] {
            Some(waker) => waker.clone_from(cx.waker()),
            place => *place = Some(cx.waker().clone()),
        }
    }

    /// The receive stream has nothing to say, though the connection is broken. Whether it is to be asked once more, for what
    /// had arrived comes first: then the task is woken for that.
    pub(crate) fn asks_again(&mut self, cx: &Context<'_>) -> bool {
        if self.asked == TURNS {
            self.is_told = true;
            return false;
        }
        self.asked += 1;
        cx.waker().wake_by_ref();
        true
    }

    /// The receive stream had something to say after all.
    pub(crate) fn heard(&mut self) {
        self.asked = 0;
    }

    /// Whether a receive was told that the connection is broken while the stream still might have bytes: nothing comes after
    /// that.
    pub(crate) fn is_told(&self) -> bool {
        self.is_told
    }

    /// As [`Latch::break_with`]; the first time whoever waits is woken.
    pub(crate) fn break_with(&mut self, cause: Cause) -> Cause {
        let is_news = self.latch.broken().is_none();
        let cause = self.latch.break_with(cause);
        if is_news {
            let waiting = std::mem::take(&mut self.waiting);
            waiting.into_iter().flatten().for_each(Waker::wake);
        }
        cause
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;

    /// A task that only knows whether it was woken.
    pub(crate) struct Flag(AtomicBool);

    impl Flag {
        pub(crate) fn is_woken(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }
    }

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn flag() -> (Arc<Flag>, Waker) {
        let flag = Arc::new(Flag(AtomicBool::new(false)));
        (flag.clone(), flag.into())
    }
}
