//! Serving connections.

use crate::case::cases;

cases![];
