//! `cargo xtask`: everything the project asks of a machine, as plain Rust programs. One command, one file.

mod flags;

mod asan;
mod bench;
mod ci;
mod conformance;
mod mutants;
mod test;
mod tidy;

mod ledger;
mod libtest;
mod licences;
mod matrix;
mod packages;
mod process;
mod programs;
mod spdx;
mod suite;
mod workspace;

use std::process::ExitCode;

use flags::{Xtask, XtaskCmd};

/// Nobody handles a chore's errors but the one who reads them.
type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn main() -> ExitCode {
    let command = match Xtask::from_env() {
        Ok(flags) => flags.subcommand,
        Err(error) => return flags::explain(&error),
    };
    match run(command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does the chore and answers whether all is well. What is not well has been printed by then.
fn run(command: XtaskCmd) -> Result<bool> {
    let sh = workspace::shell()?;
    match command {
        XtaskCmd::Test(flags) => test::run(&sh, flags.strict),
        XtaskCmd::Ci(_) => ci::run(&sh),
        XtaskCmd::Conformance(flags) => conformance::run(&sh, &flags),
        XtaskCmd::Tidy(_) => tidy::run(&sh),
        XtaskCmd::Mutants(flags) => mutants::run(&sh, &flags.name),
        XtaskCmd::Asan(flags) => asan::run(&sh, flags.strict),
        XtaskCmd::Bench(flags) => bench::run(&sh, flags.counts),
    }
}
