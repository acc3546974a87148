//! Why an option was not read or set.

use std::error::Error;
use std::fmt;
use std::io;

use rustix::io::Errno;

/// Why a socket option could not be read or set, and which it was.
///
/// It is inside the [`io::Error`] that [`get`](super::get), [`set`](super::set) and the methods of sockets return
/// ([`io::Error::downcast`], [`io::Error::get_ref`]). The kind of that error is
///
/// * [`Unsupported`](io::ErrorKind::Unsupported) if the platform or the kind of socket lacks the option (`ENOPROTOOPT`,
///   `EOPNOTSUPP`),
/// * [`PermissionDenied`](io::ErrorKind::PermissionDenied) if the process may not set it,
/// * [`InvalidInput`](io::ErrorKind::InvalidInput) if the value is out of range, or it is too late to set it,
/// * else the kind of the [cause](Self::cause).
#[derive(Debug)]
pub struct OptionError {
    name: &'static str,
    action: &'static str,
    cause: io::Error,
}

impl OptionError {
    pub(super) fn reading(name: &'static str, cause: io::Error) -> io::Error {
        Self::wrap(name, "read", cause)
    }

    pub(super) fn setting(name: &'static str, cause: io::Error) -> io::Error {
        Self::wrap(name, "set", cause)
    }

    fn wrap(name: &'static str, action: &'static str, cause: io::Error) -> io::Error {
        let kind = kind(&cause);
        io::Error::new(kind, Self { name, action, cause })
    }

    /// The option: its [`NAME`](super::SocketOption::NAME).
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What the system said, with its error number; or what is wrong, where it was not asked.
    pub fn cause(&self) -> &io::Error {
        &self.cause
    }
}

/// The kind of an error about an option. The standard library has none for `ENOPROTOOPT`.
fn kind(cause: &io::Error) -> io::ErrorKind {
    match Errno::from_io_error(cause) {
        Some(Errno::NOPROTOOPT | Errno::OPNOTSUPP) => io::ErrorKind::Unsupported,
        _ => cause.kind(),
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} the socket option {}", self.action, self.name)
    }
}

impl Error for OptionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}
