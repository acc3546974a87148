//! Futures that are dropped before they are done.

use crate::case::cases;

cases![];
