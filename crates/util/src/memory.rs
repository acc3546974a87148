//! A network in memory, on a clock that nobody waits for: for tests of whatever is written over the traits.

mod datagram;
mod executor;
mod lane;
mod listener;
mod network;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod turn;

pub use datagram::MemoryDatagram;
pub use executor::{MemorySleep, MemoryTask};
pub use listener::MemoryListener;
pub use network::MemoryNetwork;
pub use stream::{MemoryReceiveHalf, MemoryReuniteError, MemorySendHalf, MemoryStream};
