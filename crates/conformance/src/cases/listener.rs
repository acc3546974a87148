//! Listening and accepting.

use crate::case::cases;

cases![];
