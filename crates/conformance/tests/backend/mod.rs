//! A runtime in one file: a thread that watches descriptors with mio and runs the tasks of async-executor.
//!
//! Nobody ships it. It shows that the seam is small, and by the suite that it is enough.

use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::{Duration, Instant};
use std::{future, io, mem};

use anynet_core::{Direction, Executor, Runtime, Source, Step, Task, Waits};
use async_task::FallibleTask;
use futures_timer::Delay;
use mio::{Events, Interest, Registry, Token};

/// The runtime.
#[derive(Clone, Debug)]
pub(super) struct Mio(Arc<Reactor>);

#[derive(Debug)]
struct Reactor {
    registry: Registry,
    /// Has the thread look for tasks, and whether it is still wanted.
    alarm: mio::Waker,
    /// Each descriptor's directions, in the order of [`Direction`]. `None` once the runtime was shut down.
    watched: Mutex<Option<HashMap<RawFd, [Side; 2]>>>,
    /// The thread's own: all tasks end when that does.
    executor: Weak<async_executor::Executor<'static>>,
    waits: Waits,
}

/// One direction of a descriptor: what is known of it, and who waits to know more.
#[derive(Debug, Default)]
struct Side {
    ready: bool,
    /// The end was reported, which happens once: behind an empty buffer it is still to be read.
    ended: bool,
    /// Counted, so that an operation does not hide a report that came while it ran.
    reports: u64,
    /// Each task once. One that gave up is woken for nothing.
    waiting: Vec<Waker>,
}

thread_local! {
    static CURRENT: RefCell<Option<Mio>> = const { RefCell::new(None) };
}

impl Mio {
    /// A runtime, and what its thread has to do until the shutdown.
    pub(super) fn new() -> io::Result<(Self, impl FnOnce() + Send)> {
        let poll = mio::Poll::new()?;
        let executor = Arc::new(async_executor::Executor::new());
        let runtime = Self(Arc::new(Reactor {
            registry: poll.registry().try_clone()?,
            alarm: mio::Waker::new(poll.registry(), Token(usize::MAX))?,
            watched: Mutex::new(Some(HashMap::new())),
            executor: Arc::downgrade(&executor),
            waits: Waits::new(),
        }));
        Ok((runtime.clone(), move || runtime.drive(poll, &executor)))
    }

    fn drive(&self, mut poll: mio::Poll, executor: &async_executor::Executor<'static>) {
        CURRENT.set(Some(self.clone()));
        let alarm = Waker::from(self.0.clone());
        let mut tasks = pin!(executor.run(future::pending::<()>()));
        let mut events = Events::with_capacity(256);
        while self.0.watched().is_some() {
            // Runs what is ready. What it leaves for the next turn, it rings the alarm for.
            let _ = tasks.as_mut().poll(&mut Context::from_waker(&alarm));
            let _ = poll.poll(&mut events, None); // if it is interrupted there are no events
            for event in &events {
                self.0.report(event, Direction::Read);
                self.0.report(event, Direction::Write);
            }
        }
    }

    /// Ends every wait with an error, and has the thread end.
    pub(super) fn shut_down(&self) {
        let watched = self.0.watched().take();
        let sides = watched.into_iter().flat_map(HashMap::into_values).flatten();
        sides.flat_map(|side| side.waiting).for_each(Waker::wake);
        let _ = self.0.alarm.wake();
    }
}

impl Reactor {
    fn report(&self, event: &mio::event::Event, direction: Direction) {
        let (ready, ended) = match direction {
            Direction::Read => (event.is_readable(), event.is_read_closed()),
            Direction::Write => (event.is_writable(), event.is_write_closed()),
        };
        let ended = ended || event.is_error(); // an error ends both
        let ready = ready || ended;
        let woken = self.side(event.token().0 as RawFd, direction, |side| {
            side.ready |= ready;
            side.ended |= ended;
            side.reports += u64::from(ready);
            ready.then(|| mem::take(&mut side.waiting))
        });
        woken.into_iter().flatten().flatten().for_each(Waker::wake);
    }

    fn watched(&self) -> MutexGuard<'_, Option<HashMap<RawFd, [Side; 2]>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `f` with one direction of a descriptor, unless the runtime was shut down.
    fn side<T>(&self, fd: RawFd, direction: Direction, f: impl FnOnce(&mut Side) -> T) -> io::Result<T> {
        let mut watched = self.watched();
        let sides = watched.as_mut().and_then(|it| it.get_mut(&fd));
        sides.map(|it| f(&mut it[direction as usize])).ok_or_else(gone)
    }
}

impl Wake for Reactor {
    fn wake(self: Arc<Self>) {
        let _ = self.alarm.wake();
    }
}

