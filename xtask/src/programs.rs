//! The outside programs that some tests talk to or measure with.

use std::env;
use std::path::Path;

/// A program, the Debian package that has it, and what needs it.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
    pub(crate) purpose: &'static str,
}

const fn program(name: &'static str, package: &'static str, purpose: &'static str) -> Program {
    Program {
        name,
        package,
        purpose,
    }
}

const PROGRAMS: &[Program] = &[
    program("socat", "socat", "an outside peer"),
    program("ncat", "ncat", "an outside peer"),
    program("ip", "iproute2", "links of a network namespace"),
    program("strace", "strace", "counting system calls"),
    program("valgrind", "valgrind", "counting instructions"),
];

/// Those of the programs that this machine lacks.
pub(crate) fn missing() -> impl Iterator<Item = &'static Program> {
    PROGRAMS.iter().filter(|program| !on_path(program.name))
}

/// Whether `program` can be run by its bare name.
pub(crate) fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| is_file(&folder.join(program)))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file())
}
