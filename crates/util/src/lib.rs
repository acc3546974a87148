#![doc = include_str!("../README.md")]

mod assertions;
mod connect;
mod connections;
mod faulty;
mod memory;
mod panic;
mod serve;
mod table;
mod target;
mod timeout;

pub use connect::{Attempt, Connected, HappyEyeballs, Outcome, connect, connect_with, listen, listen_with};
pub use faulty::Faulty;
pub use memory::{MemoryDatagram, MemoryListener, MemoryNetwork, MemorySleep, MemoryStream, MemoryTask};
pub use panic::Panic;
pub use serve::{Serve, ServeError, serve};
pub use table::TableResolver;
pub use target::Target;
pub use timeout::{Timeout, timeout};
