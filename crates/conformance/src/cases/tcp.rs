//! What only TCP sockets have, against plain sockets of the standard library.

use crate::case::cases;

cases![];
