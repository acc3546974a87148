//! Methods that a stream has of its directions, and a half of its own. The path of a byte is not in here.

/// Writes what takes bytes without waiting, or without taking them, inside the `impl` block of what has a receiver.
macro_rules! receiver_methods {
    () => {
        /// Receives what is there, without waiting. `None` if nothing is, yet.
        ///
        /// # Errors
        ///
        /// As [`receive`](Self::receive).
        pub fn try_receive(&mut self, buf: &mut [u8]) -> ::std::result::Result<Option<usize>, ReceiveError> {
            match self.link.open() {
                Some(shared) => {
                    let received = self.receiver.try_receive(shared, buf);
                    Ok(self.noticed(received)?.map(::std::num::NonZeroUsize::get))
                }
                None => self.receive_closed(),
            }
        }

        /// As [`receive`](Self::receive), but leaves the bytes for the next receive. Cancel-safe.
        ///
        /// # Errors
        ///
        /// As [`receive`](Self::receive).
        pub async fn peek(&mut self, buf: &mut [u8]) -> ::std::result::Result<usize, ReceiveError> {
            ::std::future::poll_fn(|cx| match self.link.open() {
                Some(shared) => {
                    let peeked = self.receiver.poll_peek(shared, cx, buf);
                    peeked.map(|peeked| self.noticed(peeked).map(::std::num::NonZeroUsize::get))
                }
                None => Poll::Ready(self.receive_closed()),
            })
            .await
        }
    };
}

/// Writes what sends bytes without waiting, inside the `impl` block of what has a sender.
macro_rules! sender_methods {
    () => {
        /// Sends what there is room for, without waiting, and says how much that was. `None` if there is no room.
        ///
        /// # Errors
        ///
        /// As [`send`](Self::send).
        pub fn try_send(&mut self, data: &[u8]) -> ::std::result::Result<Option<usize>, SendError> {
            match self.link.open() {
                Some(shared) => {
                    let sent = self.sender.try_send(shared, data);
                    self.noticed(sent)
                }
                None => self.send_closed(),
            }
        }
    };
}

/// Writes what is known of a connection, inside the `impl` block of what has a link to it.
macro_rules! ends_methods {
    () => {
        /// The address of our end. Known after a close and after a reset.
        pub fn local_address(&self) -> K::Address {
            self.link.local()
        }

        /// The address of the peer's end. Known after a close and after a reset.
        pub fn peer_address(&self) -> K::Address {
            self.link.peer()
        }

        /// The runtime that the connection is on.
        pub fn runtime(&self) -> &R {
            &self.link.ends().runtime
        }
    };
}

pub(super) use {ends_methods, receiver_methods, sender_methods};
