//! Any runtime as one type: the seam, erased.

use std::any::Any;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::executor::executor_inside;
use super::{BoxExecutor, BoxFuture};
use crate::{Direction, Runtime, Source, Step, Waits};

/// Any [`Runtime`] as one type. Sockets on it cost one dynamic call per poll more, and no allocation per operation.
#[derive(Clone)]
pub struct BoxRuntime {
    runtime: Arc<dyn DynRuntime>,
    executor: BoxExecutor,
}

impl BoxRuntime {
    /// Erases the type of `runtime`.
    pub fn new<R: Runtime>(runtime: R) -> Self {
        Self {
            executor: BoxExecutor::new(runtime.clone()),
            runtime: Arc::new(runtime),
        }
    }
}

executor_inside!(BoxRuntime);

impl Runtime for BoxRuntime {
    type Source = BoxSource;

    fn name(&self) -> &'static str {
        self.runtime.name_dyn()
    }

    /// Always an error: the type does not say which runtime to look for.
    fn current() -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "a boxed runtime is made from another one",
        ))
    }

    fn register(&self, fd: OwnedFd) -> io::Result<BoxSource> {
        self.runtime.register_dyn(fd).map(BoxSource)
    }

    fn waits(&self) -> Waits {
        self.runtime.waits_dyn()
    }
}

impl fmt::Debug for BoxRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.executor.fmt(f)
    }
}

/// A descriptor that is registered with a [`BoxRuntime`].
pub struct BoxSource(Box<dyn DynSource>);

/// A slot of a [`BoxSource`]. Its contents are made at its first poll, when the source is known.
#[derive(Debug)]
pub struct BoxSlot {
    fresh: bool,
    inner: Option<Box<dyn DynSlot>>,
}

impl Source for BoxSource {
    type Slot = BoxSlot;

    fn slot(fresh: bool) -> BoxSlot {
        BoxSlot { fresh, inner: None }
    }

    fn poll_io<R>(
        &self,
        slot: &mut BoxSlot,
        cx: &mut Context<'_>,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>>,
    ) -> Poll<io::Result<R>> {
        let inner = slot.inner.get_or_insert_with(|| self.0.slot_dyn(slot.fresh));
        let mut output = None;
        ready!(
            self.0
                .poll_io_dyn(&mut **inner, cx, direction, &mut |fd| keep(op(fd)?, &mut output))
        )?;
        Poll::Ready(kept(output))
    }

    async fn io<R: Send>(
        &self,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>> + Send,
    ) -> io::Result<R> {
        let mut output = None;
        self.0
            .io_dyn(direction, &mut |fd| keep(op(fd)?, &mut output))
            .await?;
        kept(output)
    }

    fn into_fd(self) -> Option<OwnedFd> {
        self.0.into_fd_dyn()
    }
}

impl AsFd for BoxSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl fmt::Debug for BoxSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Puts what an operation gave into `output`, since the erased call cannot return it.
fn keep<R>(step: Step<R>, output: &mut Option<R>) -> io::Result<Step<()>> {
    let (value, step) = match step {
        Step::Done(value) => (value, Step::Done(())),
        Step::Drained(value) => (value, Step::Drained(())),
    };
    *output = Some(value);
    Ok(step)
}

/// Takes it out again. A source that reports success without a successful operation breaks the contract of the seam.
fn kept<R>(output: Option<R>) -> io::Result<R> {
    output.ok_or_else(|| io::Error::other("the runtime reported an operation that it did not run"))
}

type DynOp<'a> = dyn FnMut(BorrowedFd<'_>) -> io::Result<Step<()>> + 'a;
type DynSendOp<'a> = dyn FnMut(BorrowedFd<'_>) -> io::Result<Step<()>> + Send + 'a;

trait DynRuntime: Send + Sync {
    fn name_dyn(&self) -> &'static str;
    fn register_dyn(&self, fd: OwnedFd) -> io::Result<Box<dyn DynSource>>;
    fn waits_dyn(&self) -> Waits;
}

impl<R: Runtime> DynRuntime for R {
    fn name_dyn(&self) -> &'static str {
        self.name()
    }

    fn register_dyn(&self, fd: OwnedFd) -> io::Result<Box<dyn DynSource>> {
        Ok(Box::new(self.register(fd)?))
    }

    fn waits_dyn(&self) -> Waits {
        self.waits()
    }
}

trait DynSlot: Any + fmt::Debug + Send + Sync {}

impl<T: Any + fmt::Debug + Send + Sync> DynSlot for T {}

trait DynSource: AsFd + fmt::Debug + Send + Sync {
    fn slot_dyn(&self, fresh: bool) -> Box<dyn DynSlot>;
    fn poll_io_dyn(
        &self,
        slot: &mut dyn DynSlot,
        cx: &mut Context<'_>,
        direction: Direction,
        op: &mut DynOp<'_>,
    ) -> Poll<io::Result<()>>;
    fn io_dyn<'a>(&'a self, direction: Direction, op: &'a mut DynSendOp<'_>)
    -> BoxFuture<'a, io::Result<()>>;
    fn into_fd_dyn(self: Box<Self>) -> Option<OwnedFd>;
}

impl<S: Source> DynSource for S {
    fn slot_dyn(&self, fresh: bool) -> Box<dyn DynSlot> {
        Box::new(S::slot(fresh))
    }

    fn poll_io_dyn(
        &self,
        slot: &mut dyn DynSlot,
        cx: &mut Context<'_>,
        direction: Direction,
        op: &mut DynOp<'_>,
    ) -> Poll<io::Result<()>> {
        let slot: &mut dyn Any = slot;
        match slot.downcast_mut::<S::Slot>() {
            Some(slot) => self.poll_io(slot, cx, direction, op),
            None => Poll::Ready(Err(io::Error::other(
                "a slot was used with a source of another runtime",
            ))),
        }
    }

    fn io_dyn<'a>(
        &'a self,
        direction: Direction,
        op: &'a mut DynSendOp<'_>,
    ) -> BoxFuture<'a, io::Result<()>> {
        Box::pin(self.io(direction, op))
    }

    fn into_fd_dyn(self: Box<Self>) -> Option<OwnedFd> {
        (*self).into_fd()
    }
}
