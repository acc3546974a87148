//! Waiting until a descriptor of any kind is ready.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anynet_core::{Direction, Runtime, Source, Step, WaitError, WaitPlace, Waited};
use rustix::fs::fstat;
use rustix::io::Errno;

use crate::{owned, socket};

/// Waits on the current runtime until `fd` can be read; see [`wait_readable_on`].
///
/// Without a current runtime it is [`WaitError::NoRuntime`].
pub fn wait_readable<R: Runtime>(fd: impl AsFd) -> Wait {
    Wait::on_current::<R>(fd.as_fd(), Direction::Read)
}

/// Waits on the current runtime until `fd` can be written; see [`wait_writable_on`].
///
/// Without a current runtime it is [`WaitError::NoRuntime`].
pub fn wait_writable<R: Runtime>(fd: impl AsFd) -> Wait {
    Wait::on_current::<R>(fd.as_fd(), Direction::Write)
}

/// Announces to the current runtime that `fd` is about to be closed; see [`notify_closing_on`].
///
/// # Errors
///
/// If there is no current runtime.
pub fn notify_closing<R: Runtime>(fd: impl AsFd) -> io::Result<()> {
    notify_closing_on(&R::current()?, fd);
    Ok(())
}

/// Waits on `runtime` until a read from `fd` makes progress: there is data, an end or an error.
///
/// For descriptors that are not sockets of anynet: pipes, eventfds, timerfds, inotify, sockets of another library, what a
/// C library asks to be watched. It says that a read was possible, and nothing is read: whoever else has the file may be
/// faster, so a read that must not block needs a non-blocking descriptor all the same.
///
/// The descriptor stays the caller's. Its blocking mode is left alone, and the wait is on a duplicate that goes with the
/// wait. So the future borrows nothing and the descriptor may be closed while it waits, preferably after
/// [`notify_closing_on`]; if nobody said so, the wait goes on and keeps the file open until it ends or is dropped.
///
/// **One wait for each direction** of a descriptor is possible at a time, on each runtime; from this call on it has its
/// place. Dropping the future gives the place up, and nothing is lost.
///
/// # Errors
///
/// What the future says: [`Busy`](WaitError::Busy) if there is a wait for this direction already, or if a socket of anynet
/// owns the descriptor; [`Closed`](WaitError::Closed) if it is closed; [`Unsupported`](WaitError::Unsupported) if it has no
/// readiness, as a regular file; and what the system refuses.
pub fn wait_readable_on<R: Runtime>(runtime: &R, fd: impl AsFd) -> Wait {
    Wait::on(runtime, fd.as_fd(), Direction::Read)
}

/// Waits on `runtime` until a write to `fd` makes progress: there is room, or an error. Otherwise as [`wait_readable_on`].
///
/// # Errors
///
/// As for [`wait_readable_on`].
pub fn wait_writable_on<R: Runtime>(runtime: &R, fd: impl AsFd) -> Wait {
    Wait::on(runtime, fd.as_fd(), Direction::Write)
}

/// Announces that `fd` is about to be closed: whoever waits for it on `runtime`, in either direction, wakes with
/// [`WaitError::Closed`]. When this returns nothing of anynet keeps the file open any more. It closes nothing itself, does
/// nothing if nobody waits, or if `fd` is closed already.
///
/// It does not keep anybody from waiting anew. So where several tasks use the descriptor, **mark it closed, then announce,
/// then close**, and have everybody look at the mark before they wait:
///
/// ```
/// use std::fs::File;
/// use std::sync::{Mutex, PoisonError};
///
/// use anynet_core::{Runtime, WaitError};
/// use anynet_sockets::{notify_closing_on, wait_readable_on};
///
/// /// A file that tasks share, until one of them closes it: then it is `None`, which is the mark.
/// struct Shared(Mutex<Option<File>>);
///
/// impl Shared {
///     async fn readable<R: Runtime>(&self, runtime: &R) -> Result<(), WaitError> {
///         let wait = match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
///             Some(file) => wait_readable_on(runtime, file), // in its place when this returns
///             None => return Err(WaitError::Closed),
///         };
///         wait.await
///     }
///
///     fn close<R: Runtime>(&self, runtime: &R) {
///         let file = self.0.lock().unwrap_or_else(PoisonError::into_inner).take(); // mark
///         if let Some(file) = file {
///             notify_closing_on(runtime, &file); // announce
///             drop(file); // close
///         }
///     }
/// }
/// ```
pub fn notify_closing_on<R: Runtime>(runtime: &R, fd: impl AsFd) {
    if let Ok(waited) = waited(fd.as_fd()) {
        runtime.waits().close(waited);
    }
}

