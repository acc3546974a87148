//! One datagram after the other.

use std::fmt;

use anynet_core::{ReceiveError, Runtime};

use super::{Connection, DatagramSocket};
use crate::kind::Kind;

/// The datagrams that arrive at a socket: what [`datagrams`](DatagramSocket::datagrams) returns.
///
/// ```
/// # use anynet_core::Runtime;
/// # use anynet_sockets::UdpSocket;
/// # async fn echo<R: Runtime>(socket: &UdpSocket<R>) -> anynet_core::Result<()> {
/// let mut datagrams = socket.datagrams(1500);
/// while let Some(datagram) = datagrams.next().await {
///     let (data, sender) = datagram?;
///     socket.send_to(data, sender).await?;
/// }
/// # Ok(())
/// # }
/// ```
///
/// With the feature `futures-core` it is a `futures_core::Stream` too, of a `Vec` and the sender for each datagram; that
/// allocates for each of them.
pub struct Datagrams<'a, R: Runtime, K: Kind, C: Connection> {
    socket: &'a DatagramSocket<R, K, C>,
    size: usize,
    buf: Vec<u8>,
    truncated: bool,
    ended: bool,
    #[cfg(feature = "futures-core")]
    receiving: stream::Receiving<'a, K>,
}

impl<'a, R: Runtime, K: Kind, C: Connection> Datagrams<'a, R, K, C> {
    pub(super) fn new(socket: &'a DatagramSocket<R, K, C>, size: usize) -> Self {
        Self {
            socket,
            size,
            buf: vec![0; size],
            truncated: false,
            ended: false,
            #[cfg(feature = "futures-core")]
            receiving: stream::Receiving::default(),
        }
    }

    /// Waits for the next datagram: its bytes, until the next call, and who sent it. `None` once the socket was closed,
    /// after an error that is final, and where there is an end, at it.
    ///
    /// Cancel-safe: dropped before it is done, it has taken nothing.
    ///
    /// # Errors
    ///
    /// [`ReceiveError`], but for `Closed` and `EndOfStream`.
    pub async fn next(&mut self) -> Option<Result<(&[u8], K::Address), ReceiveError>> {
        if self.ended {
            return None;
        }
        #[cfg(feature = "futures-core")]
        self.receiving.forget();
        self.buf.resize(self.size, 0);
        match self.socket.receive_and_sender(&mut self.buf).await {
            Ok((received, sender)) => {
                self.truncated = received.truncated;
                Some(Ok((&self.buf[..received.length], sender)))
            }
            Err(error) => self.ended_by(error).map(Err),
        }
    }

    /// Whether the last datagram was longer than the size given.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// What to say of an error: nothing, if it is the end.
    fn ended_by(&mut self, error: ReceiveError) -> Option<ReceiveError> {
        self.ended = !matches!(error, ReceiveError::Undelivered(_) | ReceiveError::Exhausted(_));
        Some(error).filter(|error| !matches!(error, ReceiveError::Closed | ReceiveError::EndOfStream))
    }
}

#[cfg(feature = "futures-core")]
mod stream {
    use std::pin::Pin;
    use std::sync::{Mutex, PoisonError};
    use std::task::{Context, Poll, ready};

    use anynet_core::{BoxFuture, ReceiveError, Received, Runtime};

    use super::{Connection, Datagrams, Kind};

    type Came<A> = (Vec<u8>, Result<(Received, A), ReceiveError>);

    /// A receive under way, with the buffer. It is kept between polls, for it holds the place among those who wait. Behind a
    /// lock that nobody takes, so that it can be shared as the rest can.
    pub(super) struct Receiving<'a, K: Kind>(Mutex<Option<BoxFuture<'a, Came<K::Address>>>>);

    impl<K: Kind> Default for Receiving<'_, K> {
        fn default() -> Self {
            Self(Mutex::new(None))
        }
    }

    impl<'a, K: Kind> Receiving<'a, K> {
        fn get(&mut self) -> &mut Option<BoxFuture<'a, Came<K::Address>>> {
            self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
        }

        /// Drops the receive, which has taken nothing.
        pub(super) fn forget(&mut self) {
            *self.get() = None;
        }
    }

    impl<R: Runtime, K: Kind, C: Connection> futures_core::Stream for Datagrams<'_, R, K, C> {
        type Item = Result<(Vec<u8>, K::Address), ReceiveError>;

        fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            if self.ended {
                return Poll::Ready(None);
            }
            let this = &mut *self;
            let receiving = this.receiving.get().get_or_insert_with(|| {
                let (socket, mut buf) = (this.socket, std::mem::take(&mut this.buf));
                buf.resize(this.size, 0);
                Box::pin(async move {
                    let came = socket.receive_and_sender(&mut buf).await;
                    (buf, came)
                })
            });
            let (buf, came) = ready!(receiving.as_mut().poll(cx));
            this.receiving.forget();
            this.buf = buf;
            Poll::Ready(match came {
                Ok((received, sender)) => {
                    this.truncated = received.truncated;
                    Some(Ok((this.buf[..received.length].to_vec(), sender)))
                }
                Err(error) => this.ended_by(error).map(Err),
            })
        }
    }
}

impl<R: Runtime, K: Kind, C: Connection> fmt::Debug for Datagrams<'_, R, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams")
            .field("socket", self.socket)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
