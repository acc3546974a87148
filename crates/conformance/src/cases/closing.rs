//! Closing: in order, lingering, by reset, by dropping, and from another task.

use crate::case::cases;

cases![];
