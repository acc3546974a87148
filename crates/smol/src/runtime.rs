//! smol as a runtime.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, LazyLock, Weak};

use anynet_core::{Runtime, Waits};

use crate::SmolSource;

/// Who waits: the reactor is one for the process, and so is this.
static WAITS: LazyLock<Waits> = LazyLock::new(Waits::new);

/// smol as a runtime: its global executor, or one of your own, and the reactor of async-io.
///
/// async-io has one reactor for the process, driven by whichever thread is in `block_on` or else by a thread that
/// async-io keeps for it; it is never shut down. So sockets made here work on any executor, at any time.
#[derive(Clone, Debug, Default)]
pub struct Smol(
    /// Weak, for every socket has one, and the executor's own tasks have sockets.
    Option<Weak<smol::Executor<'static>>>,
);

impl Smol {
    /// Spawns on smol's global executor, which starts its own thread on first use.
    pub fn new() -> Self {
        Self(None)
    }

    /// Spawns on `executor`, which its owner runs, and keeps alive: this does not, nor does a socket made with it. When the
    /// executor is dropped, its tasks are, with the sockets that they hold; what is spawned after that is dropped at once,
    /// and never completes.
    pub fn with_executor(executor: &Arc<smol::Executor<'static>>) -> Self {
        Self(Some(Arc::downgrade(executor)))
    }

    /// The executor of one's own that it spawns on; `None` for the global one, and for one that is gone.
    pub fn executor(&self) -> Option<Arc<smol::Executor<'static>>> {
        self.0.as_ref().and_then(Weak::upgrade)
    }

    /// Spawns `future` where tasks of this go. `None`: that is gone.
    pub(crate) fn start<F>(&self, future: F) -> Option<smol::Task<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match &self.0 {
            Some(own) => own.upgrade().map(|own| own.spawn(future)),
            None => Some(smol::spawn(future)),
        }
    }
}

impl Runtime for Smol {
    type Source = SmolSource;

    fn name(&self) -> &'static str {
        "smol"
    }

    /// Always succeeds: smol's executor and reactor are global, so there is nothing to be outside of.
    fn current() -> io::Result<Self> {
        Ok(Self::new())
    }

    fn register(&self, fd: OwnedFd) -> io::Result<SmolSource> {
        SmolSource::new(fd)
    }

    fn waits(&self) -> Waits {
        WAITS.clone()
    }
}
