//! What a look-up is asked for beside the names.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// A set of flags with names, combined with `|`.
macro_rules! flags {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $flag:ident = $bit:expr;)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name(u8);

        impl $name {
            /// Nothing special.
            pub const NONE: Self = Self(0);
            $($(#[$doc])* pub const $flag: Self = Self(1 << $bit);)*

            /// Whether all of `other` are among these.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether there are none.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }
        }

        impl BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl BitOrAssign for $name {
            fn bitor_assign(&mut self, other: Self) {
                *self = *self | other;
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let all = [$((Self::$flag, stringify!($flag))),*];
                let set = all.iter().filter(|(flag, _)| self.contains(*flag));
                let mut separator = "";
                for (_, name) in set {
                    write!(f, "{separator}{name}")?;
                    separator = " | ";
                }
                if self.is_empty() { f.write_str("NONE") } else { Ok(()) }
            }
        }
    };
}

flags! {
    /// What a [`Lookup`](crate::Lookup) is asked for: the flags of getaddrinfo(3).
    ///
    /// None is the default. `AI_IDN` has no name here: names that are not ASCII are always encoded, and the same way
    /// everywhere.
    LookupFlags {
        /// Without a host, the addresses to listen on: the unspecified ones (`AI_PASSIVE`).
        PASSIVE = 0;
        /// Say the host's canonical name, with the first address (`AI_CANONNAME`).
        CANONICAL_NAME = 1;
        /// The host is a literal address: a name is an error, and nobody is asked for it (`AI_NUMERICHOST`).
        NUMERIC_HOST = 2;
        /// The service is a port: a name is an error, and nobody is asked for it (`AI_NUMERICSERV`).
        NUMERIC_SERVICE = 3;
        /// With the family IPv6: a host that has only IPv4 addresses has them as IPv6 ones, `::ffff:a.b.c.d`
        /// (`AI_V4MAPPED`).
        V4_MAPPED = 4;
        /// With [`V4_MAPPED`](Self::V4_MAPPED): IPv4 addresses beside the IPv6 ones, too (`AI_ALL`).
        ALL = 5;
        /// Only families that this host has an address of, loopback not counted (`AI_ADDRCONFIG`). It hides `::1` on hosts
        /// without IPv6 but for loopback.
        ADDRESS_CONFIG = 6;
    }
}

flags! {
    /// What a look-up of an address's name is asked for: the flags of getnameinfo(3).
    NameFlags {
        /// The host as an address (`NI_NUMERICHOST`).
        NUMERIC_HOST = 0;
        /// The service as a port (`NI_NUMERICSERV`).
        NUMERIC_SERVICE = 1;
        /// A host without a name is an error; without this flag its address is told (`NI_NAMEREQD`).
        NAME_REQUIRED = 2;
        /// The name of the service over UDP, where it differs from that over TCP (`NI_DGRAM`).
        DATAGRAM = 3;
        /// Of a host in our own domain only the first part of the name (`NI_NOFQDN`).
        NO_DOMAIN = 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_a_set() {
        let both = LookupFlags::PASSIVE | LookupFlags::ALL;
        assert!(both.contains(LookupFlags::ALL) && !LookupFlags::ALL.contains(both));
        assert!(both.contains(LookupFlags::NONE) && !both.is_empty());
        assert!(LookupFlags::NONE.is_empty());
        assert_eq!(format!("{both:?}"), "PASSIVE | ALL");
        assert_eq!(format!("{:?}", LookupFlags::NONE), "NONE");
    }
}
