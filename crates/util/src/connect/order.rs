//! The order in which addresses are tried.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;

/// The families take turns, in the order of the resolver otherwise: RFC 8305, section 4, with a first address family count
/// of one. An address that comes again is left out.
pub(super) fn interleaved(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    if addresses.len() < 2 {
        return addresses;
    }
    let mut families = [VecDeque::new(), VecDeque::new()];
    let first_is_ipv4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let mut seen = HashSet::with_capacity(addresses.len());
    for address in addresses {
        if seen.insert(address) {
            families[usize::from(address.is_ipv4() != first_is_ipv4)].push_back(address);
        }
    }
    let [mut first, mut second] = families;
    let mut order = Vec::with_capacity(first.len() + second.len());
    while !(first.is_empty() && second.is_empty()) {
        order.extend(first.pop_front());
        order.extend(second.pop_front());
    }
    order
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    /// `4a` is an address of IPv4, `6a` one of IPv6.
    fn interleave(names: &str) -> String {
        let address = |name: &str| match name.as_bytes() {
            [b'4', letter] => SocketAddr::from((Ipv4Addr::new(192, 0, 2, *letter), 80)),
            [_, letter] => {
                SocketAddr::from((Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, (*letter).into()), 80))
            }
            _ => unreachable!("two letters each"),
        };
        let name = |address: SocketAddr| match address {
            SocketAddr::V4(address) => format!("4{}", char::from(address.ip().octets()[3])),
            SocketAddr::V6(address) => format!("6{}", char::from(address.ip().octets()[15])),
        };
        let order = interleaved(names.split_whitespace().map(address).collect());
        order.into_iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_families_take_turns_over_the_whole_list() {
        for (resolved, tried) in [
            ("", ""),
            ("4a", "4a"),
            ("6a 6b 6c", "6a 6b 6c"),
            ("6a 4a 6b 4b", "6a 4a 6b 4b"),
            ("4a 4b 6a 6b", "4a 6a 4b 6b"),
            ("6a 6b 6c 4a 4b", "6a 4a 6b 4b 6c"),
            ("6a 4a 4b 4c", "6a 4a 4b 4c"),
            ("4a 6a 4a 6a 4b", "4a 6a 4b"),
        ] {
            assert_eq!(interleave(resolved), tried, "of {resolved}");
        }
    }
}