impl Side {
    /// The number of the latest report, if there may be something to do; else has `cx` woken by the next.
    fn poll_ready(&mut self, cx: &Context<'_>) -> Poll<u64> {
        if self.ready {
            return Poll::Ready(self.reports);
        }
        self.waiting.retain(|waker| !waker.will_wake(cx.waker()));
        self.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}

fn gone() -> io::Error {
    io::Error::other("the runtime was shut down")
}

impl Executor for Mio {
    type Task<T: Send + 'static> = MioTask<T>;
    type Sleep = MioSleep;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) -> MioSleep {
        MioSleep(self.spawn(Delay::new(duration.min(Duration::from_secs(1 << 32))))) // 136 years: for ever
    }

    fn spawn<F: Future<Output: Send> + Send + 'static>(&self, future: F) -> MioTask<F::Output> {
        MioTask(self.0.executor.upgrade().map(|it| it.spawn(future).fallible()))
    }
}

/// A task. `None` once it has ended, and if it never began.
pub(super) struct MioTask<T>(Option<FallibleTask<T>>);

impl<T> MioTask<T> {
    /// The output, or `None` if the executor is gone.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let task = self.0.as_mut();
        let output = ready!(task.map_or(Poll::Ready(None), |task| Pin::new(task).poll(cx)));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Future for MioTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        ready!(self.poll_end(cx)).map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T: Send + 'static> Task<T> for MioTask<T> {
    fn detach(self) {
        let _ = self.0.map(FallibleTask::detach);
    }
}

/// A sleep: a task of its own, so it is over when the executor is gone.
pub(super) struct MioSleep(MioTask<()>);

impl Future for MioSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_end(cx).map(drop)
    }
}

impl Runtime for Mio {
    type Source = MioSource;

    fn name(&self) -> &'static str {
        "mio"
    }

    fn current() -> io::Result<Self> {
        let current = CURRENT.try_with(|it| it.borrow().clone()).ok().flatten();
        current.ok_or_else(|| io::Error::other("not on the thread of a runtime"))
    }

    fn register(&self, fd: OwnedFd) -> io::Result<MioSource> {
        let (raw, both) = (fd.as_raw_fd(), Interest::READABLE | Interest::WRITABLE);
        let source = MioSource {
            reactor: self.0.clone(),
            operations: AtomicUsize::new(0),
            fd: Arc::new(fd),
        };
        // Locked over both, so that the first report finds whom it concerns.
        let mut watched = self.0.watched();
        watched.as_mut().ok_or_else(gone)?.insert(raw, <_>::default());
        let registry = &self.0.registry;
        registry.register(&mut mio::unix::SourceFd(&raw), Token(raw as usize), both)?;
        Ok(source)
    }

    fn waits(&self) -> Waits {
        self.0.waits.clone()
    }
}

/// One watched descriptor.
#[derive(Debug)]
pub(super) struct MioSource {
    reactor: Arc<Reactor>,
    operations: AtomicUsize,
    fd: Arc<OwnedFd>, // shared only while `into_fd` takes it out
}

impl Source for MioSource {
    /// A handle keeps nothing: its waker is with the descriptor.
    type Slot = ();

    fn slot(_fresh: bool) {}

    fn poll_io<R>(
        &self,
        (): &mut (),
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>>,
    ) -> Poll<io::Result<R>> {
        let (reactor, raw) = (&self.reactor, self.fd.as_raw_fd());
        if self.operations.fetch_add(1, Ordering::Relaxed) % 64 == 63 {
            cx.waker().wake_by_ref(); // a turn for others
            return Poll::Pending;
        }
        loop {
            let seen = ready!(reactor.side(raw, direction, |side| side.poll_ready(cx))?);
            match op(self.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let _ = reactor.side(raw, direction, |it| it.ready = it.reports != seen);
                }
                Ok(Step::Drained(output)) => {
                    let _ = reactor.side(raw, direction, |it| it.ready = it.ended || it.reports != seen);
                    return Poll::Ready(Ok(output));
                }
                done => return Poll::Ready(done.map(Step::into_output)),
            }
        }
    }

    async fn io<R: Send>(
        &self,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>> + Send,
    ) -> io::Result<R> {
        future::poll_fn(|cx| self.poll_io(&mut (), cx, direction, &mut op)).await
    }

    fn into_fd(self) -> Option<OwnedFd> {
        let fd = self.fd.clone();
        drop(self);
        Arc::into_inner(fd)
    }
}

impl AsFd for MioSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for MioSource {
    fn drop(&mut self) {
        let raw = self.fd.as_raw_fd();
        let _ = self.reactor.registry.deregister(&mut mio::unix::SourceFd(&raw));
        let sides = self.reactor.watched().as_mut().and_then(|it| it.remove(&raw));
        drop(sides); // outside the lock: wakers have code of their own
    }
}
