//! How many connections there may be: of all, of one peer, and in a second.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anynet_core::{Address, Attributes, AttributesExt, Executor, PeerAddress};

use super::statistics::Tally;

/// What is allowed, and what is there.
#[derive(Debug, Default)]
pub(super) struct Limits {
    pub(super) most: Option<usize>,
    pub(super) most_of_peer: Option<usize>,
    there: Mutex<There>,
}

#[derive(Debug, Default)]
struct There {
    all: usize,
    by_peer: HashMap<IpAddr, usize>,
}

/// A connection's place among those that are allowed. Given up when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    limits: Arc<Limits>,
    peer: Option<IpAddr>,
}

impl Limits {
    pub(super) fn of_all(most: usize) -> Self {
        Self {
            most: Some(most),
            ..Self::default()
        }
    }

    /// A place for `stream`, or why there is none. Without limits nobody needs one.
    pub(super) fn admit(self: &Arc<Self>, stream: &impl Attributes) -> Result<Option<Permit>, Tally> {
        if self.most.is_none() && self.most_of_peer.is_none() {
            return Ok(None);
        }
        let mut there = self.lock();
        if self.most.is_some_and(|most| there.all >= most) {
            return Err(Tally::Refused);
        }
        let peer = match self.most_of_peer {
            Some(most) => {
                let peer = peer(stream);
                if let Some(peer) = peer {
                    let count = there.by_peer.entry(peer).or_default();
                    if *count >= most {
                        if most == 0 {
                            there.by_peer.remove(&peer);
                        }
                        return Err(Tally::RefusedToPeer);
                    }
                    *count += 1;
                }
                peer
            }
            None => None,
        };
        there.all += 1;
        Ok(Some(Permit {
            limits: self.clone(),
            peer,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, There> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut there = self.limits.lock();
        there.all -= 1;
        if let Some(peer) = self.peer
            && let Some(count) = there.by_peer.get_mut(&peer)
        {
            *count -= 1;
            if *count == 0 {
                there.by_peer.remove(&peer);
            }
        }
    }
}

/// What counts as one peer: an IPv4 address, or the /64 network of an IPv6 one, which is what a customer has. UNIX peers
/// are not told apart.
fn peer(stream: &impl Attributes) -> Option<IpAddr> {
    let PeerAddress(Address::Ip(address)) = stream.attribute()? else {
        return None;
    };
    Some(match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
    })
}

/// How many connections may be taken in a second: those of one second at once, then evenly.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    /// When the next one would be due if all came evenly. Never more than a second ago.
    due: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            interval: Duration::from_secs(1) / per_second.max(1),
            due: Mutex::new(None),
        }
    }

    /// Waits until one more may be taken.
    pub(super) async fn wait(&self, executor: &impl Executor) {
        let wait = self.take(executor.now());
        if !wait.is_zero() {
            executor.sleep(wait).await;
        }
    }

    /// A connection came, and used the turn that was taken for it. What would have been saved up since then was not.
    pub(super) fn taken(&self, executor: &impl Executor) {
        self.used(executor.now());
    }

    fn used(&self, now: Instant) {
        let mut next = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (*next).max(Some(now + self.interval));
    }

    /// Takes a turn, and says how long it is until then.
    fn take(&self, now: Instant) -> Duration {
        const BURST: Duration = Duration::from_secs(1);
        let mut next = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        // `due` runs a second ahead of what is allowed, so that no instant before the clock's first is needed.
        let due = next.map_or(now, |due| due.max(now));
        *next = Some(due + self.interval);
        (due + self.interval).saturating_duration_since(now + BURST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anynet_core::Request;

    struct Peer(&'static str);

    impl Attributes for Peer {
        fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
            request.provide(|| PeerAddress(Address::Ip(self.0.parse().unwrap())));
        }
    }

    #[test]
    fn a_place_that_was_given_up_is_given_again() {
        let limits = Arc::new(Limits {
            most: Some(3),
            most_of_peer: Some(2),
            ..Limits::default()
        });
        let one = limits.admit(&Peer("192.0.2.1:1")).unwrap();
        let _two = limits.admit(&Peer("192.0.2.1:2")).unwrap();
        let refused = limits.admit(&Peer("192.0.2.1:3")).unwrap_err();
        assert!(matches!(refused, Tally::RefusedToPeer));
        let _three = limits.admit(&Peer("192.0.2.2:1")).unwrap();
        let refused = limits.admit(&Peer("192.0.2.3:1")).unwrap_err();
        assert!(matches!(refused, Tally::Refused));
        drop(one);
        limits.admit(&Peer("192.0.2.1:4")).unwrap();
        assert_eq!(limits.lock().all, 2);
        assert_eq!(limits.lock().by_peer.len(), 2);
    }

    #[test]
    fn a_peer_is_a_64_of_ipv6_and_a_mapped_address_is_ipv4() {
        let of = |text| peer(&Peer(text)).unwrap();
        assert_eq!(of("[2001:db8::1]:1"), of("[2001:db8::2]:1"));
        assert_ne!(of("[2001:db8::1]:1"), of("[2001:db8:0:1::1]:1"));
        assert_eq!(of("[::ffff:192.0.2.1]:1"), of("192.0.2.1:1"));
    }

    #[test]
    fn a_second_s_worth_comes_at_once_and_the_rest_evenly() {
        let pace = Pace::new(10);
        let start = Instant::now();
        for _ in 0..10 {
            assert_eq!(pace.take(start), Duration::ZERO);
        }
        assert_eq!(pace.take(start), Duration::from_millis(100));
        assert_eq!(pace.take(start), Duration::from_millis(200));
        let later = start + Duration::from_secs(10);
        assert_eq!(pace.take(later), Duration::ZERO);
    }

    #[test]
    fn a_turn_that_waited_for_its_connection_is_one_of_those_that_come_at_once() {
        let pace = Pace::new(10);
        let start = Instant::now();
        assert_eq!(pace.take(start), Duration::ZERO);
        let later = start + Duration::from_secs(10);
        let mut at_once = 0;
        loop {
            pace.used(later);
            at_once += 1;
            if !pace.take(later).is_zero() {
                break;
            }
        }
        assert_eq!(at_once, 10);
    }
}
