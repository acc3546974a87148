//! Network interfaces: their names and their numbers.

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;

use rustix::io::Errno;
use socket2::{Domain, Socket, Type};

use crate::{NameError, NameQuery, sys};

/// A network interface, as [`interfaces`] lists it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Interface {
    /// Its number, 1 or more: what an IPv6 scope and the multicast options take.
    pub index: u32,
    /// Its name, such as `lo`.
    pub name: OsString,
}

/// The network interfaces, in the system's order ([if_nameindex(3)](https://man7.org/linux/man-pages/man3/if_nameindex.3.html)).
///
/// Those of the network namespace that this thread is in, up or down, with or without addresses. Blocks, but on the kernel
/// alone.
///
/// ```
/// for interface in anynet_sockets::interfaces()? {
///     println!("{}: {}", interface.index, interface.name.display());
///     assert_eq!(anynet_sockets::interface_index(&interface.name)?, interface.index);
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// What the system says: that no descriptor (`EMFILE`, `ENFILE`) or no memory is left for the question.
#[doc(alias = "if_nameindex")]
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let found = sys::interfaces()?.into_iter();
    Ok(found.map(|(index, name)| Interface { index, name }).collect())
}

/// The number of the interface `name` ([if_nametoindex(3)](https://man7.org/linux/man-pages/man3/if_nametoindex.3.html)).
///
/// On Linux an interface's alternative names do as well, as long as they are no longer than a name, and what follows a
/// colon is not looked at.
///
/// # Errors
///
/// * [`Malformed`](NameError::Malformed) if the name is empty, contains NUL, or is longer than the system's names are (15
///   bytes on most);
/// * [`Unknown`](NameError::Unknown) if there is no such interface;
/// * [`Failed`](NameError::Failed) if the system could not be asked.
#[doc(alias = "if_nametoindex")]
pub fn interface_index(name: impl AsRef<OsStr>) -> Result<u32, NameError> {
    let name = name.as_ref();
    let query = || NameQuery::InterfaceName(name.to_owned());
    let text = c_name(name).map_err(|reason| NameError::Malformed {
        query: query(),
        reason,
    })?;
    sys::interface_index(&text).map_err(|error| failure(query(), error))
}

/// The name of the interface whose number is `index` ([if_indextoname(3)](https://man7.org/linux/man-pages/man3/if_indextoname.3.html)).
///
/// # Errors
///
/// * [`Unknown`](NameError::Unknown) if there is no such interface; none has the number 0;
/// * [`Failed`](NameError::Failed) if the system could not be asked.
#[doc(alias = "if_indextoname")]
pub fn interface_name(index: u32) -> Result<OsString, NameError> {
    sys::interface_name(index).map_err(|error| failure(NameQuery::InterfaceIndex(index), error))
}

/// The name as C has it, or why it is none.
fn c_name(name: &OsStr) -> Result<CString, &'static str> {
    if name.is_empty() {
        return Err("the name is empty");
    }
    if name.len() >= libc::IF_NAMESIZE {
        return Err("the name is longer than names of interfaces are");
    }
    CString::new(name.as_bytes()).map_err(|_| "the name contains NUL")
}

fn failure(query: NameQuery, error: io::Error) -> NameError {
    let cause = match Errno::from_io_error(&error) {
        // Linux says either, other systems the latter.
        Some(Errno::NODEV | Errno::NXIO) => return NameError::Unknown { query },
        Some(Errno::NOENT) => no_socket(),
        _ => error,
    };
    NameError::Failed {
        query,
        cause: cause.into(),
    }
}

/// Why there is no socket to ask with: glibc says `ENOENT` instead of what kept it from making one.
fn no_socket() -> io::Error {
    match Socket::new(Domain::UNIX, Type::DGRAM, None) {
        Err(error) => error,
        Ok(_) => io::Error::other("there was no socket to ask with"),
    }
}
