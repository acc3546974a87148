//! The errors, one type per operation.
//!
//! Each prints only its own level, in lower case, and leaves the rest to [`source`](std::error::Error::source). Each
//! becomes an [`io::Error`] that keeps the cause, and [`Error`] gathers them all for `?`.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use crate::Cause;

/// A result with anynet's gathering [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why nothing was received.
///
/// `EndOfStream`, `Closed` and `Broken` are final: every later receive says the same (`Closed` also replaces the others
/// once our side has closed). `EmptyBuffer` and `Exhausted` leave the stream as it was.
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
    /// The system had no memory for this call (`ENOBUFS`, `ENOMEM`). It can be repeated.
    Exhausted(Cause),
}

/// Why nothing, or not everything, was sent. There is no `EndOfStream` here: the peer's end does not concern sending.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SendError {
    /// Our side closed the stream, or sent the end with `send_eof`. Final.
    Closed,
    /// The transport failed. Final: every later send says the same.
    Broken(Cause),
    /// The system had no memory for this call (`ENOBUFS`, `ENOMEM`). It can be repeated.
    Exhausted(Cause),
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
    /// The listener failed, or its runtime was shut down. Final.
    Broken(Cause),
}

/// One address that was tried, and what came of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FailedAttempt {
    /// The address.
    pub address: SocketAddr,
    /// Why it failed.
    pub cause: Cause,
}

impl FailedAttempt {
    /// An attempt at `address` that failed.
    pub fn new(address: SocketAddr, cause: impl Into<Cause>) -> Self {
        Self {
            address,
            cause: cause.into(),
        }
    }
}

/// Why no connection was made.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no runtime here to make a socket on.
    NoRuntime(Cause),
    /// The name could not be turned into addresses.
    Resolve(ResolveError),
    /// Every address failed, in this order; at least one is here.
    Failed(Vec<FailedAttempt>),
}

impl ConnectError {
    /// The one address that was tried, and why it failed.
    pub fn failed(address: SocketAddr, cause: impl Into<Cause>) -> Self {
        Self::Failed(vec![FailedAttempt::new(address, cause)])
    }

    /// What the failure amounts to: the kind that all attempts share (all refused is
    /// [`ConnectionRefused`](io::ErrorKind::ConnectionRefused)), else that of the first.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::NoRuntime(cause) => cause.kind(),
            Self::Resolve(error) => error.kind(),
            Self::Failed(attempts) => first_kind(attempts),
        }
    }
}

/// Why nothing is listening, or bound.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum BindError {
    /// There is no runtime here to make a socket on.
    NoRuntime(Cause),
    /// The name could not be turned into addresses.
    Resolve(ResolveError),
    /// Every address failed, in this order; at least one is here.
    Failed(Vec<FailedAttempt>),
}

impl BindError {
    /// The one address that was tried, and why it failed.
    pub fn failed(address: SocketAddr, cause: impl Into<Cause>) -> Self {
        Self::Failed(vec![FailedAttempt::new(address, cause)])
    }

    /// What the failure amounts to: the kind of the first attempt.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::NoRuntime(cause) => cause.kind(),
            Self::Resolve(error) => error.kind(),
            Self::Failed(attempts) => first_kind(attempts),
        }
    }
}

/// Why a text or a name is no address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ResolveError {
    /// The text is not `host:port`, so nobody was asked.
    Malformed {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name has no address.
    NoAddress {
        /// The name.
        host: String,
    },
    /// The look-up itself failed.
    Failed {
        /// The name that was looked up.
        host: String,
        /// What the resolver said.
        cause: Cause,
    },
}

impl ResolveError {
    /// What the failure amounts to.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Self::Malformed { .. } => io::ErrorKind::InvalidInput,
            Self::NoAddress { .. } => io::ErrorKind::NotFound,
            Self::Failed { cause, .. } => cause.kind(),
        }
    }
}

/// A deadline passed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut;

/// Any of anynet's errors: what `?` gathers them into.
#[derive(Debug)]
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
    /// A deadline that passed.
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

/// The cause of a failure that had only one attempt.
fn only_cause(attempts: &[FailedAttempt]) -> Option<&(dyn StdError + 'static)> {
    match attempts {
        [attempt] => Some(&attempt.cause),
        _ => None,
    }
}

/// "127.0.0.1:80 failed", or a list of addresses with their causes.
fn write_attempts(f: &mut fmt::Formatter<'_>, what: &str, attempts: &[FailedAttempt]) -> fmt::Result {
    match attempts {
        [attempt] => write!(f, "cannot {what} {}", attempt.address),
        many => {
            write!(f, "cannot {what} any of {} addresses", many.len())?;
            for (index, attempt) in many.iter().enumerate() {
                let separator = if index == 0 { ':' } else { ',' };
                write!(f, "{separator} {}: {}", attempt.address, attempt.cause)?;
            }
            Ok(())
        }
    }
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndOfStream => "end of stream",
            Self::Closed => "the stream was closed on this side",
            Self::Broken(_) => "the connection is broken",
            Self::EmptyBuffer => "cannot receive into an empty buffer",
            Self::Exhausted(_) => "the system has no memory to receive with",
        })
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the stream was closed for sending on this side",
            Self::Broken(_) => "the connection is broken",
            Self::Exhausted(_) => "the system has no memory to send with",
        })
    }
}

