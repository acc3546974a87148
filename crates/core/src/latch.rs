//! What a stream never forgets: that it was closed here, or why it broke.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Cause;

/// The memory of one connection, shared by all its handles: closed by us, and the first cause that broke it.
///
/// One implementation for sockets, TLS and networks in memory, so that they agree on the order of checks:
///
/// 1. **closed** is asked on entry of every operation: one relaxed load;
/// 2. **broken** is asked only when the transport reports an end or an error, and by an empty send. It turns what would
///    look like a clean end into the failure that it is: after a reset was seen by a send, most systems report an
///    ordinary end to the next receive.
///
/// ```
/// use anynet_core::{Cause, Latch};
/// use std::io::ErrorKind;
///
/// let latch = Latch::new();
/// assert_eq!(latch.break_with(ErrorKind::ConnectionReset.into()).kind(), ErrorKind::ConnectionReset);
/// // The first cause stays.
/// assert_eq!(latch.break_with(ErrorKind::BrokenPipe.into()).kind(), ErrorKind::ConnectionReset);
/// assert!(latch.close(), "the first close");
/// assert!(!latch.close(), "and the second");
/// ```
#[derive(Debug, Default)]
pub struct Latch {
    closed: AtomicBool,
    broken: OnceLock<Cause>,
}

impl Latch {
    /// Open and whole.
    pub const fn new() -> Self {
        Self {
            closed: AtomicBool::new(false),
            broken: OnceLock::new(),
        }
    }

    /// Whether our side closed it. Relaxed: a call that races with the close may still go through.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Marks it closed for good, and says whether this call was the first to do so.
    pub fn close(&self) -> bool {
        !self.closed.swap(true, Ordering::AcqRel)
    }

    /// Marks it broken for good. Returns the cause that holds, which is the first one.
    pub fn break_with(&self, cause: Cause) -> Cause {
        self.broken.get_or_init(|| cause).clone()
    }

    /// Why it broke, if it did.
    pub fn broken(&self) -> Option<Cause> {
        self.broken.get().cloned()
    }
}
