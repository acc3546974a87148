#![doc = include_str!("../README.md")]

mod assertions;
mod bell;
mod link;
mod network;
pub mod options;
mod receive;
mod resolve;
mod send;
mod shared;
mod socket;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod sys;
mod tcp;

pub use network::OsNetwork;
pub use tcp::{Bind, Connect, ReuniteError, TcpListener, TcpReceiveHalf, TcpSendHalf, TcpStream};
