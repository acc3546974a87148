//! Both directions of any stream at once.

use crate::case::cases;

cases![];
