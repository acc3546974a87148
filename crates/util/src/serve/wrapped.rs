//! Handlers for wrapped streams: each connection is wrapped in its own task, with a deadline.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anynet_core::{Executor, Result, TimeLimit, TimedOut};
use pin_project_lite::pin_project;

use crate::{Timeout, timeout};

/// Has `wrap` make of each connection what `handler` takes: the handshake of TLS, a header that comes first. It runs in the
/// connection's own task, never in the accept loop, so a client that dawdles keeps nobody waiting, and is dropped when
/// `limit` is over.
///
/// ```
/// use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt, ByteStream, Error, Executor, Network, Result};
/// use anynet_util::{Guard, MemoryNetwork, serve, wrapped};
/// use std::time::Duration;
///
/// /// What comes first. Over any stream, so that it fits under a guard and without one.
/// async fn read_version<S: ByteStream>(mut stream: S) -> Result<(u8, S)> {
///     let mut version = [0];
///     stream.receive_exactly(&mut version).await?;
///     Ok((version[0], stream))
/// }
///
/// async fn answer<S: ByteStream>((version, mut stream): (u8, S)) -> Result<()> {
///     stream.send(&[version]).await?;
///     Ok(stream.close().await?)
/// }
///
/// MemoryNetwork::run(async |network| {
///     let address = "192.0.2.1:7".parse().unwrap();
///     let listener = network.listen(address).await?;
///     let handler = wrapped(network.clone(), Duration::from_secs(5), read_version, answer);
///     // Around both: what comes first is guarded too. Around `answer` alone: it is not.
///     let guarded = Guard::new(network.clone()).abort_on_failure().around(handler);
///     let _serving = network.spawn(async move { serve(&listener, guarded).await });
///
///     let mut client = network.connect(address).await?;
///     client.send(&[1]).await?;
///     let mut version = [0];
///     client.receive_exactly(&mut version).await?;
///     assert_eq!(version, [1]);
///     Ok::<_, Error>(())
/// })
/// .unwrap();
/// ```
///
/// # Errors
///
/// What it returns fails as `wrap` does, with [`Error::TimedOut`](anynet_core::Error::TimedOut), of
/// [`TimeLimit::Handshake`], past the limit, and then as `handler` does.
pub fn wrapped<E, S, T, W, FW, H, FH>(
    executor: E,
    limit: Duration,
    wrap: W,
    handler: H,
) -> impl Fn(S) -> Wrapped<Timeout<FW, E::Sleep>, H, FH>
where
    E: Executor,
    W: Fn(S) -> FW,
    FW: Future<Output = Result<T>>,
    H: Fn(T) -> FH,
    FH: Future<Output = Result<()>>,
{
    let handler = Arc::new(handler);
    move |stream| Wrapped {
        state: State::Wrapping {
            wrapping: timeout(&executor, limit, wrap(stream)),
        },
        handler: handler.clone(),
    }
}

pin_project! {
    /// One connection of [`wrapped()`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Wrapped<W, H, F> {
        #[pin]
        state: State<W, F>,
        handler: Arc<H>,
    }
}

pin_project! {
    // Both in one place: what wraps is gone when the handler begins.
    #[project = Projected]
    enum State<W, F> {
        Wrapping { #[pin] wrapping: W },
        Handling { #[pin] handling: F },
    }
}

impl<T, W, H, F> Future for Wrapped<W, H, F>
where
    W: Future<Output = Result<Result<T>, TimedOut>>,
    H: Fn(T) -> F,
    F: Future<Output = Result<()>>,
{
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                Projected::Wrapping { wrapping } => {
                    let wrapped = ready!(wrapping.poll(cx));
                    let stream = wrapped
                        .map_err(|TimedOut { limit, .. }| TimedOut::new(TimeLimit::Handshake, limit))??;
                    let handling = (this.handler)(stream);
                    this.state.set(State::Handling { handling });
                }
                Projected::Handling { handling } => return handling.poll(cx),
            }
        }
    }
}

impl<W, H, F> fmt::Debug for Wrapped<W, H, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapped").finish_non_exhaustive()
    }
}
