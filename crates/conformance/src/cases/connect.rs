//! Connecting.

use crate::case::cases;

cases![];
