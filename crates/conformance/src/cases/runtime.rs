//! Executors: tasks, timers, and sockets that outlive their runtime.

use crate::case::cases;

cases![];
