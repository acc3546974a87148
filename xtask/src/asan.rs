//! `cargo xtask asan`: the conformance suite under AddressSanitizer, for the two files that hold `unsafe`.

use xshell::{Shell, cmd};

use crate::{Result, conformance, process};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// How the sanitizer's runtime is called in a toolchain, after its channel.
const RUNTIME: &str = "_rt.asan.a";

pub(crate) fn run(sh: &Shell, strict: bool) -> Result<bool> {
    if !has_runtime(sh)? {
        println!("skipped: the toolchain has no AddressSanitizer for {TARGET}");
        return Ok(!strict);
    }
    // Naming a target keeps the flags off build scripts and macros. Leaks are not what `unsafe` could break, and
    // looking for them needs ptrace, which containers refuse.
    let target = conformance::TARGET;
    let cmd = cmd!(
        sh,
        "cargo test --workspace --all-features --test {target} --target {TARGET} --target-dir target/asan
         --no-fail-fast"
    );
    // The flag is of the nightly channel alone, its runtime is in every toolchain: this lets the pinned one take it.
    let cmd = cmd
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("ASAN_OPTIONS", "detect_leaks=0");
    process::tee(cmd, |_| true)?;
    Ok(true)
}

fn has_runtime(sh: &Shell) -> Result<bool> {
    let folder = cmd!(sh, "rustc --print target-libdir --target {TARGET}")
        .quiet()
        .read()?;
    Ok(sh
        .read_dir(folder)
        .unwrap_or_default()
        .iter()
        .any(|file| file.to_string_lossy().ends_with(RUNTIME)))
}
