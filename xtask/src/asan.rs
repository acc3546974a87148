//! `cargo xtask asan`: the conformance suite under AddressSanitizer, for the two files that hold `unsafe`.

use xshell::{Shell, cmd};

use crate::{Result, conformance, process, programs};

const TARGET: &str = "x86_64-unknown-linux-gnu";

pub(crate) fn run(sh: &Shell, strict: bool) -> Result<bool> {
    if !has_nightly(sh)? {
        println!("skipped: no nightly toolchain is installed, and only it has AddressSanitizer");
        return Ok(!strict);
    }
    // `cargo xtask` has pinned the toolchain for its children, so it is named by `rustup run` and not by `+nightly`.
    // Naming a target keeps the flags off build scripts and macros. Leaks are not what `unsafe` could break, and
    // looking for them needs ptrace, which containers refuse.
    let target = conformance::TARGET;
    let cmd = cmd!(
        sh,
        "rustup run nightly cargo test --package anynet-smol --package anynet-tokio --test {target}
         --target {TARGET} --target-dir target/asan --no-fail-fast"
    );
    let cmd = cmd
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("ASAN_OPTIONS", "detect_leaks=0");
    process::tee(cmd, |_| true)?;
    Ok(true)
}

fn has_nightly(sh: &Shell) -> Result<bool> {
    if !programs::on_path("rustup") {
        return Ok(false);
    }
    let installed = cmd!(sh, "rustup toolchain list").quiet().read()?;
    Ok(installed
        .lines()
        .any(|toolchain| toolchain.starts_with("nightly")))
}
