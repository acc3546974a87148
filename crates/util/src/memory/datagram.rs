//! Datagrams in memory.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use anynet_core::{
    Address, Attributes, Cause, Close, Closer, Datagram, Family, Latch, LocalAddress, PeerAddress,
    ReceiveError, Received, Request, SendError,
};

use super::turn::Turn;
use super::{MemoryNetwork, table};
use crate::Waiters;
use crate::signal::Signal;

/// The longest datagram: what fits into IPv4's packet beside the headers of IP and UDP.
const LONGEST: usize = 65_507;

/// How many datagrams a socket holds. Beyond that a send waits: nothing is dropped for want of room.
const CAPACITY: usize = 64;

/// A datagram socket in a [`MemoryNetwork`]: one that was bound, or one that
/// [`connect_datagram`](MemoryNetwork::connect_datagram) connected to its peer.
///
/// A datagram to an IP address that nobody has is lost, as on UDP, and a connected socket is told so once by the operation
/// after it; one to a UNIX address is `NotSent`.
pub struct MemoryDatagram {
    inbox: Arc<Inbox>,
    turn: Turn,
    network: MemoryNetwork,
}

/// The datagrams that have arrived, shared with closers and with whoever sends.
#[derive(Debug)]
pub(super) struct Inbox {
    latch: Latch,
    /// For those who wait for room elsewhere.
    closed: Signal,
    address: Address,
    peer: Option<Address>,
    state: Mutex<State>,
    receiving: Waiters,
    /// Whoever waits for room here.
    sending: Waiters,
    network: MemoryNetwork,
}

#[derive(Debug, Default)]
struct State {
    arrived: VecDeque<(Vec<u8>, Address)>,
    /// Nobody was there for a datagram, and nobody was told so yet.
    refused: bool,
}

impl MemoryDatagram {
    pub(super) fn new(inbox: Arc<Inbox>, network: MemoryNetwork) -> Self {
        Self {
            inbox,
            turn: Turn::default(),
            network,
        }
    }

    /// What closes the socket from another task.
    pub fn closer(&self) -> Closer {
        let inbox: Arc<dyn Close> = self.inbox.clone();
        Closer::new(Arc::downgrade(&inbox))
    }

    /// Where a datagram to `to` goes, and the address that it comes from.
    fn route(&self, to: &Address) -> (Option<Arc<Inbox>>, Address) {
        let to = to
            .socket_addr()
            .map_or_else(|| to.clone(), |ip| table::destination(ip).into());
        let owner = self.network.table().inboxes.at(&to);
        // One that is bound to every address sends from the one that it sends to, all of which are this machine's.
        let from = match (self.inbox.address.socket_addr(), to.socket_addr()) {
            (Some(mut own), Some(to)) if own.ip().is_unspecified() => {
                own.set_ip(to.ip());
                own.into()
            }
            _ => self.inbox.address.clone(),
        };
        (owner, from)
    }

    fn refusal(&self, data: &[u8], to: &Address) -> Option<SendError> {
        let is_elsewhere = self.inbox.peer.as_ref().is_some_and(|peer| peer != to);
        if self.inbox.latch.is_closed() {
            Some(SendError::Closed)
        } else if is_elsewhere || to.family() != self.inbox.address.family() || to.port() == Some(0) {
            Some(SendError::NotSent(ErrorKind::InvalidInput.into()))
        } else if data.len() > LONGEST {
            Some(SendError::TooLong(Cause::from(ErrorKind::InvalidInput)))
        } else {
            self.inbox.refused().map(SendError::NotSent)
        }
    }

    /// What becomes of a datagram that nobody is there for.
    fn lose(&self, to: &Address) -> Result<(), SendError> {
        if to.family() == Family::Unix {
            return Err(SendError::NotSent(refused()));
        }
        if self.inbox.peer.is_some() {
            self.inbox.state().refused = true;
            self.inbox.receiving.wake();
        }
        Ok(())
    }
}

