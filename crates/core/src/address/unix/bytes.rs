//! Paths and names of UNIX sockets. They are short: what a system can take is kept without an allocation.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The room that Linux has for them (`sun_path`, unix(7)); other systems have less.
const ROOM: usize = 108;

/// The path of a UNIX socket: a [`Path`], which is copied without an allocation if a system can take it.
#[derive(Clone)]
pub struct UnixPath(Bytes);

impl UnixPath {
    /// `path`, as it is.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        Self(Bytes::new(path.as_ref().as_bytes()))
    }
}

impl Deref for UnixPath {
    type Target = Path;

    fn deref(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }
}

impl AsRef<Path> for UnixPath {
    fn as_ref(&self) -> &Path {
        self
    }
}

impl AsRef<OsStr> for UnixPath {
    fn as_ref(&self) -> &OsStr {
        self.as_os_str()
    }
}

impl fmt::Debug for UnixPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl From<UnixPath> for PathBuf {
    fn from(path: UnixPath) -> Self {
        path.to_path_buf()
    }
}

/// `From` for everything that is a path.
macro_rules! from_paths {
    ($($path:ty),* $(,)?) => {$(
        impl From<$path> for UnixPath {
            fn from(path: $path) -> Self {
                Self::new(path)
            }
        }

        impl From<$path> for super::UnixAddress {
            fn from(path: $path) -> Self {
                Self::Path(path.into())
            }
        }
    )*};
}

from_paths!(
    &str, &String, String, &OsStr, &OsString, OsString, &Path, &PathBuf, PathBuf
);

/// The abstract name of a UNIX socket: bytes, which are copied without an allocation if a system can take them.
#[derive(Clone)]
pub struct UnixName(Bytes);

impl UnixName {
    /// `name`, without the NUL that marks it in the system's form.
    pub fn new(name: impl AsRef<[u8]>) -> Self {
        Self(Bytes::new(name.as_ref()))
    }
}

impl Deref for UnixName {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for UnixName {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for UnixName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

/// Compares and hashes as what it derefs to does: paths component by component, names byte by byte.
macro_rules! compared_by_target {
    ($($name:ty),*) => {$(
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                **self == **other
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                (**self).hash(state);
            }
        }
    )*};
}

compared_by_target!(UnixPath, UnixName);

#[derive(Clone)]
enum Bytes {
    Short {
        length: u8,
        bytes: [u8; ROOM],
    },
    /// What no system takes, which is found out when it is used.
    Long(Box<[u8]>),
}

impl Bytes {
    fn new(from: &[u8]) -> Self {
        let mut bytes = [0; ROOM];
        match bytes.get_mut(..from.len()) {
            Some(place) => {
                place.copy_from_slice(from);
                let length = from.len() as u8; // at most `ROOM`
                Self::Short { length, bytes }
            }
            None => Self::Long(from.into()),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Short { length, bytes } => &bytes[..usize::from(*length)],
            Self::Long(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_every_length_are_kept() {
        for length in [0, 1, ROOM - 1, ROOM, ROOM + 1, 1000] {
            let bytes = vec![b'x'; length];
            assert_eq!(*UnixName::new(&bytes), *bytes);
            assert_eq!(
                UnixPath::new(OsStr::from_bytes(&bytes)).as_os_str().as_bytes(),
                bytes
            );
        }
        assert_ne!(UnixName::new("a"), UnixName::new(b"a\0"));
        assert_eq!(
            UnixPath::new("/a//b"),
            UnixPath::new("/a/b"),
            "as paths are compared"
        );
    }
}
