//! How the errors print, and what they name as their source.

use std::error::Error as StdError;
use std::fmt;

use super::{
    AcceptError, BindError, ConnectError, Error, FailedAttempt, ReceiveError, ReceiveExactlyError, SendError,
    TimedOut, UnixAddressError, WaitError, fmt_with_causes,
};

/// Writes the `Display` of errors that write their own level by `fmt_own`.
macro_rules! display {
    ($($error:ty),* $(,)?) => {$(
        /// Its own level; with `{:#}` its causes too.
        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::error::fmt_with_causes(self, f, |f| self.fmt_own(f))
            }
        }
    )*};
}

pub(super) use display;

display!(
    ReceiveError,
    SendError,
    ReceiveExactlyError,
    AcceptError,
    FailedAttempt,
    ConnectError,
    BindError,
    UnixAddressError,
    WaitError
);

/// The cause of a failure that had only one attempt.
fn only_cause(attempts: &[FailedAttempt]) -> Option<&(dyn StdError + 'static)> {
    match attempts {
        [attempt] => Some(&attempt.cause),
        _ => None,
    }
}

/// The address that failed, or a list of addresses with their causes, after the name that they are of.
fn write_attempts(
    f: &mut fmt::Formatter<'_>,
    target: Option<&str>,
    attempts: &[FailedAttempt],
) -> fmt::Result {
    if let Some(target) = target {
        write!(f, "{target} at ")?;
    }
    match attempts {
        [attempt] => write!(f, "{}", attempt.address),
        many => {
            write!(f, "any of {} addresses", many.len())?;
            write_list(f, many)
        }
    }
}

/// ": 127.0.0.1:80: refused after 5ms, …". A time that ran out says how long it was.
fn write_list(f: &mut fmt::Formatter<'_>, attempts: &[FailedAttempt]) -> fmt::Result {
    for (index, attempt) in attempts.iter().enumerate() {
        let separator = if index == 0 { ':' } else { ',' };
        write!(f, "{separator} {}: {}", attempt.address, attempt.cause)?;
        if !attempt.took.is_zero() && !attempt.timed_out() {
            write!(f, " after {:?}", attempt.took)?;
        }
    }
    Ok(())
}

impl ReceiveError {
    fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndOfStream => "end of stream",
            Self::Closed => "the stream was closed on this side",
            Self::Broken(_) => "the connection is broken",
            Self::EmptyBuffer => "cannot receive into an empty buffer",
            Self::NoDescriptors => "cannot receive at most no descriptor",
            Self::Exhausted(_) => "the system has no memory to receive with",
            Self::Undelivered(_) => "an earlier datagram could not be delivered",
        })
    }
}

impl SendError {
    fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the stream was closed for sending on this side",
            Self::Broken(_) => "the connection is broken",
            Self::Exhausted(_) => "the system has no memory to send with",
            Self::NoData => "descriptors cannot be sent without a byte",
            Self::NoDescriptors => "there is no descriptor to send",
            Self::TooManyDescriptors => "more descriptors than one message can carry",
            Self::TooLong(_) => "the datagram is too long to be sent",
            Self::NotSent(_) => "the message was not sent",
        })
    }
}

impl ReceiveExactlyError {
    fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stream stopped after {} bytes", self.received)
    }
}

impl AcceptError {
    fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the listener was closed on this side",
            Self::Connection(_) => "a connection failed before it was accepted",
            Self::Exhausted(_) => "no descriptor or memory is left to accept with",
            Self::TurnedAway { clients, .. } => {
                return write!(
                    f,
                    "no descriptor or memory is left: clients turned away: {clients}"
                );
            }
            Self::Broken(_) => "the listener is broken",
        })
    }
}

impl FailedAttempt {
    fn timed_out(&self) -> bool {
        matches!(self.cause.get_ref(), Some(error) if error.is::<TimedOut>())
    }

    fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.address)
    }
}

impl ConnectError {
    fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime(_) => f.write_str("no runtime to connect on"),
            Self::Resolve(error) => error.fmt_own(f),
            Self::Failed { target, attempts } => {
                f.write_str("cannot connect to ")?;
                write_attempts(f, target.as_deref(), attempts)
            }
            Self::TimedOut {
                target,
                limit,
                attempts,
            } => {
                write!(f, "not connected to {target} within {limit:?}")?;
                match attempts.as_slice() {
                    [] => f.write_str(": its name was still being looked up"),
                    attempts => write_list(f, attempts),
                }
            }
        }
    }
}

impl BindError {
    fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime(_) => f.write_str("no runtime to bind on"),
            Self::Resolve(error) => error.fmt_own(f),
            Self::Failed { target, attempts } => {
                f.write_str("cannot bind ")?;
                write_attempts(f, target.as_deref(), attempts)
            }
        }
    }
}

