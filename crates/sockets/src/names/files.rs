//! The databases of protocols and services, by their files: for systems whose C library has no call that threads may make.
//!
//! Both files have one entry in a line, and `#` starts a comment: a name, the number, and any number of aliases. A
//! service's number is `port/protocol`.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::str::FromStr;

pub(super) fn protocol_number(name: &CStr) -> io::Result<Option<i32>> {
    Ok(number_in(&read("/etc/protocols")?, name.to_bytes()))
}

pub(super) fn service_port(name: &CStr, protocol: &CStr) -> io::Result<Option<u16>> {
    Ok(port_in(
        &read("/etc/services")?,
        name.to_bytes(),
        protocol.to_bytes(),
    ))
}

/// A file that is not there has no entries.
fn read(path: &str) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        contents => contents,
    }
}

fn number_in(file: &[u8], name: &[u8]) -> Option<i32> {
    numbers_of(file, name).find_map(parsed)
}

fn port_in(file: &[u8], name: &[u8], protocol: &[u8]) -> Option<u16> {
    numbers_of(file, name).find_map(|number| {
        let port = number.strip_suffix(protocol)?.strip_suffix(b"/")?;
        parsed(port)
    })
}

/// What the lines that have `name` say in their second word, in the file's order.
fn numbers_of<'a>(file: &'a [u8], name: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    file.split(|byte| *byte == b'\n').filter_map(move |line| {
        let entry = line.split(|byte| *byte == b'#').next()?;
        let mut words = entry
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let (official, number) = (words.next()?, words.next()?);
        (official == name || words.any(|alias| alias == name)).then_some(number)
    })
}

/// The number, if it is one: a line that is not in order is passed over.
fn parsed<T: FromStr>(number: &[u8]) -> Option<T> {
    str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICES: &[u8] = b"# Comment\n\
        http\t\t80/tcp\t\twww www-http # World Wide Web http2\n\
        \n\
        domain 53/tcp\n\
        domain 53/udp\n\
        \tindented 7/tcp\n\
        twice 1/tcp\n\
        twice 2/tcp\n\
        bad x/tcp\n\
        bad 70000/tcp\n\
        bad 9/tcp\n\
        alone\n\
        latin 10/tcp caf\xe9\n\
        crlf 11/tcp other\r\n\
        last 65535/udp";

    #[test]
    fn a_service_is_found_by_its_names_and_protocol() {
        for (name, protocol, port) in [
            ("http", "tcp", Some(80)),
            ("www", "tcp", Some(80)),
            ("www-http", "tcp", Some(80)),
            ("http", "udp", None),
            ("http", "cp", None),
            ("http", "/tcp", None),
            ("HTTP", "tcp", None),
            ("http2", "tcp", None),
            ("80/tcp", "tcp", None),
            ("#", "tcp", None),
            ("Comment", "tcp", None),
            ("domain", "udp", Some(53)),
            ("indented", "tcp", Some(7)),
            ("twice", "tcp", Some(1)),
            ("bad", "tcp", Some(9)),
            ("alone", "tcp", None),
            ("other", "tcp", Some(11)),
            ("last", "udp", Some(65535)),
            ("none", "tcp", None),
        ] {
            let found = port_in(SERVICES, name.as_bytes(), protocol.as_bytes());
            assert_eq!(found, port, "{name} over {protocol}");
        }
        assert_eq!(port_in(SERVICES, b"caf\xe9", b"tcp"), Some(10));
    }

    #[test]
    fn a_protocol_is_found_by_its_names() {
        let file = b"ip 0 IP # internet protocol\nicmp\t1\tICMP\nodd -\nodd 300 ODD";
        for (name, number) in [
            ("ip", Some(0)),
            ("IP", Some(0)),
            ("icmp", Some(1)),
            ("odd", Some(300)),
            ("tcp", None),
        ] {
            assert_eq!(number_in(file, name.as_bytes()), number, "{name}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_empty_and_any_other_failure_is_one() {
        assert!(read("/etc/no-such-database").unwrap().is_empty());
        assert!(read("/").is_err());
    }

    /// For every word of the files, known or not.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[test]
    fn the_files_say_what_the_library_says() {
        use std::ffi::CString;

        use super::super::library;

        let words = |path| {
            let file = read(path).unwrap();
            let words = file
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty());
            words.map(|word| CString::new(word).unwrap()).collect::<Vec<_>>()
        };
        for word in words("/etc/protocols") {
            let (file, library) = (protocol_number(&word), library::protocol_number(&word));
            assert_eq!(file.unwrap(), library.unwrap(), "{word:?}");
        }
        for word in words("/etc/services") {
            for protocol in [c"tcp", c"udp", c"sctp"] {
                let file = service_port(&word, protocol).unwrap();
                let library = library::service_port(&word, protocol).unwrap();
                assert_eq!(file, library, "{word:?} over {protocol:?}");
            }
        }
    }
}
