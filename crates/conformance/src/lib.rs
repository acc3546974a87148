#![doc = include_str!("../README.md")]

mod assertions;
mod backend;
mod case;
mod cases;
mod catalogue;
mod context;
mod descriptors;
mod ends;
mod ground;
mod kinds;
mod named;
mod pipe;
pub mod refused;
mod resolvers;
mod steps;
mod suite;

pub use backend::{Backend, Body, Deviation, NetworkBackend, NetworkBody, Second};
pub use catalogue::{Catalogue, Entry, Standing, Table};
pub use context::Context;
pub use ends::{ReceiveEnd, SendEnd};
pub use ground::Ground;
pub use kinds::{Maker, StreamKind};
pub use named::Named;
pub use suite::Suite;
