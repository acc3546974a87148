//! What a receive or a send is asked for beside the bytes, and what a received message says of itself.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

use libc::c_int;

/// The flags of recv(2) and send(2): what an operation is asked for, and what a received message says of itself.
///
/// They are combined with `|`. Those of a system that have no name here are made with [`from_bits`](Self::from_bits).
/// The operations add those that they need themselves: a send never raises `SIGPIPE`, a received descriptor is
/// close-on-exec, and nothing blocks.
///
/// ```
/// use anynet_sockets::MessageFlags;
///
/// let flags = MessageFlags::PEEK | MessageFlags::TRUNCATED;
/// assert!(flags.contains(MessageFlags::PEEK) && !flags.contains(MessageFlags::OUT_OF_BAND));
/// assert!(MessageFlags::NONE.is_empty());
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct MessageFlags(c_int);

impl MessageFlags {
    /// Nothing special.
    pub const NONE: Self = Self(0);
    /// Look at what is there without taking it (`MSG_PEEK`). Descriptors that are looked at are opened all the same.
    pub const PEEK: Self = Self(libc::MSG_PEEK);
    /// Urgent data (`MSG_OOB`).
    pub const OUT_OF_BAND: Self = Self(libc::MSG_OOB);
    /// Asked for (Linux): say the datagram's true length, also where the buffer was too small for it. Said: the datagram
    /// was longer than the buffer, and its rest is gone (`MSG_TRUNC`).
    pub const TRUNCATED: Self = Self(libc::MSG_TRUNC);
    /// Said: there was control data that found no room (`MSG_CTRUNC`). Descriptors among it were closed by the system.
    pub const CONTROL_TRUNCATED: Self = Self(libc::MSG_CTRUNC);
    /// The end of a record (`MSG_EOR`).
    pub const END_OF_RECORD: Self = Self(libc::MSG_EOR);
    /// Send without a router, to hosts on the same network only (`MSG_DONTROUTE`).
    pub const DONT_ROUTE: Self = Self(libc::MSG_DONTROUTE);
    /// More follows: keep what is sent until it is there too (`MSG_MORE`). On UDP both become one datagram.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const MORE: Self = Self(libc::MSG_MORE);
    /// Receive from the queue of errors instead (`MSG_ERRQUEUE`, ip(7)). A receive that has to wait for one takes a second
    /// descriptor for as long as that lasts; on smol it keeps a processor busy while something else waits to be received.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const ERROR_QUEUE: Self = Self(libc::MSG_ERRQUEUE);
    /// The neighbour has answered, so do not ask for its address again (`MSG_CONFIRM`).
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub const CONFIRM: Self = Self(libc::MSG_CONFIRM);

    /// Flags as the system numbers them.
    pub const fn from_bits(bits: i32) -> Self {
        Self(bits)
    }

    /// The flags as the system numbers them.
    pub const fn bits(self) -> i32 {
        self.0
    }

    /// Whether all of `other` are among these.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for MessageFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for MessageFlags {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl fmt::Debug for MessageFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageFlags({:#x})", self.0)
    }
}
