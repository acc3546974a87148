//! Any datagram socket as one type.

use std::fmt;

use super::BoxFuture;
use crate::{Address, Attributes, Datagram, ReceiveError, Received, Request, SendError};

/// Any [`Datagram`] as one type. It allocates once per datagram.
pub struct BoxDatagram(Box<dyn DynDatagram>);

impl BoxDatagram {
    /// Erases the type of `socket`.
    pub fn new<D: Datagram>(socket: D) -> Self {
        Self(Box::new(socket))
    }
}

impl Attributes for BoxDatagram {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.0.attributes(request);
    }
}

impl Datagram for BoxDatagram {
    async fn receive(&self, buf: &mut [u8]) -> Result<Received, ReceiveError> {
        self.0.receive_dyn(buf).await
    }

    async fn receive_from(&self, buf: &mut [u8]) -> Result<(Received, Address), ReceiveError> {
        self.0.receive_from_dyn(buf).await
    }

    async fn send(&self, data: &[u8]) -> Result<(), SendError> {
        self.0.send_dyn(data).await
    }

    async fn send_to(&self, data: &[u8], to: &Address) -> Result<(), SendError> {
        self.0.send_to_dyn(data, to).await
    }
}

impl fmt::Debug for BoxDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxDatagram").finish_non_exhaustive()
    }
}

trait DynDatagram: Attributes + Send + Sync {
    fn receive_dyn<'a>(&'a self, buf: &'a mut [u8]) -> BoxFuture<'a, Result<Received, ReceiveError>>;
    fn receive_from_dyn<'a>(
        &'a self,
        buf: &'a mut [u8],
    ) -> BoxFuture<'a, Result<(Received, Address), ReceiveError>>;
    fn send_dyn<'a>(&'a self, data: &'a [u8]) -> BoxFuture<'a, Result<(), SendError>>;
    fn send_to_dyn<'a>(&'a self, data: &'a [u8], to: &'a Address) -> BoxFuture<'a, Result<(), SendError>>;
}

impl<D: Datagram> DynDatagram for D {
    fn receive_dyn<'a>(&'a self, buf: &'a mut [u8]) -> BoxFuture<'a, Result<Received, ReceiveError>> {
        Box::pin(self.receive(buf))
    }

    fn receive_from_dyn<'a>(
        &'a self,
        buf: &'a mut [u8],
    ) -> BoxFuture<'a, Result<(Received, Address), ReceiveError>> {
        Box::pin(self.receive_from(buf))
    }

    fn send_dyn<'a>(&'a self, data: &'a [u8]) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(self.send(data))
    }

    fn send_to_dyn<'a>(&'a self, data: &'a [u8], to: &'a Address) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(self.send_to(data, to))
    }
}
