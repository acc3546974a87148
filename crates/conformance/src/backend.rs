//! What a backend tells the suite about itself.

use std::fmt;

use anynet_core::{BoxFuture, BoxNetwork, BoxRuntime};

use crate::{Ground, StreamKind};

/// What a case does, on the runtime that it is given.
pub type Body = Box<dyn FnOnce(BoxRuntime) -> BoxFuture<'static, ()> + Send>;

/// One configuration of a runtime under test.
#[derive(Clone, Copy)]
pub struct Backend {
    /// The first part of its trials' names.
    pub name: &'static str,
    /// Makes a runtime, runs the body on it to its end, and shuts it down. A panic of the body is passed on.
    ///
    /// Where the runtime has worker threads, the body belongs into a task of its own, so that the cases move between
    /// them.
    pub run: fn(Body),
    /// Makes a further runtime, one that can be shut down on its own. `None` where a runtime never ends.
    pub second: Option<fn() -> Second>,
    /// The cases that this backend is known to fail.
    pub deviations: &'static [Deviation],
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a case does, on the network that it is given.
pub type NetworkBody = Box<dyn FnOnce(BoxNetwork) -> BoxFuture<'static, ()> + Send>;

/// A network under test that is not made of descriptors. The cases that need none run on it.
#[derive(Clone, Copy)]
pub struct NetworkBackend {
    /// The first part of its trials' names.
    pub name: &'static str,
    /// Makes a network, runs the body on it to its end, and shuts it down. A panic of the body is passed on.
    pub run: fn(NetworkBody),
    /// Whether its clock stands still while anybody works, as in memory. The cases about time then ask for the very
    /// millisecond, else only that nothing comes before its time.
    pub is_clock_exact: bool,
    /// The kinds of stream that it has beside those that connect and are accepted.
    pub streams: &'static [StreamKind<Ground>],
    /// The cases that it is known to fail.
    pub deviations: &'static [Deviation],
}

impl fmt::Debug for NetworkBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetworkBackend")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A runtime that is being driven, and how to end it.
pub struct Second {
    /// The runtime.
    pub runtime: BoxRuntime,
    /// Shuts it down, without waiting for what its tasks wait for. Afterwards nothing of it runs any more.
    pub shut_down: Box<dyn FnOnce() + Send>,
}

impl fmt::Debug for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Second")
            .field("runtime", &self.runtime)
            .finish_non_exhaustive()
    }
}

/// A case that a backend is known to fail, and why. It is still run, and must still fail: a deviation that passes fails
/// the suite, and so does one that names no case.
#[derive(Clone, Copy, Debug)]
pub struct Deviation {
    /// The case, as `module::name`.
    pub case: &'static str,
    /// Why it fails there.
    pub reason: &'static str,
}
