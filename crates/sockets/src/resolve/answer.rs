//! An answer that is waited for, and the duty to give it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::pool::lock;

/// The duty to answer, and the answer.
pub(super) fn promise<A>() -> (Promise<A>, Answer<A>) {
    let slot = Arc::new(Mutex::new(Slot {
        value: None,
        waiting: None,
    }));
    (Promise(slot.clone()), Answer(slot))
}

/// The answer to come; an error if it was lost.
pub(super) struct Answer<A>(Arc<Mutex<Slot<A>>>);

struct Slot<A> {
    value: Option<Option<A>>,
    waiting: Option<Waker>,
}

impl<A> Future for Answer<A> {
    type Output = io::Result<A>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<A>> {
        let mut slot = lock(&self.0);
        if let Some(value) = slot.value.take() {
            return Poll::Ready(value.ok_or_else(|| io::Error::other("the look-up was lost")));
        }
        let earlier = slot.waiting.replace(cx.waker().clone());
        drop(slot);
        drop(earlier); // unlocked, as below
        Poll::Pending
    }
}

impl<A> Drop for Answer<A> {
    /// Takes the waker, which holds a task: a look-up that hangs keeps the slot.
    fn drop(&mut self) {
        let waiting = lock(&self.0).waiting.take();
        drop(waiting); // unlocked: a task that goes with it may do anything
    }
}

/// The duty to answer one of those who asked.
pub(super) struct Promise<A>(Arc<Mutex<Slot<A>>>);

impl<A> Promise<A> {
    /// Whether the answer is still waited for.
    pub(super) fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub(super) fn keep(self, value: Option<A>) {
        let mut slot = lock(&self.0);
        slot.value = Some(value);
        let waiting = slot.waiting.take();
        drop(slot);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;

    struct Task;

    impl Wake for Task {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn who_gives_up_leaves_nothing_behind() {
        let task = Arc::new(Task);
        let (promise, mut answer) = promise::<()>();
        let waker = Waker::from(task.clone());
        assert!(
            Pin::new(&mut answer)
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        drop(waker);
        assert_eq!(Arc::strong_count(&task), 2, "the waker of the one who waits");
        drop(answer);
        assert_eq!(Arc::strong_count(&task), 1);
        assert!(!promise.is_awaited());
    }
}
