//! Taking over sockets that were made elsewhere, and giving them away again.

mod error;
mod found;
mod give;
mod standard;

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use anynet_core::Runtime;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::sockopt;

pub use error::{AdoptError, AdoptFault};
pub(crate) use found::{Addresses, Role};
pub use give::IntoFdError;
pub(crate) use give::{Handle, Refusal, give};
pub(crate) use standard::standard_conversions;

use crate::kind::Kind;

/// Checks that `fd` is a socket of the kind `K` in the part of `role`, makes it non-blocking, also to close, and
/// close-on-exec, and registers it. All checks come before any change. Where it fails the descriptor comes back as it was.
pub(crate) fn adopt<R: Runtime, K: Kind>(
    runtime: &R,
    fd: OwnedFd,
    role: Role,
) -> Result<(R::Source, Addresses<K::Address>), AdoptError> {
    let addresses = match found::check::<K>(&fd, role) {
        Ok(addresses) => addresses,
        Err((fault, found)) => return Err(AdoptError::new::<K>(role, fault, found, fd)),
    };
    match register(runtime, fd) {
        Ok(source) => Ok((source, addresses)),
        Err((error, fd)) => {
            let fault = AdoptFault::Failed(error.into());
            Err(AdoptError::new::<K>(role, fault, String::new(), fd))
        }
    }
}

/// Has `adopt` take `fd` over on the runtime that this code is on.
pub(crate) fn on_current<R: Runtime, K: Kind, S>(
    fd: OwnedFd,
    role: Role,
    adopt: impl FnOnce(R, OwnedFd) -> Result<S, AdoptError>,
) -> Result<S, AdoptError> {
    match R::current() {
        Ok(runtime) => adopt(runtime, fd),
        Err(error) => {
            let fault = AdoptFault::NoRuntime(error.into());
            Err(AdoptError::new::<K>(role, fault, String::new(), fd))
        }
    }
}

/// Makes `fd` fit for a runtime and has it watched. A reactor that fails closes what it was given, so that a duplicate is
/// kept until it has not.
fn register<R: Runtime>(runtime: &R, fd: OwnedFd) -> Result<R::Source, (io::Error, OwnedFd)> {
    let (mode, spare) = match prepare(&fd) {
        Ok(prepared) => prepared,
        Err(error) => return Err((error, fd)),
    };
    match runtime.register(fd) {
        Ok(source) => Ok(source),
        Err(error) => {
            mode.restore(&spare);
            Err((error, spare))
        }
    }
}

/// Makes `fd` non-blocking and close-on-exec. Says how it was before, and duplicates it.
fn prepare(fd: &OwnedFd) -> io::Result<(Mode, OwnedFd)> {
    let mode = Mode::of(fd)?;
    let spare = fd.try_clone()?;
    let prepared = fcntl_setfl(fd, mode.status | OFlags::NONBLOCK)
        .and_then(|()| fcntl_setfd(fd, mode.descriptor | FdFlags::CLOEXEC))
        .and_then(|()| {
            mode.linger
                .map_or(Ok(()), |_| sockopt::set_socket_linger(fd, None))
        });
    if let Err(errno) = prepared {
        mode.restore(fd);
        return Err(errno.into());
    }
    Ok((mode, spare))
}

/// What adoption changes: of the socket, which its duplicates share, and of the descriptor.
#[derive(Clone, Copy, Debug)]
struct Mode {
    status: OFlags,
    descriptor: FdFlags,
    /// How long a close would block for bytes that are on their way (`SO_LINGER`, socket(7)): also that of a non-blocking
    /// socket, and of what a listener accepts.
    linger: Option<Duration>,
}

impl Mode {
    fn of(fd: &OwnedFd) -> io::Result<Self> {
        Ok(Self {
            status: fcntl_getfl(fd)?,
            descriptor: fcntl_getfd(fd)?,
            linger: sockopt::socket_linger(fd)?.filter(|linger| !linger.is_zero()),
        })
    }

    fn restore(self, fd: &OwnedFd) {
        // What could be set a moment ago can be set back.
        let _ = fcntl_setfl(fd, self.status);
        let _ = fcntl_setfd(fd, self.descriptor);
        if self.linger.is_some() {
            let _ = sockopt::set_socket_linger(fd, self.linger);
        }
    }
}
