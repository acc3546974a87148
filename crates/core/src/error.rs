//! The errors, one type per operation.
//!
//! Each prints only its own level, in lower case, and leaves the rest to [`source`](std::error::Error::source); with `{:#}`
//! it prints its causes too, in one line. Each becomes an [`io::Error`] that keeps the cause, and [`Error`] gathers them all
//! for `?`.

mod causes;
mod convert;
mod display;
mod resolve;
#[cfg(test)]
mod tests;
mod timed_out;
mod unix_address;

pub use causes::fmt_with_causes;
pub use resolve::{ResolveError, ResolverError};
pub use timed_out::{TimeLimit, TimedOut};
pub use unix_address::UnixAddressError;

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use crate::{Address, Cause};

/// A result with anynet's gathering [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why nothing was received.
///
/// `EndOfStream`, `Closed` and `Broken` are final: every later receive says the same (`Closed` also replaces the others
/// once our side has closed). `EmptyBuffer`, `NoDescriptors`, `Exhausted` and `Undelivered` leave the stream or the
/// socket as it was.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The peer finished in order, and everything that it sent has been received. Sending may go on.
    EndOfStream,
    /// Our side closed the stream, here or through a [`Closer`](crate::Closer).
    Closed,
    /// The transport failed; what had arrived before was received first.
    Broken(Cause),
    /// The buffer given has no room, so nothing could ever be received into it. The caller's mistake.
    EmptyBuffer,
    /// A receive of descriptors was to receive none. The caller's mistake.
    NoDescriptors,
    /// The system had no memory for this call (`ENOBUFS`, `ENOMEM`). It can be repeated.
    Exhausted(Cause),
    /// Datagrams only: one that was sent earlier could not be delivered, as a router or the peer's system has told
    /// (`ECONNREFUSED` where nobody has the port: udp(7)). Said once.
    Undelivered(Cause),
}

/// Why nothing, or not everything, was sent. There is no `EndOfStream` here: the peer's end does not concern sending.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SendError {
    /// Our side closed the stream, or sent the end with `send_eof`. Final.
    Closed,
    /// The transport failed. Final: every later send says the same.
    Broken(Cause),
    /// The system had no memory for this call (`ENOBUFS`, `ENOMEM`), or too many descriptors are on their way
    /// (`ETOOMANYREFS`). It can be repeated.
    Exhausted(Cause),
    /// Descriptors only: a stream carries them with its bytes, and was given no byte. The caller's mistake.
    NoData,
    /// Descriptors only: none was given. The caller's mistake.
    NoDescriptors,
    /// Descriptors only: more were given than one message can carry. Nothing was sent. The caller's mistake.
    TooManyDescriptors,
    /// Datagrams only: this one is longer than the socket can send in one piece (`EMSGSIZE`). Nothing was sent.
    TooLong(Cause),
    /// Datagrams and descriptors only: this one was not sent, and says nothing of the next: there is no way to its address,
    /// nobody is there, it is not permitted, an earlier one came back undelivered, or a descriptor is of a kind that cannot
    /// be sent. The kind of the cause tells which.
    NotSent(Cause),
}

/// Why [`receive_exactly`](crate::ByteReceiveStreamExt::receive_exactly) did not fill its buffer.
///
/// What did arrive is in the front of the buffer: nothing is lost.
#[derive(Clone, Debug)]
pub struct ReceiveExactlyError {
    received: usize,
    reason: ReceiveError,
}

impl ReceiveExactlyError {
    pub(crate) fn new(received: usize, reason: ReceiveError) -> Self {
        Self { received, reason }
    }

    /// How many bytes are in the front of the buffer.
    pub fn received(&self) -> usize {
        self.received
    }

    /// What kept the rest from coming. `EndOfStream` with nothing [received](Self::received) is an end in order.
    pub fn reason(&self) -> &ReceiveError {
        &self.reason
    }
}

/// Why no connection was accepted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AcceptError {
    /// Our side closed the listener. Final.
    Closed,
    /// This one connection failed before it was taken (`ECONNABORTED`, `EPROTO`, `EPERM` and the network errors of
    /// accept(2)). The listener is well: accept again at once.
    Connection(Cause),
    /// Descriptors or memory ran out (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`). The connection waits in the queue, so
    /// accepting at once would fail again: wait first, as `serve` does.
    Exhausted(Cause),
    /// Descriptors or memory ran out, and so many clients that waited were told by a close. The listener is well: accept
    /// again at once.
    TurnedAway {
        /// How many clients; at least one.
        clients: usize,
        /// What ran out.
        cause: Cause,
    },
    /// The listener failed, or its runtime was shut down. Final.
    Broken(Cause),
}

