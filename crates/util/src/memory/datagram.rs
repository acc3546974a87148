//! Datagrams in memory.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use anynet_core::{
    Address, Attributes, Cause, Close, Closer, Datagram, Family, Latch, LocalAddress, ReceiveError, Received,
    Request, SendError,
};

use super::wakers::Wakers;
use super::{MemoryNetwork, table};

/// The longest datagram: what fits into IPv4's packet beside the headers of IP and UDP.
const LONGEST: usize = 65_507;

/// How many datagrams a socket holds. Beyond that a send waits: nothing is dropped for want of room.
const CAPACITY: usize = 64;

/// A datagram socket in a [`MemoryNetwork`]. It is not connected to any peer.
///
/// A datagram to an IP address that nobody has is lost, as on UDP; one to a UNIX address is `NotSent`.
pub struct MemoryDatagram {
    inbox: Arc<Inbox>,
    network: MemoryNetwork,
}

/// The datagrams that have arrived, shared with closers and with whoever sends.
#[derive(Debug)]
pub(super) struct Inbox {
    latch: Latch,
    address: Address,
    state: Mutex<State>,
    network: MemoryNetwork,
}

#[derive(Debug, Default)]
struct State {
    arrived: VecDeque<(Vec<u8>, Address)>,
    receiving: Wakers,
    /// Whoever waits for room here, or to be told that this very socket was closed.
    sending: Wakers,
}

impl MemoryDatagram {
    pub(super) fn new(inbox: Arc<Inbox>, network: MemoryNetwork) -> Self {
        Self { inbox, network }
    }

    /// What closes the socket from another task.
    pub fn closer(&self) -> Closer {
        let inbox: Arc<dyn Close> = self.inbox.clone();
        Closer::new(Arc::downgrade(&inbox))
    }

    /// Where a datagram to `to` goes, and the address that it comes from.
    fn route(&self, to: &Address) -> (Option<Arc<Inbox>>, Address) {
        let to = to
            .ip()
            .map_or_else(|| to.clone(), |ip| table::destination(ip).into());
        let owner = self.network.table().inboxes.at(&to);
        // One that is bound to every address sends from the one that it sends to, all of which are this machine's.
        let from = match (self.inbox.address.ip(), to.ip()) {
            (Some(mut own), Some(to)) if own.ip().is_unspecified() => {
                own.set_ip(to.ip());
                own.into()
            }
            _ => self.inbox.address.clone(),
        };
        (owner, from)
    }

    fn refusal(&self, data: &[u8], to: &Address) -> Option<SendError> {
        if self.inbox.latch.is_closed() {
            Some(SendError::Closed)
        } else if to.family() != self.inbox.address.family() || to.port() == Some(0) {
            Some(SendError::NotSent(ErrorKind::InvalidInput.into()))
        } else if data.len() > LONGEST {
            Some(SendError::TooLong(Cause::from(ErrorKind::InvalidInput)))
        } else {
            None
        }
    }
}

impl Inbox {
    pub(super) fn new(address: Address, network: MemoryNetwork) -> Self {
        Self {
            latch: Latch::new(),
            address,
            state: Mutex::default(),
            network,
        }
    }

    fn poll_receive(
        &self,
        cx: &Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<(Received, Address), ReceiveError>> {
        let mut state = self.state();
        if self.latch.is_closed() {
            return Poll::Ready(Err(ReceiveError::Closed));
        }
        if buf.is_empty() {
            return Poll::Ready(Err(ReceiveError::EmptyBuffer));
        }
        let Some((data, from)) = state.arrived.pop_front() else {
            state.receiving.add(cx);
            return Poll::Pending;
        };
        let sending = state.sending.take();
        drop(state);
        sending.wake();
        let length = data.len().min(buf.len());
        buf[..length].copy_from_slice(&data[..length]);
        Poll::Ready(Ok((Received::new(length, data.len() > length), from)))
    }

    /// Takes a datagram, if there is room. One for a socket that was closed is lost.
    fn poll_take(&self, cx: &Context<'_>, data: &[u8], from: &Address) -> Poll<()> {
        let mut state = self.state();
        if self.latch.is_closed() {
            return Poll::Ready(());
        }
        if state.arrived.len() >= CAPACITY {
            state.sending.add(cx);
            return Poll::Pending;
        }
        state.arrived.push_back((data.to_vec(), from.clone()));
        let receiving = state.receiving.take();
        drop(state);
        receiving.wake();
        Poll::Ready(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Close for Inbox {
    fn close(self: Arc<Self>) {
        if !self.latch.close() {
            return;
        }
        self.network.table().inboxes.remove(&self);
        let State {
            arrived,
            receiving,
            sending,
        } = std::mem::take(&mut *self.state());
        drop(arrived);
        receiving.wake();
        sending.wake();
    }

    fn abort(self: Arc<Self>) {
        self.close();
    }
}

impl Drop for MemoryDatagram {
    fn drop(&mut self) {
        Close::close(self.inbox.clone());
    }
}

impl Attributes for MemoryDatagram {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        request
            .provide(|| LocalAddress(self.inbox.address.clone()))
            .provide(|| self.inbox.address.family())
            .provide(|| self.closer());
    }
}

impl Datagram for MemoryDatagram {
    async fn receive(&self, buf: &mut [u8]) -> Result<Received, ReceiveError> {
        Ok(self.receive_from(buf).await?.0)
    }

    async fn receive_from(&self, buf: &mut [u8]) -> Result<(Received, Address), ReceiveError> {
        poll_fn(|cx| self.inbox.poll_receive(cx, buf)).await
    }

    async fn send(&self, _: &[u8]) -> Result<(), SendError> {
        if self.inbox.latch.is_closed() {
            return Err(SendError::Closed);
        }
        Err(SendError::NotSent(ErrorKind::NotConnected.into()))
    }

    async fn send_to(&self, data: &[u8], to: &Address) -> Result<(), SendError> {
        if let Some(refused) = self.refusal(data, to) {
            return Err(refused);
        }
        let (Some(owner), from) = self.route(to) else {
            return match to.family() {
                Family::Unix => Err(SendError::NotSent(ErrorKind::ConnectionRefused.into())),
                _ => Ok(()),
            };
        };
        poll_fn(|cx| {
            // Its own close wakes it too.
            self.inbox.state().sending.add(cx);
            if self.inbox.latch.is_closed() {
                return Poll::Ready(Err(SendError::Closed));
            }
            owner.poll_take(cx, data, &from).map(Ok)
        })
        .await
    }
}

impl fmt::Debug for MemoryDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDatagram")
            .field("address", &self.inbox.address)
            .finish_non_exhaustive()
    }
}
