//! What is measured, and the figures that come of it: what the programs of this package share.

#![expect(clippy::exhaustive_enums, reason = "nobody outside this package sees them")]

pub mod crowd;
pub mod ours;
pub mod work;
