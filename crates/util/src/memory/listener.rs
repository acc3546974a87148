//! Listening in memory.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use anynet_core::{AcceptError, Address, Attributes, Close, Closer, Latch, Listener, LocalAddress, Request};

use super::turn::Turn;
use super::wakers::Wakers;
use super::{MemoryNetwork, MemoryStream};

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
    state: Mutex<State>,
    network: MemoryNetwork,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<MemoryStream>,
    accepting: Wakers,
    connecting: Wakers,
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
            state: Mutex::default(),
            network,
        }
    }

    /// Puts the far end of a connection into the queue, once there is room.
    pub(super) fn poll_connect(
        &self,
        cx: &Context<'_>,
        far: &mut Option<MemoryStream>,
    ) -> Poll<Result<(), ErrorKind>> {
        let mut state = self.state();
        if self.latch.is_closed() {
            return Poll::Ready(Err(ErrorKind::ConnectionRefused));
        }
        if state.waiting.len() >= BACKLOG {
            state.connecting.add(cx);
            return Poll::Pending;
        }
        state.waiting.extend(far.take());
        let accepting = state.accepting.take();
        drop(state);
        accepting.wake();
        Poll::Ready(Ok(()))
    }

    fn poll_accept(&self, cx: &Context<'_>) -> Poll<Result<MemoryStream, AcceptError>> {
        let mut state = self.state();
        if self.latch.is_closed() {
            return Poll::Ready(Err(AcceptError::Closed));
        }
        let Some(stream) = state.waiting.pop_front() else {
            state.accepting.add(cx);
            return Poll::Pending;
        };
        let connecting = state.connecting.take();
        drop(state);
        connecting.wake();
        Poll::Ready(Ok(stream))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Close for Queue {
    fn close(self: Arc<Self>) {
        if !self.latch.close() {
            return;
        }
        self.network.table().listeners.remove(&self);
        let State {
            waiting,
            accepting,
            connecting,
        } = std::mem::take(&mut *self.state());
        waiting.into_iter().for_each(|mut stream| stream.abort());
        accepting.wake();
        connecting.wake();
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
        poll_fn(|cx| self.queue.poll_accept(cx)).await
    }
}

impl fmt::Debug for MemoryListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryListener")
            .field("address", &self.queue.address)
            .finish_non_exhaustive()
    }
}
