//! A connection, of any kind of stream socket.

use std::io::{self, IoSlice};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};
use std::time::Duration;

use anynet_core::{
    Attributes, ByteReceiveStream, ByteSendStream, Cause, Closer, ReceiveError, Request, Runtime, SendError,
    byte_receive_methods, byte_send_methods,
};
use anynet_util::timeout;

use super::methods::{ends_methods, receiver_methods, sender_methods};
use super::{StreamReceiveHalf, StreamSendHalf};
use crate::kind::Kind;
use crate::link::Link;
use crate::options::live_option_methods;
use crate::receive::Receiver;
use crate::send::Sender;
use crate::shared::Ends;
use crate::unix::SocketFile;

/// A connection of the kind `K` on the runtime `R`: a [`TcpStream`](crate::TcpStream) or a
/// [`UnixStream`](crate::UnixStream).
///
/// The contract of its methods is that of every [`ByteStream`](anynet_core::ByteStream).
///
/// **Dropping** it closes the connection at once: what was sent still goes out, and if data was left unread the system
/// resets the connection. [`close`](Self::close) ends it in order, [`close_lingering`](Self::close_lingering) also
/// waits for the peer, [`abort`](Self::abort) resets it where there are resets: a UNIX stream has none.
///
/// ```
/// use anynet_core::{Error, ReceiveError};
/// use anynet_smol::{Smol, run}; // in a program on smol, `anynet` has all of this
/// use anynet_sockets::UnixStream;
///
/// run(async {
///     let (mut one, mut other) = UnixStream::<Smol>::pair()?;
///     one.send(b"question").await?;
///     one.send_eof().await?; // we have said everything, and still listen
///     let mut buf = [0; 64];
///     let (mut read, mut end) = (0, false);
///     while !end {
///         match other.receive(&mut buf[read..]).await {
///             Ok(n) => read += n,
///             Err(ReceiveError::EndOfStream) => end = true,
///             Err(error) => return Err(error.into()), // reset, or closed by us
///         }
///     }
///     assert_eq!(&buf[..read], b"question");
///
///     other.send(b"answer").await?;
///     other.close().await?;
///     one.receive_exactly(&mut buf[..6]).await?;
///     assert_eq!(&buf[..6], b"answer");
///
///     let (mut receiver, sender) = one.into_split(); // a reader and a writer, each in a task of its own
///     assert!(matches!(receiver.receive(&mut buf).await, Err(ReceiveError::EndOfStream)));
///     drop(sender);
///     Ok::<_, Error>(())
/// })??;
/// # Ok::<_, Error>(())
/// ```
pub struct StreamSocket<R: Runtime, K: Kind> {
    // Before the link: on some runtimes a slot that waits holds on to the descriptor.
    pub(super) receiver: Receiver<R>,
    pub(super) sender: Sender<R>,
    pub(crate) link: Link<R, K>,
}

crate::link::debug_by_link!(StreamSocket);

impl<R: Runtime, K: Kind> StreamSocket<R, K> {
    /// Registers a descriptor that is known to be connected, non-blocking and close-on-exec.
    pub(crate) fn from_connected(
        runtime: R,
        fd: OwnedFd,
        local: Option<K::Address>,
        peer: K::Address,
        fresh: bool,
    ) -> io::Result<Self> {
        let source = runtime.register(fd)?;
        let link = Link::new(source, Ends::new(runtime, local, Some(peer)));
        Ok(Self::from_parts(Receiver::new(fresh), Sender::new(fresh), link))
    }

    /// Registers a descriptor that is known to be connected, non-blocking and close-on-exec, and to have bound `file`.
    pub(crate) fn from_bound(
        runtime: R,
        fd: OwnedFd,
        peer: K::Address,
        file: Option<Box<SocketFile>>,
    ) -> io::Result<Self> {
        let source = runtime.register(fd)?;
        let link = Link::with_file(source, Ends::new(runtime, None, Some(peer)), file);
        Ok(Self::from_parts(Receiver::new(false), Sender::new(false), link))
    }

    /// A stream over a descriptor that is registered already.
    pub(crate) fn from_source(
        runtime: R,
        source: R::Source,
        local: Option<K::Address>,
        peer: K::Address,
    ) -> Self {
        let link = Link::new(source, Ends::new(runtime, local, Some(peer)));
        Self::from_parts(Receiver::new(false), Sender::new(false), link)
    }

    byte_receive_methods!();
    byte_send_methods!();
    live_option_methods!();
    receiver_methods!();
    sender_methods!();
    ends_methods!();

    /// Sends the end, then receives and drops what still comes until the peer's end, for at most `limit`; then closes.
    ///
    /// Data that arrives after a close is answered with a reset, and that can destroy bytes of ours which the peer has not
    /// read yet. This waits until the peer is done. If the future is dropped, the stream is left with its end sent.
    ///
    /// # Errors
    ///
    /// [`Broken`](SendError::Broken) if the limit passed first (with [`TimedOut`](anynet_core::TimedOut)) or the transport failed. An error
    /// means "not in order", never "not closed".
    pub async fn close_lingering(&mut self, limit: Duration) -> Result<(), SendError> {
        if self.link.open().is_none() {
            return self.close().await;
        }
        let runtime = self.runtime().clone();
        let lingered = match timeout(&runtime, limit, self.linger()).await {
            Ok(lingered) => lingered,
            Err(timed_out) => Err(SendError::Broken(Cause::from(io::Error::from(timed_out)))),
        };
        lingered.and(self.close().await)
    }

