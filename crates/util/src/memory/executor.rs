//! Tasks in a fixed order, and a clock that jumps.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::{Duration, Instant};

use anynet_core::Task;
use async_task::{FallibleTask, Runnable};
use slab::Slab;

/// How long a run waits for another thread, where nothing of its own can go on.
const PATIENCE: Duration = Duration::from_secs(30);

/// The executor of one network: it runs on the thread that calls [`run`](Self::run), and on no other.
#[derive(Debug)]
pub(super) struct Core {
    state: Mutex<State>,
    /// Something is ready again, or sleeps, perhaps by the hand of another thread.
    woken: Condvar,
}

#[derive(Debug)]
struct State {
    now: Instant,
    ready: VecDeque<Turn>,
    /// The wakers of all tasks that have not ended, to end them by.
    tasks: Slab<Waker>,
    /// Who sleeps, by the time to wake at; sleeps that end together are woken in the order in which they began.
    sleeps: BTreeMap<(Instant, u64), Waker>,
    /// Who sleeps past the end of the clock, by number.
    endless: BTreeMap<u64, Waker>,
    sleeps_begun: u64,
    patience: Duration,
    /// Whether the main future has a turn already.
    main_is_ready: bool,
    ended: bool,
}

/// Whose turn it is.
#[derive(Debug)]
enum Turn {
    Main,
    Task(Runnable),
}

impl Core {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                now: Instant::now(),
                ready: VecDeque::new(),
                tasks: Slab::new(),
                sleeps: BTreeMap::new(),
                endless: BTreeMap::new(),
                sleeps_begun: 0,
                patience: PATIENCE,
                main_is_ready: false,
                ended: false,
            }),
            woken: Condvar::new(),
        })
    }

    pub(super) fn now(&self) -> Instant {
        self.state().now
    }

    pub(super) fn sleep(self: &Arc<Self>, duration: Duration) -> MemorySleep {
        let mut state = self.state();
        state.sleeps_begun += 1;
        MemorySleep {
            until: state.now.checked_add(duration),
            number: state.sleeps_begun,
            core: self.clone(),
        }
    }

    pub(super) fn set_patience(&self, patience: Duration) {
        self.state().patience = patience;
    }

    pub(super) fn spawn<F>(self: &Arc<Self>, future: F) -> MemoryTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let mut state = self.state();
        let ending = Ending {
            core: Arc::downgrade(self),
            key: state.tasks.vacant_key(),
        };
        let core = Arc::downgrade(self);
        let schedule = move |task| {
            if let Some(core) = Weak::upgrade(&core) {
                core.push(Turn::Task(task));
            }
        };
        let (runnable, task) = async_task::Builder::new().propagate_panic(true).spawn(
            |()| async move {
                let _ending = ending;
                future.await
            },
            schedule,
        );
        state.tasks.insert(runnable.waker());
        drop(state);
        runnable.schedule();
        MemoryTask(Some(task.fallible()))
    }

    /// Runs what `main` returns, and whatever is spawned, until that has ended; then everything else is cancelled.
    #[track_caller]
    pub(super) fn run<F: Future>(self: &Arc<Self>, main: impl FnOnce() -> F) -> F::Output {
        // Also when it panics.
        let _end = End(self);
        let waker = Arc::new(MainWaker(Arc::downgrade(self))).into();
        let mut main = pin!(main());
        self.push(Turn::Main);
        loop {
            match self.next() {
                Turn::Main => {
                    self.state().main_is_ready = false;
                    if let Poll::Ready(output) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
                        return output;
                    }
                }
                Turn::Task(task) => {
                    task.run();
                }
            }
        }
    }

    /// Whose turn is next. Where everybody waits, time jumps to the end of the next sleep; where nobody sleeps either,
    /// another thread may still have something to say, but not for ever.
    #[track_caller]
    fn next(&self) -> Turn {
        let mut state = self.state();
        loop {
            if let Some(turn) = state.ready.pop_front() {
                return turn;
            }
            if let Some(((at, _), waker)) = state.sleeps.pop_first() {
                state.now = state.now.max(at);
                drop(state);
                waker.wake();
                state = self.state();
                continue;
            }
            let patience = state.patience;
            let waited = self.woken.wait_timeout(state, patience);
            let (again, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            state = again;
            if waited.timed_out() && state.ready.is_empty() && state.sleeps.is_empty() {
                let tasks = state.tasks.len();
                drop(state);
                panic!(
                    "this waits for ever: the future of the run and its tasks ({tasks}) wait, nobody sleeps, and no other \
                     thread has woken any for {patience:?}"
                );
            }
        }
    }

    fn push(&self, turn: Turn) {
        let mut state = self.state();
        if !state.ended {
            if matches!(turn, Turn::Main) && std::mem::replace(&mut state.main_is_ready, true) {
                return;
            }
            state.ready.push_back(turn);
            self.woken.notify_one();
            return;
        }
        // The turn is dropped unlocked, and a task with it, whose destructor may do anything.
        drop(state);
    }

    fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        let sleeps = std::mem::take(&mut state.sleeps);
        let endless = std::mem::take(&mut state.endless);
        let tasks = std::mem::take(&mut state.tasks);
        let ready = std::mem::take(&mut state.ready);
        drop(state);
        drop(ready);
        // A task that is woken now is dropped instead of scheduled.
        tasks.into_iter().for_each(|(_, waker)| waker.wake());
        sleeps
            .into_values()
            .chain(endless.into_values())
            .for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a run, however it comes.
struct End<'a>(&'a Core);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

