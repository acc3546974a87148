//! The descriptor of a raw socket: who uses it, how an operation waits, how it is closed.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use anynet_core::{Cause, Direction, Latch, Runtime, Source, Step};
use anynet_util::Waiters;

use super::SocketError;
use crate::owned::Owned;

/// How many operations may succeed before the reactor watches the socket all the same: by its ways a socket that is always
/// ready lets other tasks run.
const READY_CALLS: u32 = 64;

/// A descriptor that any number of tasks use, and any of them may close.
#[derive(Debug)]
pub(super) struct Descriptor<R: Runtime> {
    runtime: R,
    state: RwLock<State<R>>,
    latch: Latch,
    waiters: Waiters,
    /// Operations that succeeded before the reactor watched the socket.
    ready_calls: AtomicU32,
}

/// The lock is held for system calls that do not wait, never across an await: what waits shares the source.
#[derive(Debug)]
enum State<R: Runtime> {
    /// Not watched yet. A socket that is neither connected nor listening counts as hung up, and a reactor that has once
    /// seen that finds it ready for ever. So the first operation that would wait makes it watched.
    Idle(Owned, OwnedFd),
    Watched(Arc<Watched<R>>),
    /// Closed or detached; or, with a cause, lost to a reactor that did not take it.
    Gone(Option<Cause>),
}

/// A descriptor that the reactor watches. The note goes before it.
#[derive(Debug)]
struct Watched<R: Runtime> {
    owned: Owned,
    source: R::Source,
}

impl<R: Runtime> Watched<R> {
    fn new(source: R::Source) -> Self {
        let owned = Owned::note(&source);
        Self { owned, source }
    }

    fn into_fd(self) -> Option<OwnedFd> {
        drop(self.owned);
        self.source.into_fd()
    }
}

impl<R: Runtime> State<R> {
    fn fd(&self) -> Result<BorrowedFd<'_>, SocketError> {
        match self {
            Self::Idle(_, fd) => Ok(fd.as_fd()),
            Self::Watched(watched) => Ok(watched.source.as_fd()),
            Self::Gone(None) => Err(SocketError::Closed),
            Self::Gone(Some(cause)) => Err(SocketError::System(cause.clone())),
        }
    }
}

impl<R: Runtime> Descriptor<R> {
    pub(super) fn new(runtime: R, fd: OwnedFd) -> Self {
        Self {
            runtime,
            state: RwLock::new(State::Idle(Owned::note(&fd), fd)),
            latch: Latch::new(),
            waiters: Waiters::new(),
            ready_calls: AtomicU32::new(0),
        }
    }

    pub(super) fn runtime(&self) -> &R {
        &self.runtime
    }

