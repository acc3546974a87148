//! Deadlines.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anynet_core::{Executor, TimeLimit, TimedOut};
use pin_project_lite::pin_project;

/// Awaits `future` for at most `limit`, by `executor`'s clock.
///
/// The future is polled first, so one that is ready wins over a limit of zero. When the time is over, dropping the
/// `Timeout` cancels the future; pass it by `&mut` (pinned) to go on with it later.
///
/// ```
/// use anynet_core::{ByteReceiveStreamExt, Error, TimedOut};
/// use anynet_util::{MemoryNetwork, MemoryStream, timeout};
/// use std::time::Duration;
///
/// MemoryNetwork::run(async |network| {
///     let (mut stream, _silent) = MemoryStream::pair(64);
///     let received = timeout(&network, Duration::from_secs(60), stream.receive(&mut [0; 64])).await;
///     assert!(matches!(received, Err(TimedOut { .. }))); // `.await?` makes an `Error::TimedOut` of it
///     Ok::<_, Error>(())
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// [`TimedOut`], of [`TimeLimit::Deadline`], if the limit passed first.
pub fn timeout<E: Executor, F: IntoFuture>(
    executor: &E,
    limit: Duration,
    future: F,
) -> Timeout<F::IntoFuture, E::Sleep> {
    Timeout {
        future: future.into_future(),
        sleep: executor.sleep(limit),
        limit,
    }
}

pin_project! {
    /// The future of [`timeout()`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F, S> {
        #[pin]
        future: F,
        sleep: S,
        limit: Duration,
    }
}

impl<F: Future, S: Future<Output = ()> + Unpin> Future for Timeout<F, S> {
    type Output = Result<F::Output, TimedOut>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.future.poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => {
                let timed_out = TimedOut::new(TimeLimit::Deadline, *this.limit);
                Pin::new(this.sleep).poll(cx).map(|()| Err(timed_out))
            }
        }
    }
}