struct MainWaker(Weak<Core>);

impl Wake for MainWaker {
    fn wake(self: Arc<Self>) {
        if let Some(core) = self.0.upgrade() {
            core.push(Turn::Main);
        }
    }
}

/// Takes a task off the list, however it ends.
struct Ending {
    core: Weak<Core>,
    key: usize,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(core) = self.core.upgrade() {
            let waker = core.state().tasks.try_remove(self.key);
            drop(waker);
        }
    }
}

/// A task of a [`MemoryNetwork`](super::MemoryNetwork).
#[must_use = "dropping a task cancels it: await it, keep it, or call `detach()`"]
pub struct MemoryTask<T>(Option<FallibleTask<T>>);

impl<T: Send + 'static> Future for MemoryTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(task) = &mut self.0 else {
            return Poll::Pending;
        };
        let end = ready!(Pin::new(task).poll(cx));
        self.0 = None;
        // Its executor is gone where there is no output: it never completes.
        end.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T: Send + 'static> Task<T> for MemoryTask<T> {
    fn detach(self) {
        let _ = self.0.map(FallibleTask::detach);
    }
}

impl<T> fmt::Debug for MemoryTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTask").finish_non_exhaustive()
    }
}

/// A sleep of a [`MemoryNetwork`](super::MemoryNetwork): it ends when its clock has jumped there, or with the network.
#[derive(Debug)]
pub struct MemorySleep {
    core: Arc<Core>,
    /// `None`: past the end of the clock.
    until: Option<Instant>,
    number: u64,
}

impl Future for MemorySleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.core.state();
        if state.ended {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let before = match self.until {
            Some(at) if at <= state.now => return Poll::Ready(()),
            Some(at) => state.sleeps.insert((at, self.number), waker),
            None => state.endless.insert(self.number, waker),
        };
        drop(state);
        // The run may wait already, if another thread sleeps here.
        self.core.woken.notify_one();
        drop(before);
        Poll::Pending
    }
}

impl Drop for MemorySleep {
    fn drop(&mut self) {
        let mut state = self.core.state();
        let waker = match self.until {
            Some(at) => state.sleeps.remove(&(at, self.number)),
            None => state.endless.remove(&self.number),
        };
        drop(state);
        drop(waker);
    }
}