/// One address that was tried, and what came of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FailedAttempt {
    /// The address.
    pub address: Address,
    /// Why it failed.
    pub cause: Cause,
    /// How long that took, by the clock of the executor. Zero where nobody took the time.
    pub took: Duration,
}

impl FailedAttempt {
    /// An attempt at `address` that failed at once.
    pub fn new(address: impl Into<Address>, cause: impl Into<Cause>) -> Self {
        Self {
            address: address.into(),
            cause: cause.into(),
            took: Duration::ZERO,
        }
    }

    /// The same, after `took`.
    #[must_use]
    pub fn after(self, took: Duration) -> Self {
        Self { took, ..self }
    }
}

/// Why no connection was made.
///
/// ```
/// use anynet_core::ConnectError;
/// use std::io::{self, ErrorKind};
/// use std::net::SocketAddr;
///
/// fn advice(error: &ConnectError) -> &'static str {
///     match error {
///         ConnectError::Resolve(_) => "is the name right?",
///         ConnectError::TimedOut { .. } => "is there a firewall in between?",
///         _ if error.kind() == ErrorKind::ConnectionRefused => "is the server running?",
///         _ => "is the network up?",
///     }
/// }
///
/// let address = SocketAddr::from(([192, 0, 2, 1], 80));
/// let error = ConnectError::failed(address, io::Error::from(ErrorKind::ConnectionRefused));
/// assert_eq!(advice(&error), "is the server running?");
/// for attempt in error.attempts() {
///     println!("{} failed after {:?}: {}", attempt.address, attempt.took, attempt.cause);
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no runtime here to make a socket on.
    NoRuntime(Cause),
    /// The name could not be turned into addresses. Prints as the error inside.
    Resolve(ResolveError),
    /// Every address failed.
    Failed {
        /// The name that has these addresses, as text with its port; `None` where addresses were connected to.
        target: Option<String>,
        /// What was tried, in this order; at least one.
        attempts: Vec<FailedAttempt>,
    },
    /// The deadline passed first.
    TimedOut {
        /// What was to be connected to, as text.
        target: String,
        /// How long it may take.
        limit: Duration,
        /// What had been tried, in this order; the cause of what was still under way is [`TimedOut`]. None if the name was
        /// still being looked up.
        attempts: Vec<FailedAttempt>,
    },
}

impl ConnectError {
    /// The one address that was tried, and why it failed.
    pub fn failed(address: impl Into<Address>, cause: impl Into<Cause>) -> Self {
        Self::Failed {
            target: None,
            attempts: vec![FailedAttempt::new(address, cause)],
        }
    }

    /// What the failure amounts to. [`ConnectionRefused`](io::ErrorKind::ConnectionRefused), if an attempt was: of the
    /// machine that was reached that says more than that there is no way to its other addresses. Else the kind of the first
    /// attempt.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::NoRuntime(cause) => cause.kind(),
            Self::Resolve(error) => error.kind(),
            Self::Failed { attempts, .. } if attempts.iter().any(was_refused) => {
                io::ErrorKind::ConnectionRefused
            }
            Self::Failed { attempts, .. } => first_kind(attempts),
            Self::TimedOut { .. } => io::ErrorKind::TimedOut,
        }
    }

    /// The attempts that were made, none where it did not come to that.
    pub fn attempts(&self) -> &[FailedAttempt] {
        match self {
            Self::NoRuntime(_) | Self::Resolve(_) => &[],
            Self::Failed { attempts, .. } | Self::TimedOut { attempts, .. } => attempts,
        }
    }
}

/// Why nothing is listening, or bound.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BindError {
    /// There is no runtime here to make a socket on.
    NoRuntime(Cause),
    /// The name could not be turned into addresses. Prints as the error inside.
    Resolve(ResolveError),
    /// Every address failed.
    Failed {
        /// The name that has these addresses, as text with its port; `None` where addresses were to be bound.
        target: Option<String>,
        /// What was tried, in this order; at least one.
        attempts: Vec<FailedAttempt>,
    },
}

