//! A descriptor that a listener keeps, to be able to turn clients away when no other is left.
//!
//! Without one a client for whom there is no descriptor stays in the queue and waits, and nobody can tell it. Twisted's
//! remedy: a descriptor is kept from the beginning; it is closed, and its place used to accept and close those who wait.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use rustix::io::Errno;

/// How many clients are turned away in one go: then others may run.
const BATCH: usize = 64;

/// Held while a descriptor of any listener is lent, and shared by whoever makes or accepts a socket here: descriptors are
/// the process's, and so is this.
static LENT: RwLock<()> = RwLock::new(());

/// Takes a descriptor that stays, by `f`, while none is lent: a connection of another listener would stay in the place of
/// the reserve, and those who wait for its owner would hear nothing.
pub(crate) fn taking<T>(f: impl FnOnce() -> T) -> T {
    let _none_is_lent = LENT.read().unwrap_or_else(PoisonError::into_inner);
    f()
}

/// The descriptor, if there is one.
#[derive(Debug)]
pub(crate) struct Reserve {
    held: Mutex<Option<OwnedFd>>,
    /// Whether it is to be taken when there are descriptors again. Beside the lock, for every accept asks.
    is_missing: AtomicBool,
}

impl Reserve {
    /// Takes one, if there is one to take. A listener goes without as well as it can.
    pub(crate) fn new() -> Self {
        let held = taking(take).ok();
        Self {
            is_missing: AtomicBool::new(held.is_none()),
            held: Mutex::new(held),
        }
    }

    /// Takes one if there is none: for whoever has just been given a descriptor.
    ///
    /// # Errors
    ///
    /// If that was the last one. The client who got it must make room: with nothing in reserve nobody could tell those who
    /// come after it, for as long as it stays. That there is no reserve for another reason is no error, for nothing would be
    /// gained by making room.
    #[inline]
    pub(crate) fn replenish(&self) -> io::Result<()> {
        if self.is_missing.load(Ordering::Relaxed) {
            self.retake()
        } else {
            Ok(())
        }
    }

    #[cold]
    fn retake(&self) -> io::Result<()> {
        let mut held = self.lock();
        if held.is_some() {
            return Ok(());
        }
        match taking(take) {
            Ok(fd) => {
                self.keep(&mut held, Some(fd));
                Ok(())
            }
            Err(error) if is_lack(&error) => Err(error),
            Err(_) => Ok(()),
        }
    }

    /// Has `accept` take and close whoever waits, one by one, in the place of the reserve, and takes the reserve back. Says
    /// how many there were: none, too, where there is no reserve, or another thread was faster.
    pub(crate) fn turn_away(&self, mut accept: impl FnMut() -> io::Result<()>) -> usize {
        self.lend(|| {
            let mut clients = 0;
            for _ in 0..BATCH {
                if accept().is_err() {
                    break;
                }
                clients += 1;
            }
            clients
        })
    }

