//! The outside programs that some tests talk to or measure with.

use std::env;
use std::path::Path;

/// Each program, which is also the name of its Debian package, and what needs it.
pub(crate) const PROGRAMS: [(&str, &str); 4] = [
    ("socat", "an outside peer"),
    ("ncat", "an outside peer"),
    ("strace", "counting system calls"),
    ("valgrind", "counting instructions"),
];

/// Those of [`PROGRAMS`] that this machine lacks.
pub(crate) fn missing() -> Vec<(&'static str, &'static str)> {
    PROGRAMS
        .into_iter()
        .filter(|(program, _)| !on_path(program))
        .collect()
}

/// Whether `program` can be run by its bare name.
pub(crate) fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| is_file(&folder.join(program)))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|data| data.is_file())
}
