//! A datagram socket of any kind, connected or not.

use std::borrow::Borrow;
use std::fmt::Debug;
use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use anynet_core::{
    Address, Attributes, Closer, Datagram, PeerCredentials, ReceiveError, Received, Request, Runtime,
    SendError,
};
use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::receive::{receive, try_receive};
use super::{Datagrams, send};
use crate::kind::{Kind, KindAddress};
use crate::link::Link;
use crate::options::live_option_methods;
use crate::shared::Ends;
use crate::unix::SocketFile;

/// Whether a datagram socket is connected to a peer: [`Connected`] and [`Unconnected`], which have no values.
///
/// Sealed: there is nothing between.
pub trait Connection: Copy + Debug + Send + Sync + Unpin + sealed::Sealed + 'static {
    /// Whether it is.
    const CONNECTED: bool;
}

/// A datagram socket that is connected to one peer. It receives from nobody else, and sends to nobody else.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no values")]
pub enum Connected {}

/// A datagram socket that receives from anybody and says with each send to whom.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "it has no values")]
pub enum Unconnected {}

impl Connection for Connected {
    const CONNECTED: bool = true;
}

impl Connection for Unconnected {
    const CONNECTED: bool = false;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Connected {}
    impl Sealed for super::Unconnected {}
}

/// A datagram socket of the kind `K` on the runtime `R`: a [`UdpSocket`](crate::UdpSocket) or a
/// [`UnixDatagram`](crate::UnixDatagram), or a connected one of these.
///
/// Any number of tasks may send and receive on one socket at once; each datagram goes to one of them. The contract is that
/// of [`Datagram`]. Receives and sends are cancel-safe: dropped before they are done, they have taken or sent nothing.
///
/// Dropping the socket, or [`close`](Self::close), frees its address; a [`Closer`] closes it from another task.
pub struct DatagramSocket<R: Runtime, K: Kind, C: Connection> {
    pub(super) link: Link<R, K>,
    connection: PhantomData<C>,
}

crate::link::debug_by_link!(DatagramSocket, C: Connection);

impl<R: Runtime, K: Kind, C: Connection> DatagramSocket<R, K, C> {
    live_option_methods!();

    /// Waits for the next datagram and moves it into `buf`. It may have no bytes; one that is longer than `buf` is
    /// [truncated](Received::truncated).
    ///
    /// # Errors
    ///
    /// [`ReceiveError`]; `EndOfStream` on [`UnixSeqpacket`](crate::UnixSeqpacket) only, for datagrams have no end. `Undelivered` is not the end.
    pub async fn receive(&self, buf: &mut [u8]) -> Result<Received, ReceiveError> {
        Ok(receive(&self.link, buf, RecvFlags::empty()).await?.0)
    }

    /// As [`receive`](Self::receive), but leaves the datagram there for the next receive, of any task.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn peek(&self, buf: &mut [u8]) -> Result<Received, ReceiveError> {
        Ok(receive(&self.link, buf, RecvFlags::PEEK).await?.0)
    }

    /// Receives a datagram that is there. `None`: none is, yet. Never waits.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn try_receive(&self, buf: &mut [u8]) -> Result<Option<Received>, ReceiveError> {
        Ok(try_receive(&self.link, buf)?.map(|(received, _)| received))
    }

    /// The datagrams that arrive from now on, each with its sender, received into one buffer of `size` bytes. Longer ones
    /// are truncated; none is longer than 65,507 bytes on UDP over IPv4.
    pub fn datagrams(&self, size: usize) -> Datagrams<'_, R, K, C> {
        Datagrams::new(self, size)
    }

    /// Waits until there is room to send, in our own buffer. May return early, never late. Cancel-safe.
    ///
    /// # Errors
    ///
    /// See [`SendError`].
    pub async fn send_ready(&self) -> Result<(), SendError> {
        send::ready(&self.link).await
    }

    /// Closes the socket and frees its address. What has arrived unread is lost, unless somebody else holds the
    /// descriptor too. Again: nothing happens.
    pub fn close(&mut self) {
        self.link.close();
    }

    /// What closes this socket from another task. The address is free once the socket is dropped.
    pub fn closer(&self) -> Closer {
        self.link.closer()
    }

    /// The address that it is bound to. Known after a close.
    pub fn local_address(&self) -> K::Address {
        self.link.local()
    }

    /// The runtime that the socket is on.
    pub fn runtime(&self) -> &R {
        &self.link.ends().runtime
    }

    pub(super) async fn receive_and_sender(
        &self,
        buf: &mut [u8],
    ) -> Result<(Received, K::Address), ReceiveError> {
        receive(&self.link, buf, RecvFlags::empty()).await
    }

    /// Who is at the other end, as the system says.
    pub(crate) fn credentials(&self) -> io::Result<PeerCredentials> {
        self.link.peer_credentials()
    }

    pub(super) fn new(source: R::Source, ends: Ends<R, K>, file: Option<Box<SocketFile>>) -> Self {
        Self {
            link: Link::with_file(source, ends, file),
            connection: PhantomData,
        }
    }
}

