//! `cargo xtask bench`: anynet against the native sockets, in one run of one program.

use xshell::{Shell, cmd};

use crate::Result;

pub(crate) fn run(sh: &Shell, counts: bool) -> Result<bool> {
    let what = if counts { "counts" } else { "times" };
    cmd!(sh, "cargo run --release --package anynet-benches -- {what}").run()?;
    Ok(true)
}
