//! The seam: what a runtime gives, and all that it has to give.
//!
//! A backend implements [`Executor`], [`Runtime`] and [`Source`] and gets every socket of `anynet-sockets` for nothing.
//! A network that is not made of descriptors implements only [`Executor`], and [`Network`](crate::Network) beside it.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::Waits;

/// A spawned task, awaited for its output.
///
/// * **Dropping** it cancels the task, soon: its destructors need not have run when the drop returns.
/// * A **panic** inside it resumes in whoever awaits it.
/// * If its **executor is gone** it never completes.
pub trait Task<T>: Future<Output = T> + Send + Unpin + 'static {
    /// Lets the task run to its end without this handle.
    fn detach(self);
}

/// Time and tasks: what policy (serving, deadlines, racing of addresses) needs.
///
/// A simulated network supplies its own, so that its clock is the one that deadlines go by.
pub trait Executor: Clone + fmt::Debug + Send + Sync + 'static {
    /// A task that [`spawn`](Self::spawn) started.
    type Task<T: Send + 'static>: Task<T>;
    /// What [`sleep`](Self::sleep) returns. Dropping it cancels the sleep.
    type Sleep: Future<Output = ()> + Send + Unpin + 'static;

    /// The executor's clock: the one that [`sleep`](Self::sleep) goes by, so a paused clock stands still here too.
    fn now(&self) -> Instant;

    /// Waits for `duration`, from this call on. A duration too long for the clock waits for ever. On an executor that is
    /// gone the wait still ends, at its time or, where the clock is gone too, at once: a deadline there is not a hang.
    ///
    /// # Panics
    ///
    /// Some runtimes panic when the sleep is made while they have no timer; nothing can be asked beforehand. The backend's
    /// documentation says so.
    fn sleep(&self, duration: Duration) -> Self::Sleep;

    /// Runs `future` as a task of its own.
    fn spawn<F>(&self, future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send;
}

/// An executor with a reactor: tokio, smol, yours.
pub trait Runtime: Executor {
    /// One registered descriptor.
    type Source: Source;

    /// The runtime's name, in lower case. For people: nothing may depend on it.
    fn name(&self) -> &'static str;

    /// The runtime that this code runs on.
    ///
    /// # Errors
    ///
    /// If there is none. Never a panic.
    fn current() -> io::Result<Self>;

    /// Watches `fd`, which is close-on-exec already, until the source is dropped.
    ///
    /// A socket is non-blocking already too. What somebody [waits](Self::waits) for is a duplicate of a descriptor that is
    /// not ours and may be blocking. It must stay so: a duplicate shares its mode with the original.
    ///
    /// # Errors
    ///
    /// What the reactor says; that the runtime was shut down is one such error. The descriptor is closed then.
    fn register(&self, fd: OwnedFd) -> io::Result<Self::Source>;

    /// Who waits, on this runtime, for descriptors that are not ours. One table for each runtime: all values that stand for
    /// it answer with the same, whenever they were made.
    fn waits(&self) -> Waits;
}

/// What a descriptor is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a descriptor has these two directions")]
pub enum Direction {
    /// Until a read makes progress: data, an end, an error, a connection to accept.
    Read,
    /// Until a write makes progress: room, an error.
    Write,
}

/// What an operation on a descriptor gave, and what that proves about readiness.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "an operation proves that the buffer is empty, or it does not"
)]
pub enum Step<R> {
    /// It is done; the descriptor may be ready still.
    Done(R),
    /// It is done and saw the kernel's buffer empty (for a write: full), so the next one waits without trying. Only
    /// where a short call proves it: on TCP, not on UNIX streams (a message that carries descriptors stops a read
    /// early) and not on datagrams.
    Drained(R),
}

impl<R> Step<R> {
    /// What the operation gave.
    pub fn into_output(self) -> R {
        match self {
            Self::Done(output) | Self::Drained(output) => output,
        }
    }
}

/// One registered descriptor: runs operations on it when it is ready.
///
/// `op` is a system call on the non-blocking descriptor. When it says [`WouldBlock`](io::ErrorKind::WouldBlock) the
/// source waits for readiness and calls it again; any other result is passed on. The backend decides whether to call first
/// or to wait for readiness first.
///
/// An operation that was waiting when the runtime is shut down ends with an error as long as somebody polls it, and so does
/// every later one. That error has no number of the system's ([`io::Error::raw_os_error`]).
pub trait Source: AsFd + fmt::Debug + Send + Sync + Unpin + 'static {
    /// What one handle keeps between its polls, for one direction for life.
    type Slot: fmt::Debug + Send + Sync + Unpin;

    /// An empty slot. `fresh`: the descriptor was just accepted, so it may be ready before the reactor has said so.
    fn slot(fresh: bool) -> Self::Slot;

    /// Runs `op` when the descriptor is ready for `direction`, else wakes the task of `cx` when it is.
    ///
    /// For streams and their halves: at most one slot per direction waits at a time, since some reactors keep one waker
    /// per direction. Returns [`Poll::Pending`] now and then although the descriptor is ready, having woken the task, so
    /// that a busy descriptor does not starve its executor.
    fn poll_io<R>(
        &self,
        slot: &mut Self::Slot,
        cx: &mut Context<'_>,
        direction: Direction,
        op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>>,
    ) -> Poll<io::Result<R>>;

    /// As [`poll_io`](Self::poll_io), as a future that any number of tasks may await at once: listeners, datagrams.
    ///
    /// Cancel-safe: when it is dropped before it is ready, `op` has done nothing that is lost.
    fn io<R: Send>(
        &self,
        direction: Direction,
        op: impl FnMut(BorrowedFd<'_>) -> io::Result<Step<R>> + Send,
    ) -> impl Future<Output = io::Result<R>> + Send;

    /// Stops watching and gives the descriptor back, non-blocking as it is. `None` if a slot still holds on to it.
    fn into_fd(self) -> Option<OwnedFd>;
}
