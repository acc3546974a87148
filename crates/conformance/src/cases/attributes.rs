//! Attributes: what a stream knows about itself.

use crate::case::cases;

cases![];
