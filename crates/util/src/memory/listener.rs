//! Listening in memory.

use std::collections::VecDeque;
use std::fmt;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use anynet_core::{AcceptError, Address, Attributes, Close, Closer, Latch, Listener, LocalAddress, Request};

use super::turn::Turn;
use super::{MemoryNetwork, MemoryStream};
use crate::Waiters;

/// How many connections wait to be accepted; a further connect waits with them.
const BACKLOG: usize = 128;

/// Accepts connections in a [`MemoryNetwork`]. Its address is free again once it is closed or dropped; the connections
/// that nobody has accepted are reset then.
pub struct MemoryListener {
    queue: Arc<Queue>,
    turn: Turn,
    network: MemoryNetwork,
}

/// The connections that wait, shared with closers and with whoever connects.
#[derive(Debug)]
pub(super) struct Queue {
    latch: Latch,
    address: Address,
    waiting: Mutex<VecDeque<MemoryStream>>,
    accepting: Waiters,
    connecting: Waiters,
    network: MemoryNetwork,
}

impl MemoryListener {
    pub(super) fn new(queue: Arc<Queue>, network: MemoryNetwork) -> Self {
        Self {
            queue,
            turn: Turn::default(),
            network,
        }
    }

    /// What closes the listener from another task.
    pub fn closer(&self) -> Closer {
        let queue: Arc<dyn Close> = self.queue.clone();
        Closer::new(Arc::downgrade(&queue))
    }
}

impl Queue {
    pub(super) fn new(address: Address, network: MemoryNetwork) -> Self {
        Self {
            latch: Latch::new(),
            address,
            waiting: Mutex::default(),
            accepting: Waiters::new(),
            connecting: Waiters::new(),
            network,
        }
    }

    /// Puts the far end of a connection into the queue, once there is room.
    pub(super) async fn connect(&self, far: MemoryStream) -> Result<(), ErrorKind> {
        let mut far = Some(far);
        self.connecting.until(|| self.try_connect(&mut far)).await
    }

    fn try_connect(&self, far: &mut Option<MemoryStream>) -> Poll<Result<(), ErrorKind>> {
        let mut waiting = self.waiting();
        if self.latch.is_closed() {
            return Poll::Ready(Err(ErrorKind::ConnectionRefused));
        }
        if waiting.len() >= BACKLOG {
            return Poll::Pending;
        }
        waiting.extend(far.take());
        drop(waiting);
        self.accepting.wake();
        Poll::Ready(Ok(()))
    }

    fn try_accept(&self) -> Poll<Result<MemoryStream, AcceptError>> {
        let mut waiting = self.waiting();
        if self.latch.is_closed() {
            return Poll::Ready(Err(AcceptError::Closed));
        }
        let Some(stream) = waiting.pop_front() else {
            return Poll::Pending;
        };
        drop(waiting);
        self.connecting.wake();
        Poll::Ready(Ok(stream))
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<MemoryStream>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Close for Queue {
    fn close(self: Arc<Self>) {
        if !self.latch.close() {
            return;
        }
        self.network.table().listeners.remove(&self);
        let waiting = std::mem::take(&mut *self.waiting());
        waiting.into_iter().for_each(|mut stream| stream.abort());
        self.accepting.wake();
        self.connecting.wake();
    }

    fn abort(self: Arc<Self>) {
        self.close();
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        Close::close(self.queue.clone());
    }
}

impl Attributes for MemoryListener {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        request
            .provide(|| LocalAddress(self.queue.address.clone()))
            .provide(|| self.queue.address.family())
            .provide(|| self.closer());
    }
}

impl Listener for MemoryListener {
    type Stream = MemoryStream;
    type Executor = MemoryNetwork;

    fn executor(&self) -> &MemoryNetwork {
        &self.network
    }

    async fn accept(&self) -> Result<MemoryStream, AcceptError> {
        self.turn.begin().await;
        self.queue.accepting.until(|| self.queue.try_accept()).await
    }
}

impl fmt::Debug for MemoryListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryListener")
            .field("address", &self.queue.address)
            .finish_non_exhaustive()
    }
}