/// A wait for the readiness of a descriptor: [`wait_readable_on`], [`wait_writable_on`].
///
/// Cancel-safe: dropping it frees the place for another.
#[derive(Debug)]
#[must_use = "the wait is over when this is dropped"]
pub struct Wait(State);

#[derive(Debug)]
enum State {
    Refused(WaitError),
    Waiting(WaitPlace),
    Over,
}

impl Wait {
    fn on_current<R: Runtime>(fd: BorrowedFd<'_>, direction: Direction) -> Self {
        match R::current() {
            Ok(runtime) => Self::on(&runtime, fd, direction),
            Err(error) => Self(State::Refused(WaitError::NoRuntime(error.into()))),
        }
    }

    fn on<R: Runtime>(runtime: &R, fd: BorrowedFd<'_>, direction: Direction) -> Self {
        Self(match begin(runtime, fd, direction) {
            Ok(place) => State::Waiting(place),
            Err(error) => State::Refused(error),
        })
    }
}

impl Future for Wait {
    type Output = Result<(), WaitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &mut self.0 {
            State::Waiting(place) => ready!(Pin::new(place).poll(cx)),
            State::Refused(error) => Err(error.clone()),
            State::Over => return Poll::Pending,
        };
        self.0 = State::Over; // also gives the place up
        Poll::Ready(result)
    }
}

/// Takes the place and begins the wait.
fn begin<R: Runtime>(runtime: &R, fd: BorrowedFd<'_>, direction: Direction) -> Result<WaitPlace, WaitError> {
    if owned::is_owned(fd) {
        return Err(WaitError::Busy);
    }
    let waited = waited(fd).map_err(|errno| refused(errno.into()))?;
    let mut place = runtime.waits().enter(waited, direction).ok_or(WaitError::Busy)?;
    // The reactor gets a duplicate, with a number of its own. By the original's it could not let go safely: whatever has
    // the number by then would no longer be watched, be it a socket of ours.
    let duplicate = fd.try_clone_to_owned().map_err(refused)?;
    let source = runtime.register(duplicate).map_err(not_watched)?;
    place.begin(Box::pin(async move {
        source
            .io(direction, |fd| socket::ready(fd, direction).map(Step::Done))
            .await
    }));
    Ok(place)
}

/// The number, and the file behind it.
fn waited(fd: BorrowedFd<'_>) -> Result<Waited, Errno> {
    let file = fstat(fd)?;
    Ok(Waited::new(fd.as_raw_fd(), file.st_dev, file.st_ino))
}

/// What it means that the system has no duplicate for us.
fn refused(error: io::Error) -> WaitError {
    match Errno::from_io_error(&error) {
        Some(Errno::BADF) => WaitError::Closed,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOSPC) => WaitError::Exhausted(error.into()),
        _ => WaitError::Broken(error.into()),
    }
}

/// What it means that the reactor does not watch our duplicate, which is open: `EBADF` says that it is a mere path
/// (`O_PATH`).
fn not_watched(error: io::Error) -> WaitError {
    match Errno::from_io_error(&error) {
        Some(Errno::PERM | Errno::BADF) => WaitError::Unsupported(error.into()),
        _ => refused(error),
    }
}