impl Inbox {
    pub(super) fn new(address: Address, peer: Option<Address>, network: MemoryNetwork) -> Self {
        Self {
            latch: Latch::new(),
            closed: Signal::default(),
            address,
            peer,
            state: Mutex::default(),
            receiving: Waiters::new(),
            sending: Waiters::new(),
            network,
        }
    }

    fn try_receive(&self, buf: &mut [u8]) -> Poll<Result<(Received, Address), ReceiveError>> {
        let mut state = self.state();
        if self.latch.is_closed() {
            return Poll::Ready(Err(ReceiveError::Closed));
        }
        if buf.is_empty() {
            return Poll::Ready(Err(ReceiveError::EmptyBuffer));
        }
        if std::mem::take(&mut state.refused) {
            return Poll::Ready(Err(ReceiveError::Undelivered(refused())));
        }
        let Some((data, from)) = state.arrived.pop_front() else {
            return Poll::Pending;
        };
        drop(state);
        self.sending.wake();
        let length = data.len().min(buf.len());
        buf[..length].copy_from_slice(&data[..length]);
        Poll::Ready(Ok((Received::new(length, data.len() > length), from)))
    }

    /// That an earlier datagram was refused, once.
    fn refused(&self) -> Option<Cause> {
        std::mem::take(&mut self.state().refused).then(refused)
    }

    /// Takes a datagram, if there is room. `false`: the socket was closed. One from anybody but its peer is lost.
    fn try_take(&self, data: &[u8], from: &Address) -> Poll<bool> {
        let mut state = self.state();
        if self.latch.is_closed() {
            return Poll::Ready(false);
        }
        if self.peer.as_ref().is_some_and(|peer| peer != from) {
            return Poll::Ready(true);
        }
        if state.arrived.len() >= CAPACITY {
            return Poll::Pending;
        }
        state.arrived.push_back((data.to_vec(), from.clone()));
        drop(state);
        self.receiving.wake();
        Poll::Ready(true)
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
        let arrived = std::mem::take(&mut self.state().arrived);
        drop(arrived);
        self.receiving.wake();
        self.sending.wake();
        self.closed.set();
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
            .provide_some(|| self.inbox.peer.clone().map(PeerAddress))
            .provide(|| self.inbox.address.family())
            .provide(|| self.closer());
    }
}

impl Datagram for MemoryDatagram {
    async fn receive(&self, buf: &mut [u8]) -> Result<Received, ReceiveError> {
        Ok(self.receive_from(buf).await?.0)
    }

    async fn receive_from(&self, buf: &mut [u8]) -> Result<(Received, Address), ReceiveError> {
        self.turn.begin().await;
        self.inbox.receiving.until(|| self.inbox.try_receive(buf)).await
    }

    async fn send(&self, data: &[u8]) -> Result<(), SendError> {
        match &self.inbox.peer {
            Some(peer) => self.send_to(data, peer).await,
            None if self.inbox.latch.is_closed() => Err(SendError::Closed),
            None => Err(SendError::NotSent(ErrorKind::NotConnected.into())),
        }
    }

    async fn send_to(&self, data: &[u8], to: &Address) -> Result<(), SendError> {
        self.turn.begin().await;
        if let Some(refused) = self.refusal(data, to) {
            return Err(refused);
        }
        let (Some(owner), from) = self.route(to) else {
            return self.lose(to);
        };
        let handed_over = owner.sending.until(|| owner.try_take(data, &from));
        match self.inbox.closed.unless_set(handed_over).await {
            None => Err(SendError::Closed),
            Some(true) => Ok(()),
            Some(false) => self.lose(to),
        }
    }
}

/// Why nobody received a datagram.
fn refused() -> Cause {
    ErrorKind::ConnectionRefused.into()
}

impl fmt::Debug for MemoryDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDatagram")
            .field("address", &self.inbox.address)
            .finish_non_exhaustive()
    }
}
