//! The runtimes, and the worker program of each.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anynet_benches::work::{Candidate, Figures, Work};

use crate::Result;

/// A runtime to measure on.
pub(crate) struct Flavour {
    pub(crate) name: &'static str,
    /// Whose sockets are the native ones.
    pub(crate) native: &'static str,
    /// How many runs a count is the best of. Everything is on one thread on tokio; async-io has one of its own.
    pub(crate) runs: usize,
    program: &'static str,
    feature: &'static str,
}

pub(crate) const TOKIO: Flavour = Flavour {
    name: "tokio",
    native: "tokio::net",
    runs: 1,
    program: "bench-on-tokio",
    feature: "on-tokio",
};

pub(crate) const SMOL: Flavour = Flavour {
    name: "smol",
    native: "async-net",
    runs: 4,
    program: "bench-on-smol",
    feature: "on-smol",
};

impl Flavour {
    /// Builds the worker. It is a build of its own, because features add up within one.
    pub(crate) fn build(&self) -> Result {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args([
                "build",
                "--quiet",
                "--release",
                "--package",
                env!("CARGO_PKG_NAME"),
            ])
            .args(["--bin", self.program, "--features", self.feature])
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("{} cannot be built", self.program).into())
        }
    }

    /// The command line of the worker; what goes before it may be a tool that runs it.
    pub(crate) fn command_line(&self, candidate: Candidate, work: Work, ops: u64) -> Result<Vec<OsString>> {
        let program: PathBuf = env::current_exe()?.with_file_name(self.program);
        let ops = ops.to_string();
        Ok(vec![
            program.into(),
            candidate.name().into(),
            work.name().into(),
            ops.into(),
        ])
    }

    /// Runs the worker by itself.
    pub(crate) fn run(&self, candidate: Candidate, work: Work, ops: u64) -> Result<Figures> {
        let line = self.command_line(candidate, work, ops)?;
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]);
        Ok(output(command)?.0.parse()?)
    }
}

/// What a command says on its two outputs.
pub(crate) fn output(mut command: Command) -> Result<(String, String)> {
    let ran = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let [out, err] = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if ran.status.success() {
        Ok((out, err))
    } else {
        Err(format!("{command:?}: {}\n{err}", ran.status).into())
    }
}

/// Whether a program of that name can be run.
pub(crate) fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