    async fn linger(&mut self) -> Result<(), SendError> {
        self.send_eof().await?;
        let mut buf = vec![0; 16 << 10];
        loop {
            match self.receive(&mut buf).await {
                Ok(_) => {}
                Err(ReceiveError::EndOfStream) => return Ok(()),
                Err(ReceiveError::Broken(cause) | ReceiveError::Exhausted(cause)) => {
                    return Err(SendError::Broken(cause));
                }
                Err(_) => return Err(SendError::Closed),
            }
        }
    }

    /// Closes the connection at once, over TCP by a reset: what was sent but not delivered is lost, and the peer is told
    /// `Broken`.
    ///
    /// A UNIX stream has no reset: everything that was sent is with the peer already, which receives it and then is told
    /// `Broken` if it had left us something unread, else `EndOfStream`.
    pub fn abort(&mut self) {
        self.forget_waits();
        self.link.abort();
    }

    /// What closes this stream from another task.
    ///
    /// Make it before the operation that it is to wake: a poll that waits already hears only of closers made earlier.
    pub fn closer(&self) -> Closer {
        self.link.closer()
    }

    /// Splits the stream into its two directions, which share the connection without a lock.
    ///
    /// Dropping the send half sends the end; dropping the receive half does nothing; the connection is closed when both are
    /// gone. [`StreamReceiveHalf::reunite`] joins them again. A [`Closer`] made before closes both.
    pub fn into_split(self) -> (StreamReceiveHalf<R, K>, StreamSendHalf<R, K>) {
        let Self {
            receiver,
            sender,
            link,
        } = self;
        (
            StreamReceiveHalf::new(receiver, link.share()),
            StreamSendHalf::new(sender, link),
        )
    }

    pub(super) fn from_parts(receiver: Receiver<R>, sender: Sender<R>, link: Link<R, K>) -> Self {
        Self {
            receiver,
            sender,
            link,
        }
    }

    /// Passes a result on. A closer that came during the call leaves the descriptor to whoever is told of it.
    #[inline]
    pub(super) fn noticed<T, E>(&mut self, result: Result<T, E>) -> Result<T, E> {
        if result.is_err() {
            self.release_if_closed();
        }
        result
    }

    #[cold]
    fn release_if_closed(&mut self) {
        if self.link.open().is_none() {
            self.release();
        }
    }

    /// Notices that the stream was closed: lets go of the descriptor.
    #[cold]
    fn release(&mut self) {
        self.forget_waits();
        self.link.release();
    }

    fn forget_waits(&mut self) {
        self.receiver = Receiver::new(false);
        self.sender = Sender::new(false);
    }

    #[cold]
    pub(super) fn receive_closed<T>(&mut self) -> Result<T, ReceiveError> {
        self.release();
        Err(ReceiveError::Closed)
    }

    #[cold]
    pub(super) fn send_closed<T>(&mut self) -> Result<T, SendError> {
        self.release();
        Err(SendError::Closed)
    }
}

impl<R: Runtime, K: Kind> ByteReceiveStream for StreamSocket<R, K> {
    #[inline]
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        match self.link.open() {
            Some(shared) => {
                let received = self.receiver.poll_receive(shared, cx, buf);
                received.map(|received| self.noticed(received))
            }
            None => Poll::Ready(self.receive_closed()),
        }
    }
}

impl<R: Runtime, K: Kind> ByteSendStream for StreamSocket<R, K> {
    #[inline]
    fn poll_send(&mut self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<Result<usize, SendError>> {
        match self.link.open() {
            Some(shared) => {
                let sent = self.sender.poll_send(shared, cx, bufs);
                sent.map(|sent| self.noticed(sent))
            }
            None => Poll::Ready(self.send_closed()),
        }
    }

    fn poll_send_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match self.link.open() {
            Some(shared) => {
                let ready = self.sender.poll_send_ready(shared, cx);
                ready.map(|ready| self.noticed(ready))
            }
            None => Poll::Ready(self.send_closed()),
        }
    }

    /// Nothing to do: what was sent is with the system.
    #[inline]
    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        match self.link.open() {
            Some(_) => Poll::Ready(Ok(())),
            None => Poll::Ready(self.send_closed()),
        }
    }

    /// Never waits.
    fn poll_send_eof(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        Poll::Ready(match self.link.open() {
            Some(shared) => {
                let sent = self.sender.send_eof(shared);
                self.noticed(sent)
            }
            None => self.send_closed(),
        })
    }

    /// Never waits: the system sends what is left, and the end.
    fn poll_close(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.forget_waits();
        self.link.close();
        Poll::Ready(Ok(()))
    }
}

/// Answers the addresses, the family, the raw socket, on a UNIX stream the peer's credentials, and a [`Closer`].
impl<R: Runtime, K: Kind> Attributes for StreamSocket<R, K> {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.link.facts(request);
        request.provide(|| self.link.closer());
    }
}

/// The descriptor; after a close, a value that every system call answers with `EBADF`.
impl<R: Runtime, K: Kind> AsFd for StreamSocket<R, K> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}