impl UnixAddressError {
    fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { text, reason } => write!(f, "malformed UNIX address {text:?}: {reason}"),
            Self::EmptyPath => f.write_str("an empty path is no UNIX address"),
            Self::Nul { text } => write!(f, "the path of a UNIX socket contains NUL: {text}"),
            Self::TooLong { text, length, limit } => {
                write!(
                    f,
                    "a UNIX address has at most {limit} bytes, not {length}: {text}"
                )
            }
            Self::NoAbstractNames { text } => write!(f, "this system has no abstract names: {text}"),
        }
    }
}

impl WaitError {
    fn fmt_own(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRuntime(_) => "no runtime to wait on",
            Self::Busy => "another task waits for the descriptor, or a socket owns it",
            Self::Closed => "the descriptor was closed",
            Self::Unsupported(_) => "the system has no readiness for this kind of descriptor",
            Self::Exhausted(_) => "no descriptor or memory is left to wait with",
            Self::Broken(_) => "the wait for readiness failed",
        })
    }
}

/// Which one it is, and what it prints with its causes, for that is what a `main` that fails shows; with `{:#?}` its fields.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, error): (_, &dyn fmt::Debug) = match self {
            Self::Receive(error) => ("Receive", error),
            Self::ReceiveExactly(error) => ("ReceiveExactly", error),
            Self::Send(error) => ("Send", error),
            Self::Accept(error) => ("Accept", error),
            Self::Connect(error) => ("Connect", error),
            Self::Bind(error) => ("Bind", error),
            Self::Resolve(error) => ("Resolve", error),
            Self::UnixAddress(error) => ("UnixAddress", error),
            Self::Wait(error) => ("Wait", error),
            Self::TimedOut(error) => ("TimedOut", error),
            Self::Io(error) => ("Io", error),
            Self::Other(error) => ("Other", error),
        };
        if f.alternate() {
            f.debug_tuple(name).field(error).finish()
        } else {
            write!(f, "{name}({self:#})")
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receive(error) => error.fmt(f),
            Self::ReceiveExactly(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::Accept(error) => error.fmt(f),
            Self::Connect(error) => error.fmt(f),
            Self::Bind(error) => error.fmt(f),
            Self::Resolve(error) => error.fmt(f),
            Self::UnixAddress(error) => error.fmt(f),
            Self::Wait(error) => error.fmt(f),
            Self::TimedOut(error) => error.fmt(f),
            Self::Io(error) => fmt_with_causes(error, f, |f| write!(f, "{error}")),
            Self::Other(error) => fmt_with_causes(&**error, f, |f| write!(f, "{error}")),
        }
    }
}

impl StdError for ReceiveError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Broken(cause) | Self::Exhausted(cause) | Self::Undelivered(cause) => Some(cause),
            Self::EndOfStream | Self::Closed | Self::EmptyBuffer | Self::NoDescriptors => None,
        }
    }
}

impl StdError for SendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Broken(cause) | Self::Exhausted(cause) | Self::TooLong(cause) | Self::NotSent(cause) => {
                Some(cause)
            }
            Self::Closed | Self::NoData | Self::NoDescriptors | Self::TooManyDescriptors => None,
        }
    }
}

impl StdError for ReceiveExactlyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.reason)
    }
}

impl StdError for AcceptError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Connection(cause)
            | Self::Exhausted(cause)
            | Self::TurnedAway { cause, .. }
            | Self::Broken(cause) => Some(cause),
            Self::Closed => None,
        }
    }
}

impl StdError for FailedAttempt {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.cause)
    }
}

impl StdError for ConnectError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoRuntime(cause) => Some(cause),
            Self::Resolve(error) => error.source(),
            Self::Failed { attempts, .. } => only_cause(attempts),
            Self::TimedOut { .. } => None,
        }
    }
}

impl StdError for BindError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoRuntime(cause) => Some(cause),
            Self::Resolve(error) => error.source(),
            Self::Failed { attempts, .. } => only_cause(attempts),
        }
    }
}

impl StdError for UnixAddressError {}

impl StdError for WaitError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoRuntime(cause)
            | Self::Unsupported(cause)
            | Self::Exhausted(cause)
            | Self::Broken(cause) => Some(cause),
            Self::Busy | Self::Closed => None,
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Receive(error) => error.source(),
            Self::ReceiveExactly(error) => error.source(),
            Self::Send(error) => error.source(),
            Self::Accept(error) => error.source(),
            Self::Connect(error) => error.source(),
            Self::Bind(error) => error.source(),
            Self::Resolve(error) => error.source(),
            Self::UnixAddress(error) => error.source(),
            Self::Wait(error) => error.source(),
            Self::TimedOut(error) => error.source(),
            Self::Io(error) => error.source(),
            Self::Other(error) => error.source(),
        }
    }
}
