//! Steps that many cases share.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::io::IoSlice;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anynet_core::{
    Attributes, AttributesExt, BoxFuture, ByteReceiveStream, ByteReceiveStreamExt, ByteSendStream,
    ByteSendStreamExt, Closer, Executor, ReceiveError, SendError, TimedOut,
};
use anynet_util::timeout;
use libtest_mimic::Trial;

use crate::case::Case;
use crate::ground::SETTLED;
use crate::suite::flipped_name;
use crate::{Ground, Suite};

/// Asserts that a value matches a pattern, and says what it is instead.
macro_rules! assert_is {
    ($value:expr, $pattern:pat $(if $guard:expr)? $(,)?) => {
        match $value {
            $pattern $(if $guard)? => {}
            other => panic!("expected {}, not {other:?}", stringify!($pattern)),
        }
    };
}

pub(crate) use assert_is;

impl Ground {
    /// Runs `future` as a task of its own, which is cancelled when what this returns is dropped.
    ///
    /// Boxed, since a task that gives a boxed stream back is too much for the compiler's proof that a case is `Send`.
    pub(crate) fn spawn<F>(&self, future: F) -> BoxFuture<'static, F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        Box::pin(self.network.spawn(future))
    }

    /// As [`spawn`](Self::spawn), and returns once the task waits.
    #[expect(clippy::async_yields_async, reason = "the task is wanted while it waits")]
    #[track_caller]
    pub(crate) fn spawn_waiting<F>(
        &self,
        future: F,
    ) -> impl Future<Output = BoxFuture<'static, F::Output>> + use<'_, F>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        const POLLED: u8 = 1;
        const DONE: u8 = 2;
        let here = Location::caller();
        let state = Arc::new(AtomicU8::new(0));
        let (seen, mut future) = (state.clone(), Box::pin(future));
        let task = self.spawn(poll_fn(move |cx| {
            state.store(POLLED, Ordering::Release);
            let poll = future.as_mut().poll(cx);
            if poll.is_ready() {
                state.store(DONE, Ordering::Release);
            }
            poll
        }));
        async move {
            self.settle().await;
            while seen.load(Ordering::Acquire) == 0 {
                self.settle().await;
            }
            assert_eq!(seen.load(Ordering::Acquire), POLLED, "did not wait at {here}");
            task
        }
    }

    /// Sends `data`, and returns once the stream has it. In lockstep a send also waits for the receive, which is what a case
    /// does next.
    pub(crate) async fn hand_over<S: ByteSendStream + ?Sized>(&self, send: &mut S, data: &[u8]) {
        let mut sending = send.send(data);
        let settled = timeout(&self.network, SETTLED, &mut sending).await;
        match settled {
            Ok(sent) => sent.unwrap(),
            Err(TimedOut { .. }) if sending.sent() == data.len() => {}
            Err(TimedOut { .. }) => self.within(sending).await.unwrap(),
        }
    }

    /// Receives exactly `count` bytes.
    pub(crate) async fn receive_bytes<S>(&self, receive: &mut S, count: usize) -> Vec<u8>
    where
        S: ByteReceiveStream + ?Sized,
    {
        let mut buf = vec![0; count];
        self.within(receive.receive_exactly(&mut buf)).await.unwrap();
        buf
    }

    /// Receives everything up to the end, which must be one in order.
    pub(crate) async fn receive_to_end<S: ByteReceiveStream + ?Sized>(&self, receive: &mut S) -> Vec<u8> {
        let mut received = Vec::new();
        let mut buf = vec![0; 64 << 10];
        loop {
            match self.within(receive.receive(&mut buf)).await {
                Ok(n) => received.extend_from_slice(&buf[..n]),
                Err(ReceiveError::EndOfStream) => return received,
                Err(error) => panic!("after {} bytes: {error:?}", received.len()),
            }
        }
    }

    /// Asserts that whatever sends says `Closed`, with bytes and without.
    pub(crate) async fn assert_sends_closed<S: ByteSendStream + ?Sized>(&self, send: &mut S) {
        for data in [&b"x"[..], b""] {
            assert_is!(self.within(send.send(data)).await, Err(SendError::Closed));
            assert_is!(self.within(send.send_some(data)).await, Err(SendError::Closed));
            let mut bufs = [IoSlice::new(data)];
            assert_is!(
                self.within(send.send_vectored(&mut bufs)).await,
                Err(SendError::Closed)
            );
        }
        assert_is!(
            self.within(send.send_vectored(&mut [])).await,
            Err(SendError::Closed)
        );
    }

    /// Asserts that the suite runs `cases` on this kind of stream as it is, and turned round.
    pub(crate) fn assert_run_in_both_directions(&self, cases: impl Iterator<Item = &'static Case<Ground>>) {
        let pairs = self.pairs();
        let kinds = [pairs.name(), &flipped_name(pairs.name())];
        self.assert_run_on(&Suite::of(self.column, pairs), &kinds, cases);
    }

    /// Asserts that `suite` runs `cases` on streams of each of the `kinds`.
    pub(crate) fn assert_run_on<C: 'static>(
        &self,
        suite: &Suite,
        kinds: &[&str],
        cases: impl Iterator<Item = &'static Case<C>>,
    ) {
        let trials = suite.trials();
        let names: BTreeSet<&str> = trials.iter().map(Trial::name).collect();
        for case in cases {
            for kind in kinds {
                let name = format!("{}::{kind}::{}", self.column.name(), case.id());
                assert!(names.contains(&*name), "there is no trial {name}");
            }
        }
    }
}

/// What closes a stream from another task: every stream has one.
pub(crate) fn closer(stream: &(impl Attributes + ?Sized)) -> Closer {
    stream
        .attribute()
        .expect("every layer passes the question for a closer on")
}

/// Numbers that look random, the same ones in every run (xorshift).
pub(crate) struct Random(u64);

impl Random {
    /// The sequence number `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number from 1 to `most`.
    pub(crate) fn up_to(&mut self, most: usize) -> usize {
        1 + (self.next() % most as u64) as usize
    }

    /// As many bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }
}
