//! Connections that fail: what is said, and that it is never forgotten.

use crate::case::cases;

cases![];
