//! Names that are not ASCII, as those who keep names know them.

use anynet_core::{Lookup, ResolveError};

use super::numeric::looks_numeric;

/// `lookup` with its host encoded by IDNA 2008, after the mapping of UTS 46 without its transitional part, if it is not
/// ASCII. An ASCII host stays as it is: upper case, underscores and encoded names (`xn--…`) included.
pub(super) fn encoded(lookup: &Lookup) -> Result<Lookup, ResolveError> {
    let mut lookup = lookup.clone();
    let Some(host) = lookup.host.take_if(|host| !host.is_ascii()) else {
        return Ok(lookup);
    };
    let malformed = |reason| ResolveError::Malformed {
        text: host.clone(),
        reason,
    };
    lookup.host = Some(to_ascii(&host).map_err(malformed)?);
    // The mapping knows digits and dots of other scripts: what comes of them is no name.
    if lookup.literal().is_some() || lookup.host.as_deref().is_some_and(looks_numeric) {
        return Err(malformed(
            "the host stands for an address, which is written in ASCII",
        ));
    }
    lookup
        .validate()
        .map_err(|_| malformed("the host stands for no name"))?;
    Ok(lookup)
}

#[cfg(feature = "idna")]
fn to_ascii(host: &str) -> Result<String, &'static str> {
    match idna::domain_to_ascii_cow(host.as_bytes(), idna::AsciiDenyList::URL) {
        Ok(encoded) => Ok(encoded.into_owned()),
        Err(_) => Err("the host is no name by IDNA 2008"),
    }
}

#[cfg(not(feature = "idna"))]
fn to_ascii(_: &str) -> Result<String, &'static str> {
    Err("the host is not ASCII, and the feature `idna` is not compiled in")
}

#[cfg(all(test, feature = "idna"))]
mod tests {
    use super::*;

    fn encode(host: &str) -> Result<String, &'static str> {
        match encoded(&Lookup::new(host, 0)) {
            Ok(lookup) => Ok(lookup.host.unwrap()),
            Err(ResolveError::Malformed { text, reason }) => {
                assert_eq!(text, host, "the error shows the name as it was given");
                Err(reason)
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_that_is_not_ascii_is_encoded_by_idna_2008() {
        for (host, name) in [
            ("münchen.de", "xn--mnchen-3ya.de"),
            ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
            ("mu\u{308}nchen.de", "xn--mnchen-3ya.de"),
            ("faß.de", "xn--fa-hia.de"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("a_b.münchen.de", "a_b.xn--mnchen-3ya.de"),
            ("münchen.de.", "xn--mnchen-3ya.de."),
        ] {
            assert_eq!(encode(host).as_deref(), Ok(name), "{host}");
        }
    }

    #[test]
    fn an_ascii_name_stays_as_it_is() {
        for host in ["fass.de", "XN--fa-HIA.de", "UPPER_case", "xn--", "a..b", "-"] {
            assert_eq!(encode(host).as_deref(), Ok(host));
        }
    }

    #[test]
    fn a_name_that_cannot_be_encoded_is_refused() {
        for host in [
            "\u{200d}",
            "a\u{fffd}b",
            "xn--ü",
            "ü\u{ff05}41",
            "ü\u{ff0f}x",
            "\u{ad}",
            "\u{0301}a",
        ] {
            encode(host).expect_err(host);
        }
    }

    #[test]
    fn digits_of_other_scripts_make_no_address() {
        for host in ["１２７.0.0.1", "127。0。0。1", "１２７．１", "０x7f.1", "①27.1"] {
            encode(host).expect_err(host);
        }
    }
}
