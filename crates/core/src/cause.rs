//! Why something failed, in a form that can be told again and again.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

/// Why an operation failed: an [`io::Error`] that can be cloned.
///
/// A stream that broke answers every later call with the same cause, and both of its halves do, so the cause must be
/// clonable; [`io::Error`] is not. Among the sources of an error it stands in the place of the `io::Error`: who looks for the
/// system's error there downcasts to this.
///
/// ```
/// use anynet_core::Cause;
/// use std::io;
///
/// let cause = Cause::from(io::Error::from_raw_os_error(104));
/// assert_eq!(cause.kind(), io::ErrorKind::ConnectionReset);
/// assert_eq!(io::Error::from(cause.clone()).raw_os_error(), Some(104));
/// ```
#[derive(Clone)]
pub struct Cause(Arc<io::Error>); // one word, so that a receive's result is no larger than `io::Result<usize>`

impl Cause {
    /// The cause's [`io::ErrorKind`].
    pub fn kind(&self) -> io::ErrorKind {
        self.0.kind()
    }

    /// The operating system's error number (`errno`), if the cause came from there.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.0.raw_os_error()
    }

    /// The error inside, as [`io::Error::get_ref`] gives it, to be downcast: an `OptionError` of the sockets, say.
    pub fn get_ref(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.get_ref()
    }
}

impl From<io::Error> for Cause {
    fn from(error: io::Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<io::ErrorKind> for Cause {
    fn from(kind: io::ErrorKind) -> Self {
        io::Error::from(kind).into()
    }
}

impl From<Cause> for io::Error {
    fn from(cause: Cause) -> Self {
        if let Some(errno) = cause.raw_os_error() {
            return Self::from_raw_os_error(errno);
        }
        match Arc::try_unwrap(cause.0) {
            Ok(error) => error,
            Err(shared) => Self::new(shared.kind(), Cause(shared)),
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{TimeLimit, TimedOut};

    #[test]
    fn an_os_error_comes_back_as_the_same_number() {
        let cause = Cause::from(io::Error::from_raw_os_error(32));
        assert_eq!(cause.raw_os_error(), Some(32));
        assert_eq!(io::Error::from(cause.clone()).raw_os_error(), Some(32));
        assert_eq!(io::Error::from(cause).kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn any_other_error_keeps_its_kind_its_text_and_its_payload() {
        let cause = Cause::from(io::Error::new(io::ErrorKind::InvalidData, "not today"));
        let kept = cause.clone();
        for error in [io::Error::from(cause), io::Error::from(kept)] {
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_eq!(error.to_string(), "not today");
        }
    }

    #[test]
    fn the_error_inside_can_be_downcast() {
        const TIMED_OUT: TimedOut = TimedOut::new(TimeLimit::Deadline, Duration::ZERO);
        let cause = Cause::from(io::Error::other(TIMED_OUT));
        let inside = cause.get_ref().and_then(|error| error.downcast_ref());
        assert_eq!(inside, Some(&TIMED_OUT));
        assert!(Cause::from(io::ErrorKind::TimedOut).get_ref().is_none());
    }
}
