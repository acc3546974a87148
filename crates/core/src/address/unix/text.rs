//! UNIX addresses as text. The rules stand on [`UnixAddress`].

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::str::FromStr;

use super::{UnixAddress, standard};
use crate::UnixAddressError;

const UNNAMED: &str = "(unnamed)";

impl fmt::Display for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => {
                if reads_as_another_form(path.as_os_str()) {
                    f.write_char('\\')?;
                }
                write_escaped(f, path.as_os_str().as_bytes())
            }
            Self::Abstract(name) => {
                f.write_char('@')?;
                write_escaped(f, name)
            }
            Self::Unnamed => f.write_str(UNNAMED),
        }
    }
}

/// Whether the bare path is the text of an address that is not a path.
fn reads_as_another_form(path: &OsStr) -> bool {
    path.as_bytes().starts_with(b"@") || path == UNNAMED
}

fn write_escaped(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' => f.write_str(r"\\")?,
                c if c.is_control() => write_bytes(f, c.encode_utf8(&mut [0; 4]).as_bytes())?,
                c => f.write_char(c)?,
            }
        }
        write_bytes(f, chunk.invalid())?;
    }
    Ok(())
}

fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, r"\x{byte:02x}"))
}

/// Fails with [`Malformed`](UnixAddressError::Malformed) if the text breaks the rules, and where it says a path that is
/// none: an empty one, or one with NUL. How long the system's addresses may be is not asked here.
impl FromStr for UnixAddress {
    type Err = UnixAddressError;

    fn from_str(text: &str) -> Result<Self, UnixAddressError> {
        if text == UNNAMED {
            return Ok(Self::Unnamed);
        }
        let bytes = |escaped| {
            unescaped(escaped).map_err(|reason| UnixAddressError::Malformed {
                text: text.to_owned(),
                reason,
            })
        };
        if let Some(name) = text.strip_prefix('@') {
            return Ok(Self::from_abstract_name(bytes(name)?));
        }
        let path = OsString::from_vec(bytes(text)?);
        standard::checked(&path)?;
        Ok(Self::from(path))
    }
}

