//! Who has which address, by which names, and what the ways to them are like.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Weak};
use std::time::Duration;

use anynet_core::{Address, UnixAddress};

use super::datagram::Inbox;
use super::listener::Queue;
use crate::TableResolver;

/// The ports that the network chooses from (RFC 6335, section 6).
const FIRST_PORT: u16 = 49152;

/// What the sockets of one network have in common.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) names: TableResolver,
    pub(super) ways: HashMap<IpAddr, Way>,
    pub(super) listeners: Owners<Queue>,
    pub(super) inboxes: Owners<Inbox>,
    last_port: u16,
}

/// What becomes of a connect to an IP address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way {
    /// It is answered, or refused, after this long; never, if it is too long for the clock.
    Takes(Duration),
    /// There is no way.
    None,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            names: TableResolver::new(),
            ways: HashMap::new(),
            listeners: Owners(Vec::new()),
            inboxes: Owners(Vec::new()),
            last_port: u16::MAX,
        }
    }

    /// An address for a client of `server`: the same, with the next port that nobody listens on.
    pub(super) fn client(&mut self, server: SocketAddr) -> SocketAddr {
        let mut client = server;
        for _ in FIRST_PORT..=u16::MAX {
            client.set_port(self.next_port());
            if !self.listeners.is_taken(&client.into()) {
                break;
            }
        }
        client
    }

    fn next_port(&mut self) -> u16 {
        self.last_port = self.last_port.checked_add(1).unwrap_or(FIRST_PORT);
        self.last_port
    }

    /// Gives `address` an owner among the listeners, with a port if it has none. The owner is made for the address.
    pub(super) fn listen(
        &mut self,
        address: Address,
        make: impl FnOnce(Address) -> Queue,
    ) -> Result<Arc<Queue>, ErrorKind> {
        let address = self.with_port(address, |table, address| table.listeners.is_taken(address))?;
        Ok(self.listeners.add(address, make))
    }

    /// As [`listen`](Self::listen), for datagrams.
    pub(super) fn bind(
        &mut self,
        address: Address,
        make: impl FnOnce(Address) -> Inbox,
    ) -> Result<Arc<Inbox>, ErrorKind> {
        let address = self.with_port(address, |table, address| table.inboxes.is_taken(address))?;
        Ok(self.inboxes.add(address, make))
    }

    fn with_port(
        &mut self,
        address: Address,
        is_taken: impl Fn(&Self, &Address) -> bool,
    ) -> Result<Address, ErrorKind> {
        let Some(mut ip) = address.socket_addr().filter(|ip| ip.port() == 0) else {
            let taken = is_taken(self, &address);
            return if taken {
                Err(ErrorKind::AddrInUse)
            } else {
                Ok(address)
            };
        };
        for _ in FIRST_PORT..=u16::MAX {
            ip.set_port(self.next_port());
            if !is_taken(self, &ip.into()) {
                return Ok(ip.into());
            }
        }
        Err(ErrorKind::AddrInUse)
    }
}

/// Who has which address. Those that are gone are forgotten when somebody asks.
#[derive(Debug)]
pub(super) struct Owners<T>(Vec<(Address, Weak<T>)>);

impl<T> Owners<T> {
    fn add(&mut self, address: Address, make: impl FnOnce(Address) -> T) -> Arc<T> {
        let owner = Arc::new(make(address.clone()));
        self.0.push((address, Arc::downgrade(&owner)));
        owner
    }

    /// Takes the address from `owner`.
    pub(super) fn remove(&mut self, owner: &T) {
        self.0.retain(|(_, it)| !std::ptr::eq(it.as_ptr(), owner));
    }

    /// Whether the address collides with another, as it does with an unspecified one of the same port.
    ///
    /// Any number of sockets may have no name.
    fn is_taken(&self, address: &Address) -> bool {
        !is_unnamed(address)
            && self.0.iter().any(|(other, owner)| {
                owner.strong_count() > 0
                    && (other == address || covers(other, address) || covers(address, other))
            })
    }

    /// Who is reached at the address: its owner, else that of the unspecified address.
    pub(super) fn at(&self, address: &Address) -> Option<Arc<T>> {
        if is_unnamed(address) {
            return None;
        }
        let exact = self.0.iter().filter(|(other, _)| other == address);
        let wide = self.0.iter().filter(|(other, _)| covers(other, address));
        exact.chain(wide).find_map(|(_, owner)| owner.upgrade())
    }
}

fn is_unnamed(address: &Address) -> bool {
    address.unix() == Some(&UnixAddress::Unnamed)
}

/// Whether `wide` is the unspecified address of the family and port of `address`.
fn covers(wide: &Address, address: &Address) -> bool {
    match (wide.socket_addr(), address.socket_addr()) {
        (Some(wide), Some(address)) => {
            wide.ip().is_unspecified() && wide.is_ipv4() == address.is_ipv4() && wide.port() == address.port()
        }
        _ => false,
    }
}

/// Where a packet to `address` goes: one to an unspecified address stays on this machine.
pub(super) fn destination(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}
