//! Which descriptors are sockets of ours: nobody else may wait for those.
//!
//! Descriptors are numbers of the process, and so is this, whatever runtimes there are: one bit for each number. Asking the
//! reactor instead would be a system call or two for each wait, and only epoll would tell (`EEXIST`): where a descriptor is
//! watched already, kqueue forgets the earlier watcher.

use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// One bit for each number. It grows to the largest, and the system gives out the smallest that is free.
static OWNED: RwLock<Vec<AtomicU64>> = RwLock::new(Vec::new());

/// The note that a descriptor is a socket of ours. It goes with the socket, **before** its descriptor: the number may have
/// a new owner as soon as that is closed.
#[derive(Debug)]
pub(crate) struct Owned(RawFd);

impl Owned {
    pub(crate) fn note(fd: impl AsFd) -> Self {
        let number = fd.as_fd().as_raw_fd();
        let (word, bit) = place(number);
        if !set(word, bit) {
            let mut owned = OWNED.write().unwrap_or_else(PoisonError::into_inner);
            let length = owned.len().max(word + 1);
            owned.resize_with(length, AtomicU64::default);
            *owned[word].get_mut() |= bit;
        }
        Self(number)
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let (word, bit) = place(self.0);
        let owned = OWNED.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(word) = owned.get(word) {
            word.fetch_and(!bit, Ordering::Relaxed);
        }
    }
}

/// Whether a socket of ours owns the descriptor `fd`, on whatever runtime.
pub(crate) fn is_owned(fd: impl AsFd) -> bool {
    let (word, bit) = place(fd.as_fd().as_raw_fd());
    let owned = OWNED.read().unwrap_or_else(PoisonError::into_inner);
    owned
        .get(word)
        .is_some_and(|word| word.load(Ordering::Relaxed) & bit != 0)
}

/// Sets a bit, if there is room for it.
fn set(word: usize, bit: u64) -> bool {
    let owned = OWNED.read().unwrap_or_else(PoisonError::into_inner);
    owned
        .get(word)
        .map(|word| word.fetch_or(bit, Ordering::Relaxed))
        .is_some()
}

/// Where the bit of a number is. Numbers of open descriptors are not negative.
fn place(number: RawFd) -> (usize, u64) {
    let number = number.unsigned_abs();
    ((number / u64::BITS) as usize, 1 << (number % u64::BITS))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_note_is_about_one_number_and_ends_with_itself() {
        let (one, other) = (UdpSocket::bind("127.0.0.1:0"), UdpSocket::bind("127.0.0.1:0"));
        let (one, other) = (one.unwrap(), other.unwrap());
        let note = Owned::note(&one);
        assert!(is_owned(&one));
        assert!(!is_owned(&other));
        drop(note);
        assert!(!is_owned(&one));
    }

    #[test]
    fn what_stands_for_a_closed_descriptor_is_nobodys() {
        assert!(!is_owned(crate::sys::CLOSED));
    }
}
