#![doc = include_str!("../README.md")]

mod assertions;
mod connect;
mod listen;
mod listeners;
mod serve;
mod target;
mod timeout;

pub use connect::{connect, connect_with, listen, listen_with};
pub use listen::listen_all;
pub use listeners::Listeners;
pub use serve::{
    Counters, Guard, Guarded, GuardedStream, Panic, Serve, ServeError, Server, ServerHandle, Statistics,
    Wrapped, serve, wrapped,
};
pub use target::Target;
pub use timeout::{Timeout, timeout};
