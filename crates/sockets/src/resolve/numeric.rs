//! Hosts that only look like addresses.

use std::net::IpAddr;

/// Whether the C library would take `host` for an IPv4 address though it is not written as one: by inet_aton(3) there are
/// up to four numbers, decimal, octal or hexadecimal.
pub(super) fn looks_numeric(host: &str) -> bool {
    let is_number = |part: &str| match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()),
    };
    host.parse::<IpAddr>().is_err() && host.strip_suffix('.').unwrap_or(host).split('.').all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_looks_numeric_is_told_from_an_address_and_from_a_name() {
        for host in [
            "127.1",
            "0x7f.1",
            "0177.0.0.1",
            "2130706433",
            "0",
            "0x",
            "0X7F000001",
            "127.0.0.1.",
            "1.2.3.4.5",
            "1.2.3.256",
            "01.2.3.4",
        ] {
            assert!(looks_numeric(host), "{host}");
        }
        for host in [
            "127.0.0.1",
            "::1",
            "",
            ".",
            "a.1",
            "1.a",
            "0xg",
            "1..2",
            "x",
            "1-2",
            "::ffff:1.2.3.4",
            "3com.com",
        ] {
            assert!(!looks_numeric(host), "{host}");
        }
    }
}
