//! UNIX addresses to and from those of the standard library, which know what the system can take.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;

use super::UnixAddress;
use crate::UnixAddressError;

impl From<&SocketAddr> for UnixAddress {
    fn from(address: &SocketAddr) -> Self {
        if let Some(path) = address.as_pathname() {
            return Self::from(path);
        }
        abstract_names::name_of(address).map_or(Self::Unnamed, Self::from_abstract_name)
    }
}

impl From<SocketAddr> for UnixAddress {
    fn from(address: SocketAddr) -> Self {
        Self::from(&address)
    }
}

/// Fails if the system could not take the address: a path that is empty or contains NUL, a name that is too long, an
/// abstract name where there are none.
impl TryFrom<&UnixAddress> for SocketAddr {
    type Error = UnixAddressError;

    fn try_from(address: &UnixAddress) -> Result<Self, UnixAddressError> {
        let path = match address {
            UnixAddress::Abstract(name) => return abstract_names::address_of(name),
            UnixAddress::Path(path) => checked(path.as_os_str())?,
            // The standard library has no other way to say it.
            UnixAddress::Unnamed => OsStr::new(""),
        };
        Self::from_pathname(path).map_err(|_| too_long(address, path.len()))
    }
}

/// As for a reference.
impl TryFrom<UnixAddress> for SocketAddr {
    type Error = UnixAddressError;

    fn try_from(address: UnixAddress) -> Result<Self, UnixAddressError> {
        Self::try_from(&address)
    }
}

/// `path`, if it is one. An empty one must not pass: the system would take it for the unnamed address.
pub(super) fn checked(path: &OsStr) -> Result<&OsStr, UnixAddressError> {
    if path.is_empty() {
        return Err(UnixAddressError::EmptyPath);
    }
    if path.as_bytes().contains(&0) {
        let text = UnixAddress::from(path).to_string();
        return Err(UnixAddressError::Nul { text });
    }
    Ok(path)
}

#[cold]
fn too_long(address: &UnixAddress, length: usize) -> UnixAddressError {
    UnixAddressError::TooLong {
        text: address.to_string(),
        length,
        limit: limit(),
    }
}

/// How many bytes a path or a name may have. Only the standard library knows it, and it answers yes or no.
fn limit() -> usize {
    let fits = |length: &usize| SocketAddr::from_pathname("x".repeat(*length)).is_ok();
    (1..).take_while(fits).last().unwrap_or(0)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod abstract_names {
    #[cfg(target_os = "android")]
    use std::os::android::net::SocketAddrExt;
    #[cfg(target_os = "linux")]
    use std::os::linux::net::SocketAddrExt;

    use super::{SocketAddr, UnixAddress, UnixAddressError, too_long};

    pub(super) fn name_of(address: &SocketAddr) -> Option<&[u8]> {
        address.as_abstract_name()
    }

    pub(super) fn address_of(name: &[u8]) -> Result<SocketAddr, UnixAddressError> {
        SocketAddr::from_abstract_name(name)
            .map_err(|_| too_long(&UnixAddress::from_abstract_name(name), name.len()))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod abstract_names {
    use super::{SocketAddr, UnixAddress, UnixAddressError};

    pub(super) fn name_of(_: &SocketAddr) -> Option<&[u8]> {
        None
    }

    pub(super) fn address_of(name: &[u8]) -> Result<SocketAddr, UnixAddressError> {
        let text = UnixAddress::from_abstract_name(name).to_string();
        Err(UnixAddressError::NoAbstractNames { text })
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn refused(address: UnixAddress) -> UnixAddressError {
        SocketAddr::try_from(&address).expect_err(&format!("{address} is no address"))
    }

    fn there_and_back(address: &UnixAddress) -> UnixAddress {
        SocketAddr::try_from(address).map(UnixAddress::from).unwrap()
    }

    #[test]
    fn an_address_comes_back_from_the_standard_library_as_it_went() {
        let longest = "x".repeat(limit());
        for path in [
            &b"/run/a"[..],
            b"a",
            b"@a",
            b"(unnamed)",
            b"\xff\xfe",
            b" ",
            longest.as_bytes(),
        ] {
            let address = UnixAddress::from(OsStr::from_bytes(path));
            let standard = SocketAddr::try_from(address.clone()).unwrap();
            let came = standard.as_pathname().map(|path| path.as_os_str().as_bytes());
            assert_eq!(came, Some(path));
            assert_eq!(UnixAddress::from(standard), address);
        }
    }

    #[test]
    fn unnamed_is_unnamed_on_both_sides() {
        let standard = SocketAddr::try_from(UnixAddress::Unnamed).unwrap();
        assert!(standard.is_unnamed());
        assert_eq!(there_and_back(&UnixAddress::Unnamed), UnixAddress::Unnamed);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn abstract_names_are_any_bytes() {
        let longest = vec![0; limit()];
        for name in [&b""[..], b"a", b"\0", b"a\0b", b"\0\0", b"\xff/", &longest] {
            let address = UnixAddress::from_abstract_name(name);
            assert_eq!(there_and_back(&address), address, "{address:?}");
        }
        let too_long = UnixAddress::from_abstract_name("y".repeat(limit() + 1));
        assert_eq!(
            refused(too_long.clone()),
            UnixAddressError::TooLong {
                text: too_long.to_string(),
                length: limit() + 1,
                limit: limit()
            }
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_limit_is_the_systems() {
        // `sun_path` of unix(7) has 108 bytes, and the last one is NUL.
        assert_eq!(limit(), 107);
    }

    #[test]
    fn a_path_too_long_is_refused_with_its_lengths() {
        for length in [limit() + 1, limit() + 2, 100_000] {
            let path = "y".repeat(length);
            let error = refused(UnixAddress::from(&path));
            assert_eq!(
                error,
                UnixAddressError::TooLong {
                    text: path,
                    length,
                    limit: limit()
                }
            );
            assert!(error.to_string().contains(&limit().to_string()));
        }
    }

    #[test]
    fn a_path_with_nul_is_refused_wherever_it_is() {
        for (path, text) in [("a\0b", r"a\x00b"), ("\0a", r"\x00a"), ("a\0", r"a\x00")] {
            assert_eq!(
                refused(UnixAddress::from(path)),
                UnixAddressError::Nul { text: text.into() }
            );
        }
    }

    #[test]
    fn an_empty_path_is_not_the_unnamed_address() {
        assert_eq!(refused(UnixAddress::from("")), UnixAddressError::EmptyPath);
    }

    #[test]
    fn the_error_stays_itself_inside_an_io_error() {
        let error = refused(UnixAddress::from("a\0"));
        let wrapped = io::Error::from(error.clone());
        assert_eq!(wrapped.kind(), io::ErrorKind::InvalidInput);
        let kept = wrapped.get_ref().and_then(|inner| inner.downcast_ref());
        assert_eq!(kept, Some(&error));
        let missing = UnixAddressError::NoAbstractNames { text: "@a".into() };
        assert_eq!(missing.kind(), io::ErrorKind::Unsupported);
    }
}
