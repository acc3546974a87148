//! TCP.

mod connect;
mod halves;
mod listener;
mod stream;

pub use connect::{Bind, Connect};
pub use halves::{ReuniteError, TcpReceiveHalf, TcpSendHalf};
pub use listener::TcpListener;
pub use stream::TcpStream;

pub(crate) use connect::connect_one;
