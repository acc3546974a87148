//! tokio as a runtime.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{LazyLock, Mutex, PoisonError};

use anynet_core::{Runtime, Waits};
use tokio::runtime::{Handle, Id};

use crate::TokioSource;

/// Who waits, for each runtime that somebody waits on: a handle has no room for it, and equal handles are one runtime.
static WAITS: LazyLock<Mutex<HashMap<Id, Waits>>> = LazyLock::new(Mutex::default);

/// tokio as a runtime: the one that a [`Handle`] belongs to.
///
/// Sockets made on it are driven by that runtime, whoever awaits them. They work on another executor too, as long as
/// their own runtime is being driven: a runtime that is only *entered*, a current-thread one without a `block_on`, drives
/// nothing, and awaiting its sockets there waits for ever. Once a runtime was shut down, its sockets answer with errors.
///
/// # Panics
///
/// A runtime that was built without `enable_io` panics, with tokio's own message, when a socket is made on it; one without
/// `enable_time` when a sleep is made. Nothing can be asked beforehand.
#[derive(Clone, Debug)]
pub struct Tokio(Handle);

impl Tokio {
    /// The runtime of `handle`.
    pub fn new(handle: Handle) -> Self {
        Self(handle)
    }

    /// The handle of the runtime.
    pub fn handle(&self) -> &Handle {
        &self.0
    }
}

impl Runtime for Tokio {
    type Source = TokioSource;

    fn name(&self) -> &'static str {
        "tokio"
    }

    /// # Errors
    ///
    /// Outside a tokio runtime.
    fn current() -> io::Result<Self> {
        Handle::try_current().map(Self).map_err(|error| {
            let message =
                format!("there is no tokio runtime here, as `run` or `#[tokio::main]` start one: {error}");
            io::Error::other(message)
        })
    }

    fn register(&self, fd: OwnedFd) -> io::Result<TokioSource> {
        TokioSource::new(fd, self.0.clone())
    }

    fn waits(&self) -> Waits {
        let mut waits = WAITS.lock().unwrap_or_else(PoisonError::into_inner);
        waits.retain(|_, waits| !waits.is_unused()); // a clone comes only from here, and so not meanwhile
        waits.entry(self.0.id()).or_default().clone()
    }
}