    /// Lends the descriptor for a call that does not wait.
    pub(super) fn with<T>(&self, f: impl FnOnce(BorrowedFd<'_>) -> T) -> Result<T, SocketError> {
        Ok(f(self.read().fd()?))
    }

    /// Runs `op` until it does not say "would block", waiting for `direction` in between; or until the socket is closed.
    ///
    /// Cancel-safe as long as `op` does nothing when it says so.
    pub(super) async fn io<T: Send>(
        &self,
        direction: Direction,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T> + Send,
    ) -> Result<T, SocketError> {
        if let Some(result) = self.attempt(&mut op)? {
            return Ok(result?);
        }
        let watched = self.watched()?;
        let io = watched.source.io(direction, |fd| op(fd).map(Step::Done));
        self.unless_closed(io).await
    }

    /// As [`io`](Self::io), for an `op` that says "would block" while a read of another kind would not. To a reactor that means
    /// that there is nothing to read, and who reads in the other way would wait for ever; so this waits by a duplicate.
    pub(super) async fn io_apart<T: Send>(
        &self,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T> + Send,
    ) -> Result<T, SocketError> {
        match self.with(&mut op)? {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Ok(result?),
        }
        let duplicate = self.with(|fd| fd.try_clone_to_owned())??;
        let source = self.runtime.register(duplicate)?;
        let io = source.io(Direction::Read, |fd| op(fd).map(Step::Done));
        self.unless_closed(io).await
    }

    /// Awaits `io`, or the close.
    async fn unless_closed<T>(&self, io: impl Future<Output = io::Result<T>>) -> Result<T, SocketError> {
        match self.waiters.unless(|| self.latch.is_closed(), io).await {
            Some(result) => Ok(result?),
            None => Err(SocketError::Closed),
        }
    }

    /// Tries `op` if the reactor does not watch the descriptor yet. `None`: it is time that it does.
    fn attempt<T>(
        &self,
        op: &mut impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> Result<Option<io::Result<T>>, SocketError> {
        let state = self.read();
        let fd = match &*state {
            State::Watched(_) => return Ok(None),
            state => state.fd()?,
        };
        match op(fd) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Ok(output) => {
                if self.ready_calls.fetch_add(1, Ordering::Relaxed) >= READY_CALLS {
                    drop(state);
                    let _ = self.watched(); // what is wrong with it, the next operation is told
                }
                Ok(Some(Ok(output)))
            }
            failed => Ok(Some(failed)),
        }
    }

    /// What waits for the descriptor.
    fn watched(&self) -> Result<Arc<Watched<R>>, SocketError> {
        if let State::Watched(watched) = &*self.read() {
            return Ok(watched.clone());
        }
        let mut state = self.write();
        match mem::replace(&mut *state, State::Gone(None)) {
            State::Idle(owned, fd) => {
                drop(owned); // a reactor that fails closes the descriptor
                *state = match self.runtime.register(fd) {
                    Ok(source) => State::Watched(Arc::new(Watched::new(source))),
                    Err(error) => State::Gone(Some(error.into())),
                };
            }
            other => *state = other,
        }
        match &*state {
            State::Watched(watched) => Ok(watched.clone()),
            other => Err(other.fd().err().unwrap_or(SocketError::Closed)),
        }
    }

    /// Has the reactor stop watching, unless somebody else waits: after a connect failed the socket counts as hung up, and
    /// it may be connected again.
    pub(super) fn unwatch(&self) {
        let mut state = self.write();
        if let State::Watched(watched) = &mut *state
            && Arc::get_mut(watched).is_some()
            && let State::Watched(watched) = mem::replace(&mut *state, State::Gone(None))
            && let Some(watched) = Arc::into_inner(watched)
        {
            *state = match watched.into_fd() {
                Some(fd) => State::Idle(Owned::note(&fd), fd),
                None => State::Gone(Some(io::ErrorKind::Other.into())),
            };
        }
    }

    /// Closes the descriptor, once nobody waits any more, and wakes who does.
    pub(super) fn close(&self) {
        let state = mem::replace(&mut *self.write(), State::Gone(None));
        self.ring();
        drop(state);
    }

    /// Gives the descriptor up, unless it is gone already, and wakes who waits: the descriptor itself if nobody does, a
    /// duplicate otherwise.
    pub(super) fn detach(&self) -> Result<Option<OwnedFd>, SocketError> {
        let mut state = self.write();
        let fd = match mem::replace(&mut *state, State::Gone(None)) {
            State::Gone(_) => return Ok(None),
            State::Idle(_, fd) => fd,
            State::Watched(watched) => match Arc::try_unwrap(watched) {
                Ok(watched) => {
                    let lost = || io::Error::other("the runtime did not give the descriptor back");
                    watched.into_fd().ok_or_else(lost)?
                }
                Err(watched) => match watched.source.as_fd().try_clone_to_owned() {
                    Ok(duplicate) => duplicate,
                    Err(error) => {
                        *state = State::Watched(watched);
                        return Err(error.into());
                    }
                },
            },
        };
        drop(state);
        self.ring();
        Ok(Some(fd))
    }

    /// Wakes everybody who waits, to find the socket closed. A waker may run its task here and now, so nothing is locked.
    fn ring(&self) {
        self.latch.close();
        self.waiters.wake();
    }

    fn read(&self) -> RwLockReadGuard<'_, State<R>> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State<R>> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}
