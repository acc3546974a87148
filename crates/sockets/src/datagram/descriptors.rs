//! Descriptors over UNIX datagrams.

use std::borrow::Borrow;
use std::os::fd::{AsFd, BorrowedFd};

use anynet_core::{ReceiveError, Runtime, SendError, UnixAddress};

use super::receive::receive_fds;
use super::{Connected, Connection, DatagramSocket, Unconnected, send};
use crate::descriptors::ReceivedFds;
use crate::kind::Kind;
use crate::unix::UnixDgram;

/// Of UNIX sockets only.
impl<R: Runtime, K: Kind<Address = UnixAddress>, C: Connection> DatagramSocket<R, K, C> {
    /// Waits for the next datagram, moves it into `buf`, and takes at most `max_fds` descriptors that came with it; there may
    /// be none. A plain [`receive`](Self::receive) closes them, [`peek`](Self::peek) leaves them. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive); [`NoDescriptors`](ReceiveError::NoDescriptors) if `max_fds` is 0. `buf` may not be empty:
    /// the bytes of a datagram cannot be left behind. Descriptors beyond `max_fds`, and beyond what the process may open
    /// (`RLIMIT_NOFILE`), are no error, but closed: [`fds_truncated`](ReceivedFds::fds_truncated).
    pub async fn receive_fds(&self, buf: &mut [u8], max_fds: usize) -> Result<ReceivedFds, ReceiveError> {
        Ok(receive_fds(&self.link, buf, max_fds).await?.0)
    }
}

/// Of UNIX datagrams only.
impl<R: Runtime> DatagramSocket<R, UnixDgram, Unconnected> {
    /// As [`receive_fds`](Self::receive_fds), and says who sent it.
    ///
    /// # Errors
    ///
    /// As [`receive_fds`](Self::receive_fds).
    pub async fn receive_fds_from(
        &self,
        buf: &mut [u8],
        max_fds: usize,
    ) -> Result<(ReceivedFds, UnixAddress), ReceiveError> {
        let (received, sender) = receive_fds(&self.link, buf, max_fds).await?;
        let sender = sender.and_then(|sender| sender.unix());
        Ok((received, sender.unwrap_or(UnixAddress::Unnamed)))
    }

    /// Sends `data` and duplicates of `fds` as one datagram to `to`, and waits for room. It may have no bytes. Cancel-safe.
    ///
    /// # Errors
    ///
    /// As [`send_to`](Self::send_to), and about the descriptors as
    /// [`UnixStream::send_fds`](crate::StreamSocket::send_fds), but for `NoData`.
    pub fn send_fds_to<'a, F: AsFd>(
        &'a self,
        data: &'a [u8],
        fds: &'a [F],
        to: impl Borrow<UnixAddress> + 'a,
    ) -> impl Future<Output = Result<(), SendError>> + 'a {
        let fds: Vec<BorrowedFd<'a>> = fds.iter().map(AsFd::as_fd).collect();
        async move { send::send_fds(&self.link, data, &fds, Some(to.borrow())).await }
    }
}

/// Of UNIX sockets only.
impl<R: Runtime, K: Kind<Address = UnixAddress>> DatagramSocket<R, K, Connected> {
    /// Sends `data` and duplicates of `fds` as one datagram to the peer, and waits for room. It may have no bytes.
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and about the descriptors as
    /// [`UnixStream::send_fds`](crate::StreamSocket::send_fds), but for `NoData`.
    pub fn send_fds<'a, F: AsFd>(
        &'a self,
        data: &'a [u8],
        fds: &'a [F],
    ) -> impl Future<Output = Result<(), SendError>> + 'a {
        let fds: Vec<BorrowedFd<'a>> = fds.iter().map(AsFd::as_fd).collect();
        async move { send::send_fds(&self.link, data, &fds, None).await }
    }
}
