//! UNIX addresses in the form that system calls take.

use std::io;
use std::os::unix::net::SocketAddr;

use anynet_core::{UnixAddress, UnixAddressError};
use rustix::net::SocketAddrUnix;

/// The address in the form that system calls take.
///
/// # Errors
///
/// `InvalidInput`, with the [`UnixAddressError`] in it, for what no system could take.
pub(crate) fn to_system(address: &UnixAddress) -> io::Result<SocketAddrUnix> {
    // The standard library knows what the system takes; what it says is typed.
    SocketAddr::try_from(address).map_err(|error: UnixAddressError| io::Error::new(error.kind(), error))?;
    Ok(match address {
        UnixAddress::Path(path) => SocketAddrUnix::new(&**path)?,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        UnixAddress::Abstract(name) => SocketAddrUnix::new_abstract_name(name)?,
        #[cfg(any(target_os = "linux", target_os = "android"))]
        UnixAddress::Unnamed => SocketAddrUnix::new_unnamed(),
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        UnixAddress::Abstract(_) | UnixAddress::Unnamed => return Err(io::ErrorKind::Unsupported.into()),
    })
}
