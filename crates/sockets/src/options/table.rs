//! How an option is written down, once for all of them.

use std::io;

use socket2::Socket;

/// Writes one option: its type, the sockets and platforms that have it, and how it is read and set.
///
/// `sockets` is a [`Kind`](super::kind::Kind), `platforms` what could stand in a `cfg`; elsewhere the option is
/// `Unsupported`. `get` is called with the socket, `set` with the socket and the value.
macro_rules! option {
    (
        $(#[$attribute:meta])*
        $name:ident($value:ty)
        sockets: $kind:ident, platforms: $platforms:meta,
        get: $get:expr, set: $set:expr $(,)?
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name(pub $value);

        impl $crate::options::SocketOption for $name {
            const NAME: &'static str = stringify!($name);

            #[cfg($platforms)]
            fn get(socket: &socket2::Socket) -> std::io::Result<Self> {
                $crate::options::kind::Kind::$kind.check(socket)?;
                $crate::options::table::read(socket, $get).map(Self)
            }

            #[cfg($platforms)]
            fn set(&self, socket: &socket2::Socket) -> std::io::Result<()> {
                $crate::options::kind::Kind::$kind.check(socket)?;
                $crate::options::table::write(socket, Clone::clone(&self.0), $set)
            }

            #[cfg(not($platforms))]
            fn get(_socket: &socket2::Socket) -> std::io::Result<Self> {
                Err($crate::options::table::lacking())
            }

            #[cfg(not($platforms))]
            fn set(&self, _socket: &socket2::Socket) -> std::io::Result<()> {
                Err($crate::options::table::lacking())
            }
        }
    };
}

pub(super) use option;

/// Calls `get` with its types known, so that the table can hold closures and the functions of two crates.
pub(super) fn read<'a, T, E: Into<io::Error>>(
    socket: &'a Socket,
    get: impl FnOnce(&'a Socket) -> Result<T, E>,
) -> io::Result<T> {
    get(socket).map_err(Into::into)
}

/// Calls `set`, likewise.
pub(super) fn write<'a, T, E: Into<io::Error>>(
    socket: &'a Socket,
    value: T,
    set: impl FnOnce(&'a Socket, T) -> Result<(), E>,
) -> io::Result<()> {
    set(socket, value).map_err(Into::into)
}

/// The error where the platform lacks an option.
#[cfg_attr(target_os = "linux", expect(dead_code, reason = "Linux has all options"))]
pub(super) fn lacking() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this platform does not have it")
}

/// The error for a value that the option cannot hold, where the system would take another one instead.
pub(super) fn out_of_range(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
