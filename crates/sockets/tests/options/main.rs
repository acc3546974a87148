//! Socket options: the table of them, their values, and the builders that set them. The table is Linux's.
#![cfg(target_os = "linux")]

mod builders;
mod table;
mod values;

use std::time::Duration;

use socket2::{Domain, Socket, Type};

fn fresh(domain: Domain, kind: Type) -> Socket {
    Socket::new(domain, kind, None).unwrap()
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
