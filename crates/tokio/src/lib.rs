#![doc = include_str!("../README.md")]

mod assertions;
mod convert;
mod executor;
mod run;
mod runtime;
mod source;

pub use convert::{from_native, into_native};
pub use executor::{TokioSleep, TokioTask};
pub use run::run;
pub use runtime::Tokio;
pub use source::{TokioSlot, TokioSource};
