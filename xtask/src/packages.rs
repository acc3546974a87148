//! What would be published compiles from its own archive.

use std::env;
use std::path::PathBuf;

use xshell::{Shell, cmd};

use crate::Result;
use crate::suite::Suite;

pub(crate) fn run(suite: &mut Suite<'_>) -> Result {
    forget_earlier(suite.sh)?;
    suite.run(cmd!(suite.sh, "cargo package --workspace --allow-dirty"))
}

/// Removes what an earlier run has unpacked in cargo's home. Cargo goes by name and version alone, and would build what
/// depends on our crates with how they were then.
fn forget_earlier(sh: &Shell) -> Result {
    let Some(home) = cargo_home() else {
        return Ok(());
    };
    // A registry of ours is a folder, and so its name has no host in front of the hash.
    for registry in sh.read_dir(home.join("registry/src")).unwrap_or_default() {
        if !registry
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('-'))
        {
            continue;
        }
        for package in sh.read_dir(registry)? {
            if package
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("anynet"))
            {
                sh.remove_path(package)?;
            }
        }
    }
    Ok(())
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(".cargo")))
}
