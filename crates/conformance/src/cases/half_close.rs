//! Ending one direction of any stream, while the other goes on.

use crate::case::cases;

cases![];
