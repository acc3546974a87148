//! A runtime that nobody ships, and the suite on it: one thread that watches descriptors with mio and runs the tasks of
//! async-executor. It shows that the seam is small, and by the suite that it is enough; `docs/backends.md` walks through it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{pending, poll_fn};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::{Duration, Instant};
use std::{io, mem, thread};

use anynet_conformance::{Backend, Body, Second, Suite};
use anynet_core::{BoxRuntime, Direction, Executor, Runtime, Source, Step, Task};
use futures_timer::Delay;
use mio::unix::SourceFd;
use mio::{Events, Interest, Registry, Token};

fn main() -> std::process::ExitCode {
    let mio = Backend {
        name: "mio",
        run,
        second: Some(start),
        deviations: &[],
    };
    Suite::new(&[mio]).main()
}

fn run(case: Body) {
    let Second { runtime, shut_down } = start();
    futures_lite::future::block_on(runtime.spawn(case(runtime.clone())));
    shut_down();
}

/// Starts a runtime, and says how to end it.
fn start() -> Second {
    let poll = mio::Poll::new().expect("an epoll instance");
    let executor = Arc::new(async_executor::Executor::new());
    let mio = Mio(Arc::new(Reactor {
        registry: poll.registry().try_clone().expect("a duplicate of it"),
        alarm: mio::Waker::new(poll.registry(), Token(usize::MAX)).expect("an event descriptor"),
        watched: Mutex::new(Some(HashMap::new())),
        executor: Arc::downgrade(&executor),
    }));
    let (runtime, driver) = (BoxRuntime::new(mio.clone()), mio.clone());
    thread::spawn(move || driver.drive(poll, &executor));
    Second {
        runtime,
        shut_down: Box::new(move || mio.0.shut_down()),
    }
}

/// The runtime.
#[derive(Clone, Debug)]
struct Mio(Arc<Reactor>);

#[derive(Debug)]
struct Reactor {
    registry: Registry,
    /// Has the thread look for tasks, and whether it is still wanted.
    alarm: mio::Waker,
    /// Each descriptor's directions, in the order of [`Direction`]; `None` once the runtime was shut down.
    watched: Mutex<Option<HashMap<RawFd, [Side; 2]>>>,
    /// The thread's own: all tasks end when that does.
    executor: Weak<async_executor::Executor<'static>>,
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
    /// What the thread does.
    fn drive(&self, mut poll: mio::Poll, executor: &async_executor::Executor<'static>) {
        CURRENT.set(Some(self.clone()));
        let alarm = Waker::from(self.0.clone());
        let mut tasks = pin!(executor.run(pending::<()>()));
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
}

impl Reactor {
    fn report(&self, event: &mio::event::Event, direction: Direction) {
        let (ready, ended) = match direction {
            Direction::Read => (event.is_readable(), event.is_read_closed() || event.is_error()),
            Direction::Write => (event.is_writable(), event.is_write_closed() || event.is_error()),
        };
        let woken = self.side(event.token().0 as RawFd, direction, |side| {
            side.ready |= ready || ended;
            side.ended |= ended;
            side.reports += u64::from(ready || ended);
            (ready || ended).then(|| mem::take(&mut side.waiting))
        });
        woken.into_iter().flatten().flatten().for_each(Waker::wake);
    }

    /// Calls `f` with one direction of a descriptor, unless the runtime was shut down.
    fn side<T>(&self, fd: RawFd, direction: Direction, f: impl FnOnce(&mut Side) -> T) -> io::Result<T> {
        let mut watched = self.watched();
        let sides = watched.as_mut().and_then(|it| it.get_mut(&fd));
        sides.map(|it| f(&mut it[direction as usize])).ok_or_else(gone)
    }

    fn watched(&self) -> MutexGuard<'_, Option<HashMap<RawFd, [Side; 2]>>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shut_down(&self) {
        let watched = self.watched().take();
        let sides = watched.into_iter().flat_map(HashMap::into_values).flatten();
        sides.flat_map(|side| side.waiting).for_each(Waker::wake);
        let _ = self.alarm.wake();
    }
}

impl Wake for Reactor {
    fn wake(self: Arc<Self>) {
        let _ = self.alarm.wake();
    }
}

impl Executor for Mio {
    type Task<T: Send + 'static> = MioTask<T>;
    type Sleep = Delay;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep(&self, duration: Duration) -> Delay {
        Delay::new(duration.min(Duration::from_secs(1 << 32))) // 136 years are for ever
    }

    fn spawn<F: Future<Output: Send> + Send + 'static>(&self, future: F) -> MioTask<F::Output> {
        let executor = self.0.executor.upgrade();
        MioTask(executor.map(|executor| executor.spawn(future).fallible()))
    }
}

/// A task. `None` once it can have no output any more.
struct MioTask<T>(Option<async_task::FallibleTask<T>>);

impl<T: Send + 'static> Future for MioTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let polled = self.0.as_mut().map(|task| Pin::new(task).poll(cx));
        let output = ready!(polled.unwrap_or(Poll::Pending));
        self.0 = None;
        // Without an output it was cancelled, and not by its owner: by the shutdown.
        output.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T: Send + 'static> Task<T> for MioTask<T> {
    fn detach(self) {
        let _ = self.0.map(async_task::FallibleTask::detach);
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
        registry.register(&mut SourceFd(&raw), Token(raw as usize), both)?;
        Ok(source)
    }
}

/// One watched descriptor.
#[derive(Debug)]
struct MioSource {
    reactor: Arc<Reactor>,
    operations: AtomicUsize,
    /// Shared only while `into_fd` takes it out.
    fd: Arc<OwnedFd>,
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
        poll_fn(|cx| self.poll_io(&mut (), cx, direction, &mut op)).await
    }

    fn into_fd(self) -> Option<OwnedFd> {
        let fd = self.fd.clone();
        drop(self);
        Arc::into_inner(fd)
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

impl AsFd for MioSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for MioSource {
    fn drop(&mut self) {
        let raw = self.fd.as_raw_fd();
        let _ = self.reactor.registry.deregister(&mut SourceFd(&raw));
        let sides = self.reactor.watched().as_mut().and_then(|it| it.remove(&raw));
        drop(sides); // outside the lock: wakers have code of their own
    }
}

fn gone() -> io::Error {
    io::Error::other("the runtime was shut down")
}
