//! What each direction of an end does, of a whole stream or of a half.

use std::io::IoSlice;
use std::num::NonZeroUsize;
use std::task::{Context, Poll, ready};

use anynet_core::{ReceiveError, SendError};

use super::Shared;
use crate::memory::lane::{self, Found, Lane};
use crate::memory::turn::TURN;

/// The receiving direction.
pub(super) struct Receiver {
    /// Whether the end was reported: from then on it is the answer.
    at_end: bool,
    turn: u8,
}

/// The sending direction.
pub(super) struct Sender {
    /// Whether our own end was sent.
    finished: bool,
    turn: u8,
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self {
            at_end: false,
            turn: TURN,
        }
    }

    pub(super) fn poll_receive(
        &mut self,
        shared: &Shared,
        cx: &Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        let mut lanes = shared.lanes();
        if shared.latch.is_closed() {
            return Poll::Ready(Err(ReceiveError::Closed));
        }
        if buf.is_empty() {
            return Poll::Ready(Err(ReceiveError::EmptyBuffer));
        }
        if self.at_end {
            return Poll::Ready(Err(ReceiveError::EndOfStream));
        }
        let incoming = &mut lanes[1 - shared.end];
        if !incoming.has_bytes()
            && let Some(cause) = shared.latch.broken()
        {
            return Poll::Ready(Err(ReceiveError::Broken(cause)));
        }
        if is_over(&mut self.turn) {
            drop(lanes);
            return let_others(cx);
        }
        let (found, woken) = incoming.poll_receive(cx, buf);
        drop(lanes);
        woken.wake();
        if found.is_pending() {
            self.turn = TURN;
        }
        Poll::Ready(match ready!(found) {
            Found::Bytes(n) => NonZeroUsize::new(n).ok_or(ReceiveError::EmptyBuffer),
            Found::Reset => Err(ReceiveError::Broken(shared.latch.break_with(lane::reset()))),
            Found::End => {
                self.at_end = true;
                Err(ReceiveError::EndOfStream)
            }
        })
    }
}

impl Sender {
    pub(super) fn new() -> Self {
        Self {
            finished: false,
            turn: TURN,
        }
    }

    pub(super) fn poll_send(
        &mut self,
        shared: &Shared,
        cx: &Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize, SendError>> {
        let mut lanes = shared.lanes();
        if let Some(refused) = self.refused(shared, &lanes) {
            return Poll::Ready(Err(refused));
        }
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        if is_over(&mut self.turn) {
            drop(lanes);
            return let_others(cx);
        }
        let (sent, woken) = lanes[shared.end].poll_send(cx, bufs);
        drop(lanes);
        woken.wake();
        if sent.is_pending() {
            self.turn = TURN;
        }
        sent.map(Ok)
    }

    pub(super) fn poll_send_ready(
        &mut self,
        shared: &Shared,
        cx: &Context<'_>,
    ) -> Poll<Result<(), SendError>> {
        let mut lanes = shared.lanes();
        if let Some(refused) = self.refused(shared, &lanes) {
            return Poll::Ready(Err(refused));
        }
        if is_over(&mut self.turn) {
            drop(lanes);
            return let_others(cx);
        }
        let (room, woken) = lanes[shared.end].poll_room(cx);
        drop(lanes);
        woken.wake();
        room.map(|_| Ok(()))
    }

    pub(super) fn poll_flush(&mut self, shared: &Shared, cx: &Context<'_>) -> Poll<Result<(), SendError>> {
        let mut lanes = shared.lanes();
        if shared.latch.is_closed() {
            return Poll::Ready(Err(SendError::Closed));
        }
        let (flushed, woken) = lanes[shared.end].poll_flushed(cx);
        drop(lanes);
        woken.wake();
        flushed.map_err(|cause| SendError::Broken(shared.latch.break_with(cause)))
    }

    /// Never waits.
    pub(super) fn send_eof(&mut self, shared: &Shared) -> Result<(), SendError> {
        let mut lanes = shared.lanes();
        if shared.latch.is_closed() {
            return Err(SendError::Closed);
        }
        if self.finished {
            return Ok(());
        }
        // A peer that closed has heard enough: that is no reason to fail.
        if lanes[1 - shared.end].is_reset() {
            shared.latch.break_with(lane::reset());
        }
        if let Some(cause) = shared.latch.broken() {
            return Err(SendError::Broken(cause));
        }
        let woken = lanes[shared.end].finish();
        drop(lanes);
        self.finished = true;
        woken.wake();
        Ok(())
    }

    /// Why the state alone refuses to send, also where nobody has sent yet: a peer that is gone.
    fn refused(&self, shared: &Shared, lanes: &[Lane; 2]) -> Option<SendError> {
        if shared.latch.is_closed() || self.finished {
            return Some(SendError::Closed);
        }
        if let Some(cause) = shared.latch.broken() {
            return Some(SendError::Broken(cause));
        }
        let cause = match lanes[1 - shared.end].is_reset() {
            true => Some(lane::reset()),
            false => lanes[shared.end].refusal(),
        };
        cause.map(|cause| SendError::Broken(shared.latch.break_with(cause)))
    }
}

/// Counts down, and begins anew at zero: then the other tasks have their turn.
fn is_over(left: &mut u8) -> bool {
    let rest = left.checked_sub(1);
    *left = rest.unwrap_or(TURN);
    rest.is_none()
}

fn let_others<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}
