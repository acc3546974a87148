//! Names that the system has numbers for, and its own.

mod error;
#[cfg(any(
    test,
    not(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))
))]
mod files;
#[cfg(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))]
mod library;

pub use error::{NameError, NameQuery};

use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;

#[cfg(not(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd")))]
use files as database;
#[cfg(any(all(target_os = "linux", target_env = "gnu"), target_os = "freebsd"))]
use library as database;

/// The name of this host, as it was set ([gethostname(2)](https://man7.org/linux/man-pages/man2/gethostname.2.html)).
///
/// It need not be known to any resolver, and may be empty. Setting it is not a matter of sockets:
/// `rustix::system::sethostname` does.
#[doc(alias = "gethostname")]
pub fn host_name() -> OsString {
    OsStr::from_bytes(rustix::system::uname().nodename().to_bytes()).to_owned()
}

/// The number of the protocol `name`, such as `tcp`, `udp` or `icmp`: what `socket(2)` takes as its third argument
/// ([getprotobyname_r(3)](https://man7.org/linux/man-pages/man3/getprotoent_r.3.html)).
///
/// A name is an official one or an alias of the system's database, in the same case. **Blocks**: the database is
/// `/etc/protocols`, or what the system is configured to ask instead (with glibc and on FreeBSD; elsewhere it is the file).
/// Small installations have none.
///
/// ```
/// match anynet_sockets::protocol_number("udp") {
///     Ok(number) => assert_eq!(number, 17),
///     Err(error) => println!("{error}"), // no database here
/// }
/// ```
///
/// # Errors
///
/// * [`Malformed`](NameError::Malformed) if the name is empty or contains NUL;
/// * [`Unknown`](NameError::Unknown) if the database has no such name;
/// * [`Failed`](NameError::Failed) if it could not be read.
#[doc(alias = "getprotobyname")]
pub fn protocol_number(name: &str) -> Result<i32, NameError> {
    let query = || NameQuery::Protocol(name.to_owned());
    let text = c_name(name, "the name is empty", "the name contains NUL").map_err(malformed(query))?;
    answer(query, database::protocol_number(&text))
}

/// The port of the service `name` over `protocol`, such as `http` over `tcp`
/// ([getservbyname_r(3)](https://man7.org/linux/man-pages/man3/getservent_r.3.html)).
///
/// Both are names of the system's database, in the same case; a service may be asked for by an alias, and a number is no
/// name. **Blocks**: the database is `/etc/services`, or what the system is configured to ask instead (with glibc and on
/// FreeBSD; elsewhere it is the file). Small installations have none.
///
/// ```
/// match anynet_sockets::service_port("https", "tcp") {
///     Ok(port) => assert_eq!(port, 443),
///     Err(error) => println!("{error}"), // no database here
/// }
/// ```
///
/// # Errors
///
/// * [`Malformed`](NameError::Malformed) if one of the names is empty or contains NUL;
/// * [`Unknown`](NameError::Unknown) if the database has no such service over this protocol;
/// * [`Failed`](NameError::Failed) if it could not be read.
#[doc(alias = "getservbyname")]
pub fn service_port(name: &str, protocol: &str) -> Result<u16, NameError> {
    let query = || NameQuery::Service {
        name: name.to_owned(),
        protocol: protocol.to_owned(),
    };
    let service = c_name(name, "the name is empty", "the name contains NUL").map_err(malformed(query))?;
    let over = c_name(protocol, "the protocol is empty", "the protocol contains NUL");
    answer(
        query,
        database::service_port(&service, &over.map_err(malformed(query))?),
    )
}

/// The name as C has it, or why it is none.
fn c_name(name: &str, empty: &'static str, nul: &'static str) -> Result<CString, &'static str> {
    if name.is_empty() {
        return Err(empty);
    }
    CString::new(name).map_err(|_| nul)
}

fn malformed(query: impl Fn() -> NameQuery) -> impl Fn(&'static str) -> NameError {
    move |reason| NameError::Malformed {
        query: query(),
        reason,
    }
}

fn answer<T>(query: impl Fn() -> NameQuery, found: io::Result<Option<T>>) -> Result<T, NameError> {
    match found {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err(NameError::Unknown { query: query() }),
        Err(error) => Err(NameError::Failed {
            query: query(),
            cause: error.into(),
        }),
    }
}
