//! From and into the standard library's sockets.

/// Writes the conversions between `$socket`, of any runtime, and the standard library's socket of that kind.
macro_rules! standard_conversions {
    ($($socket:ident = $standard:ty;)*) => {$(
        #[doc = concat!("From and into [`", stringify!($standard), "`].")]
        impl<R: Runtime> $socket<R> {
            /// As [`from_fd`](Self::from_fd), from the standard library's socket.
            ///
            /// # Errors
            ///
            /// As [`from_fd`](Self::from_fd).
            pub fn from_std(runtime: R, socket: $standard) -> Result<Self, AdoptError> {
                Self::from_fd(runtime, socket.into())
            }

            /// As [`into_fd`](Self::into_fd), as the standard library's socket. It is non-blocking, as it was;
            /// `set_nonblocking(false)` changes that.
            ///
            /// # Errors
            ///
            /// As [`into_fd`](Self::into_fd).
            pub fn into_std(self) -> Result<$standard, IntoFdError<Self>> {
                self.into_fd().map(<$standard>::from)
            }
        }

        /// On the current runtime; see [`from_fd`](Self::from_fd).
        impl<R: Runtime> TryFrom<$standard> for $socket<R> {
            type Error = AdoptError;

            fn try_from(socket: $standard) -> Result<Self, AdoptError> {
                Self::try_from(::std::os::fd::OwnedFd::from(socket))
            }
        }
    )*};
}

pub(crate) use standard_conversions;
