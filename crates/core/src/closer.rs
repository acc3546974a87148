//! Closing from another task.

use std::fmt;
use std::sync::{Arc, Weak};

/// What a [`Closer`] closes. Streams and listeners implement it for the state that their handles share.
///
/// The `Arc` is the closer's own, for the time of the call. An implementation lets go of it before it wakes anybody: an
/// owner that closes in that moment waits until it has the state to itself.
pub trait Close: Send + Sync {
    /// Marks every handle closed and wakes whoever waits on one, with `Closed`. Idempotent; never blocks.
    fn close(self: Arc<Self>);

    /// As [`close`](Self::close), and tells the peer at once by a reset. What was sent but not delivered is lost.
    fn abort(self: Arc<Self>);
}

/// Closes a stream or a listener from another task.
///
/// Asked of any stream or listener as an [attribute](crate::AttributesExt::attribute), or by `closer()` on the sockets.
/// A blocked receive, send or accept wakes with `Closed`, and so does every later call. The wake-up happens inside this
/// process, never by `shutdown(2)`: a duplicate of the descriptor, here or in another process, goes on working.
///
/// The descriptor itself is released by its owner: as soon as one of the owner's calls has answered `Closed`, or when
/// the owner is dropped; a listener, which is shared by reference, when it is dropped. A closer does not keep anything alive: once all handles are gone its calls do nothing.
///
/// * [`close`](Self::close) ends the connection in order: what was sent arrives, then the end. A send that was under way
///   is cut, and the peer cannot tell that from a complete message; use [`abort`](Self::abort) where it must.
/// * [`abort`](Self::abort) ends the connection at once, by a reset where its transport has one (TCP, a network in memory; a
///   UNIX stream has none, and its peer sees an end).
#[derive(Clone)]
pub struct Closer(Weak<dyn Close>);

impl Closer {
    /// A closer of what `target` points to.
    pub fn new(target: Weak<dyn Close>) -> Self {
        Self(target)
    }

    /// Closes in order; see [`Close::close`].
    pub fn close(&self) {
        if let Some(target) = self.0.upgrade() {
            target.close();
        }
    }

    /// Resets the connection, where its transport can; see [`Close::abort`]. A listener is closed.
    pub fn abort(&self) {
        if let Some(target) = self.0.upgrade() {
            target.abort();
        }
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closer")
            .field("alive", &(self.0.strong_count() > 0))
            .finish()
    }
}