    /// Lets go of the descriptor for good: the listener is closed.
    pub(crate) fn release(&mut self) {
        *self.is_missing.get_mut() = false;
        *self.held.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Runs `f` while the descriptor is free, and takes it back. `f` runs no code of others: what opened a file here, a
    /// log, would take the place. Another thread can do so all the same, but for [`taking`]: then it is missing.
    fn lend<T>(&self, f: impl FnOnce() -> T) -> T {
        let mut held = self.lock();
        let _lent = LENT.write().unwrap_or_else(PoisonError::into_inner);
        *held = None;
        let output = f();
        self.keep(&mut held, take().ok());
        output
    }

    fn keep(&self, held: &mut Option<OwnedFd>, fd: Option<OwnedFd>) {
        *held = fd;
        self.is_missing.store(held.is_none(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Option<OwnedFd>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A descriptor that stands for nothing: a socket without a name, which needs no file to be there.
fn take() -> io::Result<OwnedFd> {
    UnixDatagram::unbound().map(OwnedFd::from)
}

/// Whether no descriptor is left, in the process or in the system.
fn is_lack(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{SocketAddr, TcpListener, TcpStream};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use anynet_smol::Smol;
    use futures_lite::future::block_on;
    use socket2::{Domain, Type};

    use super::*;
    use crate::{Socket, UnixStream};

    #[test]
    fn whoever_waits_is_turned_away_and_the_reserve_is_taken_back() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let reserve = Reserve::new();
        for _ in 0..2 {
            let clients = [(); 3].map(|()| TcpStream::connect(listener.local_addr().unwrap()).unwrap());
            assert_eq!(reserve.turn_away(|| listener.accept().map(drop)), 3);
            assert_eq!(reserve.turn_away(|| listener.accept().map(drop)), 0);
            for mut client in clients {
                assert_eq!(client.read(&mut [0]).unwrap(), 0, "told by a close");
            }
            assert!(reserve.held.lock().unwrap().is_some());
            assert!(!reserve.is_missing.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn no_more_than_a_batch_is_turned_away_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let clients: Vec<_> = (0..=BATCH)
            .map(|_| TcpStream::connect(listener.local_addr().unwrap()).unwrap())
            .collect();
        let reserve = Reserve::new();
        assert_eq!(reserve.turn_away(|| listener.accept().map(drop)), BATCH);
        assert_eq!(reserve.turn_away(|| listener.accept().map(drop)), 1);
        drop(clients);
    }

    #[test]
    fn nobody_takes_a_descriptor_to_keep_while_one_is_lent() {
        let (one, other) = (Reserve::new(), Reserve::new());
        other.held.lock().unwrap().take();
        other.is_missing.store(true, Ordering::Relaxed);
        let (taken, was_taken) = mpsc::channel();
        thread::scope(|scope| {
            one.lend(|| {
                let again = taken.clone();
                scope.spawn(move || taking(|| taken.send("a connection")));
                let other = &other;
                scope.spawn(move || {
                    other.replenish().unwrap();
                    again.send("a reserve").unwrap();
                });
                let early = was_taken.recv_timeout(Duration::from_millis(50));
                assert!(early.is_err(), "{early:?}");
            });
            let (first, second) = (was_taken.recv().unwrap(), was_taken.recv().unwrap());
            assert_ne!(first, second);
        });
    }

    #[test]
    fn sockets_of_every_kind_are_made_and_accepted_while_nothing_is_lent() {
        let raw = |domain, kind| Socket::new_on(&Smol::new(), domain, kind, None).unwrap();
        let listening = raw(Domain::IPV4, Type::STREAM);
        listening
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        listening.listen(1).unwrap();
        let to = listening.local_address().unwrap().socket_addr().unwrap();
        let _client = TcpStream::connect(to).unwrap();
        let takers: [&(dyn Fn() + Sync); 5] = [
            &|| drop(raw(Domain::UNIX, Type::DGRAM)),
            &|| drop(Socket::pair_on(&Smol::new(), Domain::UNIX, Type::STREAM, None).unwrap()),
            &|| drop(block_on(listening.accept()).unwrap()),
            &|| drop(UnixStream::pair_on(&Smol::new()).unwrap()),
            &|| drop(Reserve::new()),
        ];
        let lender = Reserve::new();
        let (taken, was_taken) = mpsc::channel();
        thread::scope(|scope| {
            lender.lend(|| {
                for (at, taker) in takers.iter().enumerate() {
                    let taken = taken.clone();
                    scope.spawn(move || {
                        taker();
                        taken.send(at).unwrap();
                    });
                }
                let early = was_taken.recv_timeout(Duration::from_millis(50));
                assert!(early.is_err(), "{early:?}");
            });
        });
        assert_eq!(was_taken.try_iter().count(), takers.len());
    }

    #[test]
    fn a_reserve_that_is_missing_is_taken_when_there_is_one_and_not_after_a_close() {
        let mut reserve = Reserve {
            held: Mutex::new(None),
            is_missing: AtomicBool::new(true),
        };
        reserve.replenish().unwrap();
        assert!(reserve.held.lock().unwrap().is_some());
        reserve.release();
        reserve.replenish().unwrap();
        assert!(reserve.held.lock().unwrap().is_none());
    }
}
