//! Split streams.

use crate::case::cases;

cases![];
