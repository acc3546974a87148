//! What the errors become: the gathering error, and errors of the standard library.

use std::io;

use super::{
    AcceptError, BindError, ConnectError, Error, ReceiveError, ReceiveExactlyError, ResolveError, SendError,
    TimedOut, UnixAddressError, WaitError,
};

impl From<ReceiveError> for io::Error {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Broken(cause)
            | ReceiveError::Exhausted(cause)
            | ReceiveError::Undelivered(cause) => cause.into(),
            ReceiveError::EndOfStream => Self::new(io::ErrorKind::UnexpectedEof, error),
            ReceiveError::Closed => Self::new(io::ErrorKind::NotConnected, error),
            ReceiveError::EmptyBuffer | ReceiveError::NoDescriptors => {
                Self::new(io::ErrorKind::InvalidInput, error)
            }
        }
    }
}

impl From<SendError> for io::Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Broken(cause)
            | SendError::Exhausted(cause)
            | SendError::TooLong(cause)
            | SendError::NotSent(cause) => cause.into(),
            SendError::Closed => Self::new(io::ErrorKind::NotConnected, error),
            SendError::NoData | SendError::NoDescriptors | SendError::TooManyDescriptors => {
                Self::new(io::ErrorKind::InvalidInput, error)
            }
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
            AcceptError::Connection(cause)
            | AcceptError::Exhausted(cause)
            | AcceptError::TurnedAway { cause, .. }
            | AcceptError::Broken(cause) => cause.into(),
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

impl From<UnixAddressError> for io::Error {
    fn from(error: UnixAddressError) -> Self {
        Self::new(error.kind(), error)
    }
}

impl From<WaitError> for io::Error {
    fn from(error: WaitError) -> Self {
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
            Error::UnixAddress(error) => error.into(),
            Error::Wait(error) => error.into(),
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
    UnixAddress(UnixAddressError),
    Wait(WaitError),
    TimedOut(TimedOut),
    Io(io::Error),
}