impl fmt::Display for ReceiveExactlyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the stream stopped after {} bytes", self.received)
    }
}

impl fmt::Display for AcceptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "the listener was closed on this side",
            Self::Connection(_) => "a connection failed before it was accepted",
            Self::Exhausted(_) => "no descriptor or memory is left to accept with",
            Self::Broken(_) => "the listener is broken",
        })
    }
}

impl fmt::Display for FailedAttempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed", self.address)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime(_) => f.write_str("no runtime to connect on"),
            Self::Resolve(_) => f.write_str("the name to connect to cannot be resolved"),
            Self::Failed(attempts) => write_attempts(f, "connect to", attempts),
        }
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRuntime(_) => f.write_str("no runtime to bind on"),
            Self::Resolve(_) => f.write_str("the name to bind cannot be resolved"),
            Self::Failed(attempts) => write_attempts(f, "bind", attempts),
        }
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { text, reason } => write!(f, "malformed address {text:?}: {reason}"),
            Self::NoAddress { host } => write!(f, "{host:?} has no address"),
            Self::Failed { host, .. } => write!(f, "cannot look up {host:?}"),
        }
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deadline has passed")
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
            Self::TimedOut(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl StdError for ReceiveError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Broken(cause) | Self::Exhausted(cause) => Some(cause),
            Self::EndOfStream | Self::Closed | Self::EmptyBuffer => None,
        }
    }
}

impl StdError for SendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Broken(cause) | Self::Exhausted(cause) => Some(cause),
            Self::Closed => None,
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
            Self::Connection(cause) | Self::Exhausted(cause) | Self::Broken(cause) => Some(cause),
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
            Self::Resolve(error) => Some(error),
            Self::Failed(attempts) => only_cause(attempts),
        }
    }
}

impl StdError for BindError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoRuntime(cause) => Some(cause),
            Self::Resolve(error) => Some(error),
            Self::Failed(attempts) => only_cause(attempts),
        }
    }
}

impl StdError for ResolveError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Failed { cause, .. } => Some(cause),
            Self::Malformed { .. } | Self::NoAddress { .. } => None,
        }
    }
}

impl StdError for TimedOut {}

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
            Self::TimedOut(error) => error.source(),
            Self::Io(error) => error.source(),
            Self::Other(error) => error.source(),
        }
    }
}

impl From<ReceiveError> for io::Error {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Broken(cause) | ReceiveError::Exhausted(cause) => cause.into(),
            ReceiveError::EndOfStream => Self::new(io::ErrorKind::UnexpectedEof, error),
            ReceiveError::Closed => Self::new(io::ErrorKind::NotConnected, error),
            ReceiveError::EmptyBuffer => Self::new(io::ErrorKind::InvalidInput, error),
        }
    }
}

impl From<SendError> for io::Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Broken(cause) | SendError::Exhausted(cause) => cause.into(),
            SendError::Closed => Self::new(io::ErrorKind::NotConnected, error),
        }
    }
}

impl From<ReceiveExactlyError> for io::Error {
    fn from(error: ReceiveExactlyError) -> Self {
        error.reason.into()
    }
}

impl From<AcceptError> for io::Error {
    fn from(error: AcceptError) -> Self {
        match error {
            AcceptError::Connection(cause) | AcceptError::Exhausted(cause) | AcceptError::Broken(cause) => {
                cause.into()
            }
            AcceptError::Closed => Self::new(io::ErrorKind::NotConnected, error),
        }
    }
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        Self::new(error.kind(), error)
    }
}

impl From<BindError> for io::Error {
    fn from(error: BindError) -> Self {
        Self::new(error.kind(), error)
    }
}

impl From<ResolveError> for io::Error {
    fn from(error: ResolveError) -> Self {
        Self::new(error.kind(), error)
    }
}

impl From<TimedOut> for io::Error {
    fn from(error: TimedOut) -> Self {
        Self::new(io::ErrorKind::TimedOut, error)
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Receive(error) => error.into(),
            Error::ReceiveExactly(error) => error.into(),
            Error::Send(error) => error.into(),
            Error::Accept(error) => error.into(),
            Error::Connect(error) => error.into(),
            Error::Bind(error) => error.into(),
            Error::Resolve(error) => error.into(),
            Error::TimedOut(error) => error.into(),
            Error::Io(error) => error,
            Error::Other(error) => Self::other(error),
        }
    }
}

/// `From` for each variant of [`Error`].
macro_rules! gather {
    ($($variant:ident($error:ty)),* $(,)?) => {$(
        impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        }
    )*};
}

gather! {
    Receive(ReceiveError),
    ReceiveExactly(ReceiveExactlyError),
    Send(SendError),
    Accept(AcceptError),
    Connect(ConnectError),
    Bind(BindError),
    Resolve(ResolveError),
    TimedOut(TimedOut),
    Io(io::Error),
}
