#![doc = include_str!("../README.md")]

mod assertions;
mod bell;
mod link;
mod network;
mod receive;
mod resolve;
mod send;
mod shared;
mod socket;
mod tcp;

pub use network::OsNetwork;
pub use tcp::{Bind, Connect, ReuniteError, TcpListener, TcpReceiveHalf, TcpSendHalf, TcpStream};
