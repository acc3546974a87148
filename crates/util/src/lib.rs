#![doc = include_str!("../README.md")]

mod assertions;
mod connect;
mod events;
mod faulty;
mod latch;
mod listen;
mod listeners;
mod memory;
mod serve;
mod signal;
mod stapled;
mod table;
mod target;
mod timeout;
mod waiters;

pub use connect::{
    Attempt, Connected, HappyEyeballs, Outcome, connect, connect_with, listen, listen_with, wrapped_attempt,
};
pub use faulty::{Faulty, FaultyListener, FaultyNetwork};
pub use listen::listen_all;
pub use listeners::Listeners;
pub use memory::{
    MemoryDatagram, MemoryListener, MemoryNetwork, MemoryReceiveHalf, MemoryReuniteError, MemorySendHalf,
    MemorySleep, MemoryStream, MemoryTask,
};
pub use serve::{
    Counters, Guard, Guarded, GuardedStream, Panic, Serve, ServeError, Server, ServerHandle, Statistics,
    Wrapped, serve, wrapped,
};
pub use stapled::Stapled;
pub use table::TableResolver;
pub use target::Target;
pub use timeout::{Timeout, timeout};
pub use waiters::{Seat, Waiters};
