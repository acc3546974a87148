//! A listener whose accepts fail as they are told.

use std::collections::VecDeque;
use std::sync::Mutex;

use anynet_core::{AcceptError, Attributes, Listener, Request};
use anynet_util::{MemoryListener, MemoryNetwork, MemoryStream};

/// Fails with each of these errors, one after the other, and accepts then.
pub(crate) struct Failing {
    listener: MemoryListener,
    errors: Mutex<VecDeque<AcceptError>>,
}

impl Failing {
    pub(crate) fn new(listener: MemoryListener, errors: impl IntoIterator<Item = AcceptError>) -> Self {
        Self {
            listener,
            errors: Mutex::new(errors.into_iter().collect()),
        }
    }
}

impl Attributes for Failing {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.listener.attributes(request);
    }
}

impl Listener for Failing {
    type Stream = MemoryStream;
    type Executor = MemoryNetwork;

    fn executor(&self) -> &MemoryNetwork {
        self.listener.executor()
    }

    async fn accept(&self) -> Result<MemoryStream, AcceptError> {
        let error = self.errors.lock().unwrap().pop_front();
        match error {
            Some(error) => Err(error),
            None => self.listener.accept().await,
        }
    }
}