impl BindError {
    /// The one address that was tried, and why it failed.
    pub fn failed(address: impl Into<Address>, cause: impl Into<Cause>) -> Self {
        Self::Failed {
            target: None,
            attempts: vec![FailedAttempt::new(address, cause)],
        }
    }

    /// What the failure amounts to: the kind of the first attempt.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::NoRuntime(cause) => cause.kind(),
            Self::Resolve(error) => error.kind(),
            Self::Failed { attempts, .. } => first_kind(attempts),
        }
    }

    /// The attempts that were made, none where it did not come to that.
    pub fn attempts(&self) -> &[FailedAttempt] {
        match self {
            Self::NoRuntime(_) | Self::Resolve(_) => &[],
            Self::Failed { attempts, .. } => attempts,
        }
    }
}

/// Why a wait for the readiness of a descriptor ended without it, or never began.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum WaitError {
    /// There is no runtime here to wait on.
    NoRuntime(Cause),
    /// Another wait for this direction of the descriptor is under way on this runtime, or a socket of anynet owns it.
    Busy,
    /// The descriptor was closed: that was announced during the wait, or its number names none any more (`EBADF`).
    Closed,
    /// The system has no readiness for what this is: a regular file or a directory on Linux (`EPERM`, epoll_ctl(2)).
    Unsupported(Cause),
    /// No descriptor or memory is left to wait with (`EMFILE`, `ENFILE`, `ENOMEM`, `ENOSPC`). The wait can be repeated.
    Exhausted(Cause),
    /// The reactor failed, or the runtime was shut down.
    Broken(Cause),
}

impl WaitError {
    /// What the failure amounts to.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::NoRuntime(cause) | Self::Exhausted(cause) | Self::Broken(cause) => cause.kind(),
            Self::Busy => io::ErrorKind::ResourceBusy,
            Self::Closed => io::ErrorKind::NotConnected,
            Self::Unsupported(_) => io::ErrorKind::Unsupported,
        }
    }
}

/// Any of anynet's errors: what `?` gathers them into.
///
/// It prints only its own level, as all of them do, so that a report can walk along [`source`](StdError::source). With
/// `{:#}` it prints its causes too, in one line:
///
/// ```
/// use anynet_core::{ConnectError, Error};
/// use std::{io, net::SocketAddr};
///
/// let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
/// let error = Error::from(ConnectError::failed(SocketAddr::from(([127, 0, 0, 1], 80)), refused));
/// assert_eq!(format!("{error}"), "cannot connect to 127.0.0.1:80");
/// assert_eq!(format!("{error:#}"), "cannot connect to 127.0.0.1:80: connection refused");
/// // What a `main` that returns it prints. `{:#?}` shows the fields.
/// assert_eq!(format!("{error:?}"), "Connect(cannot connect to 127.0.0.1:80: connection refused)");
/// ```
#[non_exhaustive]
pub enum Error {
    /// A receive.
    Receive(ReceiveError),
    /// A receive of an exact number of bytes.
    ReceiveExactly(ReceiveExactlyError),
    /// A send, or a close.
    Send(SendError),
    /// An accept.
    Accept(AcceptError),
    /// A connect.
    Connect(ConnectError),
    /// A bind or a listen.
    Bind(BindError),
    /// A look-up.
    Resolve(ResolveError),
    /// A UNIX address.
    UnixAddress(UnixAddressError),
    /// A wait for readiness.
    Wait(WaitError),
    /// A time limit that ran out.
    TimedOut(TimedOut),
    /// The system, or the standard library.
    Io(io::Error),
    /// An error of the application's own, made by [`Error::other`].
    Other(Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// Wraps an error that is not anynet's, so that a handler can return it.
    ///
    /// ```
    /// let error = anynet_core::Error::other("no such user");
    /// assert_eq!(error.to_string(), "no such user");
    /// ```
    pub fn other(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

fn first_kind(attempts: &[FailedAttempt]) -> io::ErrorKind {
    attempts
        .first()
        .map_or(io::ErrorKind::Other, |attempt| attempt.cause.kind())
}

fn was_refused(attempt: &FailedAttempt) -> bool {
    attempt.cause.kind() == io::ErrorKind::ConnectionRefused
}