impl<R: Runtime, K: Kind> DatagramSocket<R, K, Unconnected> {
    /// Registers a descriptor that is known to be an unconnected datagram socket, non-blocking and close-on-exec, and to
    /// have bound `file`.
    pub(crate) fn unconnected(
        runtime: R,
        fd: OwnedFd,
        local: Option<K::Address>,
        file: Option<Box<SocketFile>>,
    ) -> io::Result<Self> {
        let source = runtime.register(fd)?;
        Ok(Self::new(source, Ends::new(runtime, local, None), file))
    }

    /// As [`receive`](Self::receive), and says who sent it.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn receive_from(&self, buf: &mut [u8]) -> Result<(Received, K::Address), ReceiveError> {
        self.receive_and_sender(buf).await
    }

    /// As [`peek`](Self::peek), and says who sent it.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn peek_from(&self, buf: &mut [u8]) -> Result<(Received, K::Address), ReceiveError> {
        receive(&self.link, buf, RecvFlags::PEEK).await
    }

    /// As [`try_receive`](Self::try_receive), and says who sent it.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn try_receive_from(&self, buf: &mut [u8]) -> Result<Option<(Received, K::Address)>, ReceiveError> {
        try_receive(&self.link, buf)
    }

    /// Sends `data` as one datagram to `to`, an address or a reference to one, and waits for room. It may have no bytes.
    ///
    /// # Errors
    ///
    /// [`SendError`]. `NotSent` and `TooLong` are about this datagram only.
    pub async fn send_to(&self, data: &[u8], to: impl Borrow<K::Address>) -> Result<(), SendError> {
        send::send_to(&self.link, data, to.borrow()).await
    }

    /// As [`send_to`](Self::send_to), but never waits: false if there is no room, and nothing was sent.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to).
    pub fn try_send_to(&self, data: &[u8], to: impl Borrow<K::Address>) -> Result<bool, SendError> {
        send::try_send_to(&self.link, data, to.borrow())
    }
}

impl<R: Runtime, K: Kind> DatagramSocket<R, K, Connected> {
    /// Registers a descriptor that is known to be connected to `peer`, non-blocking and close-on-exec, and to have bound
    /// `file`.
    pub(crate) fn connected(
        runtime: R,
        fd: OwnedFd,
        local: Option<K::Address>,
        peer: K::Address,
        file: Option<Box<SocketFile>>,
    ) -> io::Result<Self> {
        let source = runtime.register(fd)?;
        Ok(Self::new(source, Ends::new(runtime, local, Some(peer)), file))
    }

    /// Sends `data` as one datagram to the peer, and waits for room. It may have no bytes.
    ///
    /// # Errors
    ///
    /// [`SendError`]. `NotSent` and `TooLong` are about this datagram only.
    pub async fn send(&self, data: &[u8]) -> Result<(), SendError> {
        send::send(&self.link, data).await
    }

    /// As [`send`](Self::send), but never waits: false if there is no room, and nothing was sent.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn try_send(&self, data: &[u8]) -> Result<bool, SendError> {
        send::try_send(&self.link, data)
    }

    /// The address of the peer. Known after a close.
    pub fn peer_address(&self) -> K::Address {
        self.link.peer()
    }
}

impl<R: Runtime, K: Kind, C: Connection> Datagram for DatagramSocket<R, K, C> {
    async fn receive(&self, buf: &mut [u8]) -> Result<Received, ReceiveError> {
        DatagramSocket::receive(self, buf).await
    }

    async fn receive_from(&self, buf: &mut [u8]) -> Result<(Received, Address), ReceiveError> {
        let (received, sender) = self.receive_and_sender(buf).await?;
        Ok((received, sender.into()))
    }

    async fn send(&self, data: &[u8]) -> Result<(), SendError> {
        send::send(&self.link, data).await
    }

    async fn send_to(&self, data: &[u8], to: &Address) -> Result<(), SendError> {
        let Some(to) = K::Address::of(to) else {
            self.link.open().ok_or(SendError::Closed)?;
            return Err(SendError::NotSent(io::Error::from(Errno::AFNOSUPPORT).into()));
        };
        send::send_to(&self.link, data, to).await
    }
}

/// Answers its local address, the family, the raw socket and a [`Closer`]; if it is connected, its peer's address too, and
/// on a UNIX socket the peer's credentials.
impl<R: Runtime, K: Kind, C: Connection> Attributes for DatagramSocket<R, K, C> {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.link.facts(request);
        request.provide(|| self.link.closer());
    }
}

/// The descriptor; after a close, a value that every system call answers with `EBADF`.
impl<R: Runtime, K: Kind, C: Connection> AsFd for DatagramSocket<R, K, C> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}
