//! Datagram sockets: what UDP and UNIX datagrams have in common, which is nearly everything.

mod adoption;
mod datagrams;
mod descriptors;
mod receive;
mod room;
mod send;
mod socket;

pub use datagrams::Datagrams;
pub use socket::{Connected, Connection, DatagramSocket, Unconnected};
