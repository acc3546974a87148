//! Looking up names: by the system's resolver, off the runtime's threads.
//!
//! The system's resolver blocks, and cannot be cancelled. So it runs on a few threads of its own, which are started when
//! they are needed and end when they are idle: a runtime's own pool would be waited for when the runtime shuts down, and a
//! look-up can hang for as long as the network does.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use anynet_core::ResolveError;

/// How many look-ups run at once; the others wait in line.
const MOST_THREADS: usize = 8;

/// How long an idle thread stays: long enough for the next burst.
const IDLE: Duration = Duration::from_secs(5);

static POOL: Pool = Pool {
    state: Mutex::new(PoolState::new()),
    work: Condvar::new(),
};

/// The addresses of `host`, each with `port`, in the system's order. A literal address is its own, and nobody is asked.
///
/// Cancel-safe: a look-up that has begun then ends by itself, and its result is dropped; one that has not never does.
pub(crate) async fn lookup(host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let failed = |error: io::Error| ResolveError::Failed {
        host: host.to_owned(),
        cause: error.into(),
    };
    let name = host.to_owned();
    let found = POOL.run(move || {
        (name.as_str(), port)
            .to_socket_addrs()
            .map(Iterator::collect::<Vec<_>>)
    });
    let addresses = found.map_err(failed)?.await.map_err(failed)?;
    if addresses.is_empty() {
        return Err(ResolveError::NoAddress {
            host: host.to_owned(),
        });
    }
    Ok(addresses)
}

/// The threads, and the look-ups that wait for one.
struct Pool {
    state: Mutex<PoolState>,
    work: Condvar,
}

struct PoolState {
    queue: VecDeque<Box<dyn FnOnce() + Send>>,
    threads: usize,
    idle: usize,
}

impl PoolState {
    const fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            threads: 0,
            idle: 0,
        }
    }
}

impl Pool {
    /// Runs `job` on a thread of the pool.
    fn run<T: Send + 'static>(
        &'static self,
        job: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<Answer<T>> {
        let answer = Arc::new(Mutex::new(AnswerState {
            value: None,
            waiting: None,
        }));
        let promise = Promise(answer.clone());
        let mut state = lock(&self.state);
        state.queue.push_back(Box::new(move || {
            if promise.is_awaited() {
                promise.keep(job());
            }
        }));
        if state.idle < state.queue.len() && state.threads < MOST_THREADS {
            let spawned = thread::Builder::new()
                .name("anynet-resolver".into())
                .spawn(|| self.work());
            match spawned {
                Ok(_) => state.threads += 1,
                // Another thread will come to it.
                Err(_) if state.threads > 0 => {}
                Err(error) => {
                    let job = state.queue.pop_back();
                    drop(state);
                    drop(job);
                    return Err(error);
                }
            }
        }
        drop(state);
        self.work.notify_one();
        Ok(Answer(answer))
    }

    /// What each thread does.
    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.queue.pop_front() {
                drop(state);
                // Whom it wakes may panic; that costs no thread.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = lock(&self.state);
                continue;
            }
            state.idle += 1;
            let (waited, timed_out) = match self.work.wait_timeout(state, IDLE) {
                Ok((waited, timeout)) => (waited, timeout.timed_out()),
                Err(poisoned) => (poisoned.into_inner().0, false),
            };
            state = waited;
            state.idle -= 1;
            if timed_out && state.queue.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

/// The answer to come.
struct Answer<T>(Arc<Mutex<AnswerState<T>>>);

struct AnswerState<T> {
    value: Option<io::Result<T>>,
    waiting: Option<Waker>,
}

impl<T> Future for Answer<T> {
    type Output = io::Result<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let mut state = lock(&self.0);
        if let Some(value) = state.value.take() {
            return Poll::Ready(value);
        }
        state.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// The duty to answer. A look-up that is dropped, or panics, answers that it was lost.
struct Promise<T>(Arc<Mutex<AnswerState<T>>>);

impl<T> Promise<T> {
    /// Whether anybody still waits. One who gave up before a thread was free keeps no thread busy.
    fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    fn keep(self, value: io::Result<T>) {
        lock(&self.0).value = Some(value);
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        if state.value.is_none() {
            state.value = Some(Err(io::Error::other("the look-up was lost")));
        }
        if let Some(waker) = state.waiting.take() {
            drop(state);
            waker.wake();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::panic::resume_unwind;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    fn pool() -> &'static Pool {
        Box::leak(Box::new(Pool {
            state: Mutex::new(PoolState::new()),
            work: Condvar::new(),
        }))
    }

    fn wait<T>(mut answer: Answer<T>) -> io::Result<T> {
        loop {
            match Pin::new(&mut answer).poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(value) => return value,
                Poll::Pending => thread::yield_now(),
            }
        }
    }

    #[test]
    fn a_look_up_that_panics_is_lost_and_costs_no_thread() {
        let pool = pool();
        for _ in 0..2 * MOST_THREADS {
            let lost = pool.run::<()>(|| resume_unwind(Box::new("thrown"))).unwrap();
            assert!(wait(lost).is_err());
        }
        assert_eq!(wait(pool.run(|| Ok(7)).unwrap()).unwrap(), 7);
    }

    #[test]
    fn a_look_up_that_was_given_up_in_the_queue_is_not_made() {
        static MADE: AtomicBool = AtomicBool::new(false);
        let pool = pool();
        let (releases, busy): (Vec<_>, Vec<_>) = (0..MOST_THREADS)
            .map(|_| {
                let (release, released) = channel();
                let busy = pool.run(move || Ok(released.recv().is_ok())).unwrap();
                (release, busy)
            })
            .unzip();
        let given_up = pool
            .run(|| {
                MADE.store(true, Ordering::Relaxed);
                Ok(())
            })
            .unwrap();
        let last = pool.run(|| Ok(())).unwrap();
        drop(given_up);
        for release in releases {
            release.send(()).unwrap();
        }
        for busy in busy {
            assert!(wait(busy).unwrap());
        }
        wait(last).unwrap();
        assert!(!MADE.load(Ordering::Relaxed));
    }
}