/// The bytes that `text` stands for, or what is wrong with it.
fn unescaped(text: &str) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(plain.as_bytes());
        rest = if let Some(digits) = escape.strip_prefix('x') {
            let (byte, after) = hexadecimal(digits).ok_or(r"\x needs two hexadecimal digits")?;
            bytes.push(byte);
            after
        } else if let Some(after) = escape.strip_prefix(['\\', '@', '(']) {
            bytes.push(escape.as_bytes()[0]);
            after
        } else {
            return Err(r"a backslash stands before \, @, ( or x and two hexadecimal digits");
        };
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// The byte that two digits at the start of `text` write, and what follows them.
fn hexadecimal(text: &str) -> Option<(u8, &str)> {
    let (digits, after) = text.split_at_checked(2)?;
    // `from_str_radix` would take a leading `+`.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    Some((u8::from_str_radix(digits, 16).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(bytes: &[u8]) -> UnixAddress {
        UnixAddress::from(OsStr::from_bytes(bytes))
    }

    fn name(bytes: &[u8]) -> UnixAddress {
        UnixAddress::from_abstract_name(bytes)
    }

    /// To the byte: equal paths may be written differently.
    fn assert_same(came: &UnixAddress, went: &UnixAddress, text: &str) {
        let bytes = |address: &UnixAddress| address.path().map(|path| path.as_os_str().to_owned());
        assert_eq!(came, went, "{text:?}");
        assert_eq!(bytes(came), bytes(went), "{text:?}");
    }

    fn round_trip(address: &UnixAddress) -> String {
        let text = address.to_string();
        assert!(!text.is_empty(), "{address:?} prints as nothing");
        assert!(!text.contains(char::is_control), "{address:?} prints as {text:?}");
        let parsed = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_same(&parsed, address, &text);
        text
    }

    #[test]
    fn each_address_has_its_text() {
        for (address, text) in [
            // Paths are themselves.
            (path(b"/run/app.sock"), "/run/app.sock"),
            (path(b"relative"), "relative"),
            (path(b"./@a"), "./@a"),
            (path(b"a@b"), "a@b"),
            (path(b"a//b/./c/"), "a//b/./c/"),
            (path(b" a  b "), " a  b "),
            (path(b"\"'$*?:80"), "\"'$*?:80"),
            (
                path("/tmp/s\u{e4}\u{20ac}\u{1f600}e\u{301}".as_bytes()),
                "/tmp/s\u{e4}\u{20ac}\u{1f600}e\u{301}",
            ),
            (path(b"(unnamed"), "(unnamed"),
            (path(b"(unnamed) "), "(unnamed) "),
            (path(b"(a)"), "(a)"),
            // Those that would read as something else are not.
            (path(b"@"), r"\@"),
            (path(b"@a"), r"\@a"),
            (path(b"@@"), r"\@@"),
            (path(b"(unnamed)"), r"\(unnamed)"),
            (path(br"\"), r"\\"),
            (path(br"\@a"), r"\\@a"),
            (path(br"\x41"), r"\\x41"),
            (path(br"a\\b"), r"a\\\\b"),
            // What cannot be printed.
            (path(b"a\nb"), r"a\x0ab"),
            (path(b"\x1b[2J"), r"\x1b[2J"),
            (path(b"\x7f"), r"\x7f"),
            (path("\u{85}".as_bytes()), r"\xc2\x85"),
            (path(b"\xff"), r"\xff"),
            (path(b"a\xffb\xfe"), r"a\xffb\xfe"),
            (path(b"\xe2\x82"), r"\xe2\x82"),
            (path(b"\xe2\x82/\xac"), r"\xe2\x82/\xac"),
            (path(b"@\xff"), r"\@\xff"),
            // Abstract names, in which everything after the `@` is the name.
            (name(b""), "@"),
            (name(b"a"), "@a"),
            (name(b"@a"), "@@a"),
            (name(b"/a/b"), "@/a/b"),
            (name(b"(unnamed)"), "@(unnamed)"),
            (name(b"\0"), r"@\x00"),
            (name(b"a\0\0b"), r"@a\x00\x00b"),
            (name(b"\\"), r"@\\"),
            (name(b"\xff\n"), r"@\xff\x0a"),
            (UnixAddress::Unnamed, "(unnamed)"),
        ] {
            assert_eq!(round_trip(&address), text, "{address:?}");
        }
    }

    #[test]
    fn every_name_of_up_to_two_bytes_comes_back() {
        for first in 0..=u8::MAX {
            round_trip(&name(&[first]));
            if first != 0 {
                round_trip(&path(&[first]));
            }
            for second in 0..=u8::MAX {
                round_trip(&name(&[first, second]));
                if first != 0 && second != 0 {
                    round_trip(&path(&[first, second]));
                }
            }
        }
    }

    #[test]
    fn a_text_may_escape_more_than_it_has_to() {
        for (text, address) in [
            (r"\x61", path(b"a")),
            (r"\x40a", path(b"@a")),
            (r"\x28unnamed)", path(b"(unnamed)")),
            (r"(unnamed\x29", path(b"(unnamed)")),
            (r"a\@\(b", path(b"a@(b")),
            (r"\xE4\xe4", path(b"\xe4\xe4")),
            (r"\xc3\xa4", path("\u{e4}".as_bytes())),
            (r"\x5c", path(br"\")),
            (r"@\x61\@", name(b"a@")),
        ] {
            let parsed = text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"));
            assert_same(&parsed, &address, text);
        }
    }

    #[test]
    fn a_bad_text_is_kept_in_the_error() {
        for text in [
            r"\",
            r"a\",
            r"@\",
            r"\a",
            r"\n",
            r"\ ",
            r"\)",
            r"\X41",
            r"\x",
            r"\x4",
            r"\xg0",
            r"\x0g",
            r"\x+1",
            r"\x 1",
            r"\x-1",
            "\\x4\u{e4}",
            "\\x\u{e4}",
            "\\\u{20ac}",
            r"@\x4",
        ] {
            match text.parse::<UnixAddress>() {
                Err(UnixAddressError::Malformed { text: kept, reason }) => {
                    assert_eq!(kept, text);
                    assert!(reason.contains("hexadecimal"), "{text:?}: {reason}");
                }
                other => panic!("{text:?} was taken for {other:?}"),
            }
        }
    }

    #[test]
    fn a_text_of_no_path_is_refused() {
        let parsed = "".parse::<UnixAddress>();
        assert_eq!(parsed, Err(UnixAddressError::EmptyPath));
        for text in ["a\0", r"a\x00", "\0"] {
            let parsed = text.parse::<UnixAddress>();
            assert!(matches!(parsed, Err(UnixAddressError::Nul { .. })), "{text:?}");
        }
    }
}
