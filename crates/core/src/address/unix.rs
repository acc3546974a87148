//! Addresses of UNIX sockets: a path, an abstract name, or none.

mod bytes;
mod standard;
mod text;

pub use bytes::{UnixName, UnixPath};

use std::fmt;
use std::path::Path;

/// The address of a UNIX socket ([unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)).
///
/// Strings and paths become **paths**, as they are; nothing in them has a second meaning. Whether the system could take
/// the address is said when it is used, by a [`UnixAddressError`](crate::UnixAddressError), not when it is made.
///
/// ```
/// use anynet_core::UnixAddress;
/// use std::path::Path;
///
/// let by_path = UnixAddress::from("/run/app.sock");
/// assert_eq!(by_path.path(), Some(Path::new("/run/app.sock")));
/// let by_name = UnixAddress::from_abstract_name("app");
/// assert_eq!(by_name.abstract_name(), Some(&b"app"[..]));
/// assert_ne!(by_name, UnixAddress::from("app"));
/// ```
///
/// # As text
///
/// Every address that a system can take prints as a text that parses to the same address, byte for byte:
///
/// | address | text |
/// |---|---|
/// | path | the path itself |
/// | abstract name | `@`, then the name |
/// | unnamed | `(unnamed)` |
///
/// A backslash takes away or gives a meaning. It is written
///
/// * before a backslash: `\\`;
/// * as `\xNN`, with two hexadecimal digits, for each byte that is not part of UTF-8 text or is part of a control
///   character, such as NUL in an abstract name or a line break;
/// * before the first character of a path that would read as one of the other two forms: `\@app` and `\(unnamed)`.
///
/// A text may write any byte as `\xNN`. What follows a backslash otherwise is an error, and so are the empty text and a
/// path with NUL.
///
/// ```
/// use anynet_core::UnixAddress;
///
/// for (address, text) in [
///     (UnixAddress::from("/run/app.sock"), "/run/app.sock"),
///     (UnixAddress::from("@app"), r"\@app"),
///     (UnixAddress::from_abstract_name("app"), "@app"),
///     (UnixAddress::from_abstract_name(b"a\0\xff"), r"@a\x00\xff"),
///     (UnixAddress::Unnamed, "(unnamed)"),
/// ] {
///     assert_eq!(address.to_string(), text);
///     assert_eq!(text.parse::<UnixAddress>()?, address);
/// }
/// # Ok::<(), anynet_core::UnixAddressError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "unix(7) knows these three")]
pub enum UnixAddress {
    /// A file of the socket's own. Any bytes but NUL, at least one; most systems take about a hundred.
    Path(UnixPath),
    /// A name outside the file system, without the NUL that marks it: any bytes, NUL among them, or none. Linux and
    /// Android only.
    Abstract(UnixName),
    /// No name: what a socket has that was never bound, and each end of a pair.
    Unnamed,
}

impl UnixAddress {
    /// The abstract name `name`, without the NUL that marks it in the system's form. Linux and Android only.
    pub fn from_abstract_name(name: impl AsRef<[u8]>) -> Self {
        Self::Abstract(UnixName::new(name))
    }

    /// The path, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Abstract(_) | Self::Unnamed => None,
        }
    }

    /// The abstract name, if it is one, without the NUL that marks it.
    pub fn abstract_name(&self) -> Option<&[u8]> {
        match self {
            Self::Abstract(name) => Some(name),
            Self::Path(_) | Self::Unnamed => None,
        }
    }

    /// Whether it is no name at all.
    pub fn is_unnamed(&self) -> bool {
        matches!(self, Self::Unnamed)
    }
}

impl fmt::Debug for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Abstract(name) => f.debug_tuple("Abstract").field(name).finish(),
            Self::Unnamed => f.write_str("Unnamed"),
        }
    }
}

/// A copy: what is connected to may be lent.
impl From<&UnixAddress> for UnixAddress {
    fn from(address: &UnixAddress) -> Self {
        address.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::{OsStr, OsString};
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn strings_and_paths_are_paths_as_they_are() {
        for text in ["/run/a", "a b", "@a", "(unnamed)", r"a\x00", "a:80"] {
            let expected = UnixAddress::Path(text.into());
            assert_eq!(UnixAddress::from(text), expected);
            assert_eq!(UnixAddress::from(text.to_owned()), expected);
            assert_eq!(UnixAddress::from(&text.to_owned()), expected);
            assert_eq!(UnixAddress::from(OsStr::new(text)), expected);
            assert_eq!(UnixAddress::from(OsString::from(text)), expected);
            assert_eq!(UnixAddress::from(&OsString::from(text)), expected);
            assert_eq!(UnixAddress::from(Path::new(text)), expected);
            assert_eq!(UnixAddress::from(PathBuf::from(text)), expected);
            assert_eq!(UnixAddress::from(&PathBuf::from(text)), expected);
        }
    }

    #[test]
    fn the_three_kinds_are_told_apart() {
        let (path, name) = (UnixAddress::from("a"), UnixAddress::from_abstract_name("a"));
        let unnamed = UnixAddress::Unnamed;
        assert_eq!(UnixAddress::from(&name), name);
        assert_eq!(path.path(), Some(Path::new("a")));
        assert_eq!((path.abstract_name(), path.is_unnamed()), (None, false));
        assert_eq!(name.abstract_name(), Some(&b"a"[..]));
        assert_eq!((name.path(), name.is_unnamed()), (None, false));
        assert_eq!((unnamed.path(), unnamed.abstract_name()), (None, None));
        assert!(unnamed.is_unnamed());
        assert!(path != name && name != unnamed && path != unnamed);
        // Nothing is not the same as a name of no bytes.
        assert_ne!(UnixAddress::from_abstract_name(""), unnamed);
    }

    #[test]
    fn debugging_shows_names_and_not_numbers() {
        let debug = |address: UnixAddress| format!("{address:?}");
        assert_eq!(debug(UnixAddress::from("/a b")), r#"Path("/a b")"#);
        assert_eq!(
            debug(UnixAddress::from_abstract_name(b"a\0\xff")),
            r#"Abstract(b"a\x00\xff")"#
        );
        assert_eq!(debug(UnixAddress::Unnamed), "Unnamed");
    }
}
