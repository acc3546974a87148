//! The runtime that this code is on, among those that are compiled in.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anynet_core::{Direction, Executor, Runtime, Source, Step, Task, Waits};
#[cfg(feature = "smol")]
use anynet_smol::{Smol, SmolSleep, SmolSlot, SmolSource, SmolTask};
#[cfg(feature = "tokio")]
use anynet_tokio::{Tokio, TokioSleep, TokioSlot, TokioSource, TokioTask};

/// `match` over the runtimes that are compiled in, with the same body for each.
macro_rules! each {
    ($value:expr, $inner:ident => $body:expr) => {
        match $value {
            #[cfg(feature = "tokio")]
            Self::Tokio($inner) => $body,
            #[cfg(feature = "smol")]
            Self::Smol($inner) => $body,
        }
    };
}

/// The runtime that this code is on: **inside a tokio runtime that one, else smol**, as far as they are compiled in.
///
/// It is chosen when a socket is made, and the socket stays with it. With one runtime compiled in this is that runtime,
/// and costs nothing.
///
/// There is one limit. Where a tokio runtime is only *entered* by code that another executor polls, sockets made there
/// belong to tokio, and a runtime that nobody drives never wakes them. Name the runtime there:
/// `anynet::runtime::smol::TcpStream`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Current {
    /// tokio.
    #[cfg(feature = "tokio")]
    Tokio(Tokio),
    /// smol.
    #[cfg(feature = "smol")]
    Smol(Smol),
}

impl Runtime for Current {
    type Source = CurrentSource;

    fn name(&self) -> &'static str {
        each!(self, runtime => runtime.name())
    }

    /// # Errors
    ///
    /// If there is none: with only tokio compiled in, outside a tokio runtime. smol is everywhere.
    fn current() -> io::Result<Self> {
        #[cfg(feature = "tokio")]
        let tokio = Tokio::current().map(Self::Tokio);
        #[cfg(feature = "smol")]
        let smol = || Smol::current().map(Self::Smol);
        #[cfg(all(feature = "tokio", feature = "smol"))]
        let current = tokio.or_else(|_| smol());
        #[cfg(all(feature = "tokio", not(feature = "smol")))]
        let current = tokio;
        #[cfg(all(feature = "smol", not(feature = "tokio")))]
        let current = smol();
        current
    }

    #[inline]
    fn register(&self, fd: OwnedFd) -> io::Result<CurrentSource> {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio(runtime) => runtime.register(fd).map(CurrentSource::Tokio),
            #[cfg(feature = "smol")]
            Self::Smol(runtime) => runtime.register(fd).map(CurrentSource::Smol),
        }
    }

    fn waits(&self) -> Waits {
        each!(self, runtime => runtime.waits())
    }
}

impl Executor for Current {
    type Task<T: Send + 'static> = CurrentTask<T>;
    type Sleep = CurrentSleep;

    fn now(&self) -> Instant {
        each!(self, runtime => runtime.now())
    }

    fn sleep(&self, duration: Duration) -> CurrentSleep {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio(runtime) => CurrentSleep::Tokio(runtime.sleep(duration)),
            #[cfg(feature = "smol")]
            Self::Smol(runtime) => CurrentSleep::Smol(runtime.sleep(duration)),
        }
    }

    fn spawn<F>(&self, future: F) -> CurrentTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio(runtime) => CurrentTask::Tokio(runtime.spawn(future)),
            #[cfg(feature = "smol")]
            Self::Smol(runtime) => CurrentTask::Smol(runtime.spawn(future)),
        }
    }
}

/// A task on [`Current`].
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "dropping a task cancels it: await it, keep it, or call `detach()`"]
pub enum CurrentTask<T> {
    /// On tokio.
    #[cfg(feature = "tokio")]
    Tokio(TokioTask<T>),
    /// On smol.
    #[cfg(feature = "smol")]
    Smol(SmolTask<T>),
}

impl<T: Send + 'static> CurrentTask<T> {
    /// Lets the task run to its end without this handle.
    pub fn detach(self) {
        each!(self, task => task.detach());
    }
}

impl<T: Send + 'static> Future for CurrentTask<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        each!(&mut *self, task => Pin::new(task).poll(cx))
    }
}

impl<T: Send + 'static> Task<T> for CurrentTask<T> {
    fn detach(self) {
        Self::detach(self);
    }
}

/// A sleep on [`Current`].
#[derive(Debug)]
#[non_exhaustive]
pub enum CurrentSleep {
    /// On tokio.
    #[cfg(feature = "tokio")]
    Tokio(TokioSleep),
    /// On smol.
    #[cfg(feature = "smol")]
    Smol(SmolSleep),
}

impl Future for CurrentSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        each!(&mut *self, sleep => Pin::new(sleep).poll(cx))
    }
}

/// A descriptor that is registered with [`Current`].
#[derive(Debug)]
#[non_exhaustive]
pub enum CurrentSource {
    /// With tokio.
    #[cfg(feature = "tokio")]
    Tokio(TokioSource),
    /// With smol.
    #[cfg(feature = "smol")]
    Smol(SmolSource),
}

/// A slot of a [`CurrentSource`]: one for each runtime, since it is made before the source is known.
#[derive(Debug)]
pub struct CurrentSlot {
    #[cfg(feature = "tokio")]
    tokio: TokioSlot,
    #[cfg(feature = "smol")]
    smol: SmolSlot,
}

impl Source for CurrentSource {
    type Slot = CurrentSlot;

    #[inline]
    fn slot(fresh: bool) -> CurrentSlot {
        CurrentSlot {
            #[cfg(feature = "tokio")]
            tokio: TokioSource::slot(fresh),
            #[cfg(feature = "smol")]
            smol: SmolSource::slot(fresh),
        }
    }

    #[inline]
    fn poll_io<R>(
        &self,
        slot: &mut CurrentSlot,
        cx: &mut Context<'_>,
        direction: Direction,
        op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>>,
    ) -> Poll<io::Result<R>> {
        match self {
            #[cfg(feature = "tokio")]
            Self::Tokio(source) => source.poll_io(&mut slot.tokio, cx, direction, op),
            #[cfg(feature = "smol")]
            Self::Smol(source) => source.poll_io(&mut slot.smol, cx, direction, op),
        }
    }

    async fn io<R: Send>(
        &self,
        direction: Direction,
        op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>> + Send,
    ) -> io::Result<R> {
        each!(self, source => source.io(direction, op).await)
    }

    fn into_fd(self) -> Option<OwnedFd> {
        each!(self, source => source.into_fd())
    }
}

impl AsFd for CurrentSource {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        each!(self, source => source.as_fd())
    }
}

/// See [`crate::run`].
pub(crate) fn run<F: Future>(future: F) -> io::Result<F::Output> {
    #[cfg(all(feature = "tokio", feature = "smol"))]
    {
        drop(future);
        let message = "two runtimes are compiled in, tokio and smol: say which by \
                       anynet::runtime::tokio::run or anynet::runtime::smol::run";
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
    #[cfg(all(feature = "tokio", not(feature = "smol")))]
    return anynet_tokio::run(future);
    #[cfg(all(feature = "smol", not(feature = "tokio")))]
    return anynet_smol::run(future);
}
