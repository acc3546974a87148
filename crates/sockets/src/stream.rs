//! Stream sockets: what TCP and UNIX streams have in common, which is nearly everything.

mod adoption;
mod descriptors;
mod halves;
mod listener;
mod methods;
mod reserve;
mod socket;

pub use halves::{ReuniteError, StreamReceiveHalf, StreamSendHalf};
pub use listener::StreamListener;
pub(crate) use listener::accept;
pub(crate) use reserve::{Reserve, taking};
pub use socket::StreamSocket;
