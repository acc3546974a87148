//! anynet against the native sockets, in one run: `anynet-benches counts` or `anynet-benches times`.
//!
//! `counts` tells system calls, allocations and user instructions, which repeat exactly and so are goals: it fails if one is
//! missed. `times` tells rates relative to the natives, which on a shared machine are good to about two percent.

mod callgrind;
mod counts;
mod flavour;
mod goals;
mod idle;
mod strace;
mod times;

use std::process::ExitCode;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let what = std::env::args().nth(1);
    let ran = match what.as_deref() {
        Some("counts") => counts::run(),
        Some("times") => times::run().map(|()| true),
        _ => Err("what is wanted: counts, or times?".into()),
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
