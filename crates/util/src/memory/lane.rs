//! One direction of a connection: the bytes on their way, and what both ends know of each other.

use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::task::{Context, Poll, Waker};

use anynet_core::Cause;

/// One direction of a connection. Every change of it wakes whoever it may concern, by the wakers that a method returns.
#[derive(Debug)]
pub(super) struct Lane {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// Whether a flush waits until the receiver has taken everything.
    lockstep: bool,
    sender: Sender,
    /// The receiver is gone: nobody will take what is sent.
    abandoned: bool,
    /// It went without having received everything.
    lost: bool,
    receiving: Option<Waker>,
    sending: Option<Waker>,
}

#[derive(Debug, PartialEq, Eq)]
enum Sender {
    Open,
    /// Nothing more will come, in order.
    Finished,
    /// The sender broke the connection.
    Reset,
}

/// What a receiver finds.
#[derive(Debug)]
pub(super) enum Found {
    Bytes(usize),
    End,
    Reset,
}

/// Whom a change wakes, and whose waker is not needed any more, once no lock is held: a waker may be the last to hold a
/// task, and with it the other end of the connection.
#[must_use]
#[derive(Default)]
pub(super) struct Woken {
    wakers: [Option<Waker>; 2],
    replaced: Option<Waker>,
}

impl Woken {
    pub(super) fn wake(self) {
        self.wakers.into_iter().flatten().for_each(Waker::wake);
        drop(self.replaced);
    }
}

impl Lane {
    pub(super) fn new(capacity: usize, lockstep: bool) -> Self {
        Self {
            bytes: VecDeque::new(),
            capacity: capacity.max(1),
            lockstep,
            sender: Sender::Open,
            abandoned: false,
            lost: false,
            receiving: None,
            sending: None,
        }
    }

    /// Moves what there is into `buf`, which has room.
    pub(super) fn poll_receive(&mut self, cx: &Context<'_>, buf: &mut [u8]) -> (Poll<Found>, Woken) {
        if self.bytes.is_empty() {
            return match self.sender {
                Sender::Finished => (Poll::Ready(Found::End), Woken::default()),
                Sender::Reset => (Poll::Ready(Found::Reset), Woken::default()),
                Sender::Open => (Poll::Pending, remember(&mut self.receiving, cx)),
            };
        }
        let mut taken = 0;
        let (front, back) = self.bytes.as_slices();
        for part in [front, back] {
            let n = part.len().min(buf.len() - taken);
            buf[taken..][..n].copy_from_slice(&part[..n]);
            taken += n;
        }
        self.bytes.drain(..taken);
        (
            Poll::Ready(Found::Bytes(taken)),
            woken([None, self.sending.take()]),
        )
    }

    /// Takes as much of `bufs`, which hold something, as there is room for.
    pub(super) fn poll_send(&mut self, cx: &Context<'_>, bufs: &[IoSlice<'_>]) -> (Poll<usize>, Woken) {
        let (room, waits) = self.poll_room(cx);
        let Poll::Ready(mut room) = room else {
            return (Poll::Pending, waits);
        };
        let before = self.bytes.len();
        for buf in bufs {
            let n = buf.len().min(room);
            self.bytes.extend(&buf[..n]);
            room -= n;
        }
        let sent = self.bytes.len() - before;
        (Poll::Ready(sent), woken([self.receiving.take(), None]))
    }

    /// How much a send would take.
    pub(super) fn poll_room(&mut self, cx: &Context<'_>) -> (Poll<usize>, Woken) {
        let room = self.capacity.saturating_sub(self.bytes.len());
        if room == 0 || self.lockstep && !self.bytes.is_empty() {
            return (Poll::Pending, remember(&mut self.sending, cx));
        }
        (Poll::Ready(room), Woken::default())
    }

    /// In lockstep, until everything was received; an error if it never will be.
    pub(super) fn poll_flushed(&mut self, cx: &Context<'_>) -> (Poll<Result<(), Cause>>, Woken) {
        if self.lockstep && self.lost {
            return (Poll::Ready(Err(reset())), Woken::default());
        }
        if self.lockstep && !self.bytes.is_empty() {
            return (Poll::Pending, remember(&mut self.sending, cx));
        }
        (Poll::Ready(Ok(())), Woken::default())
    }

    /// Why nobody takes what would be sent: a peer that closed answers by a reset.
    pub(super) fn refusal(&self) -> Option<Cause> {
        self.abandoned.then(reset)
    }

    /// Whether the sender broke the connection.
    pub(super) fn is_reset(&self) -> bool {
        self.sender == Sender::Reset
    }

    pub(super) fn has_bytes(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// The sender's end, behind everything that was sent.
    pub(super) fn finish(&mut self) -> Woken {
        if self.sender == Sender::Open {
            self.sender = Sender::Finished;
        }
        self.both_woken()
    }

    /// The sender's reset. What arrived before it stays.
    pub(super) fn reset(&mut self) -> Woken {
        self.sender = Sender::Reset;
        self.both_woken()
    }

    /// The receiver goes, and with it what it has not received.
    pub(super) fn abandon(&mut self) -> Woken {
        self.abandoned = true;
        self.lost |= !self.bytes.is_empty();
        self.bytes = VecDeque::new();
        self.both_woken()
    }

    fn both_woken(&mut self) -> Woken {
        woken([self.receiving.take(), self.sending.take()])
    }
}

fn woken(wakers: [Option<Waker>; 2]) -> Woken {
    Woken {
        wakers,
        replaced: None,
    }
}

/// What a reset is told as.
pub(super) fn reset() -> Cause {
    ErrorKind::ConnectionReset.into()
}

/// One task waits in each direction: whoever asked last.
fn remember(place: &mut Option<Waker>, cx: &Context<'_>) -> Woken {
    let is_known = place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
    Woken {
        replaced: (!is_known).then(|| place.replace(cx.waker().clone())).flatten(),
        ..Woken::default()
    }
}
