//! Where the project is and what belongs to it.

use std::path::{Path, PathBuf};

use serde_json::Value;
use xshell::{Shell, cmd};

use crate::Result;

/// The repository's root folder.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// A shell that stands in the root, wherever `cargo xtask` was typed.
pub(crate) fn shell() -> Result<Shell> {
    let sh = Shell::new()?;
    sh.change_dir(root());
    Ok(sh)
}

/// The files that belong to the project, relative to the root: tracked, or new and not ignored, so that a file
/// counts before it is committed.
pub(crate) fn files(sh: &Shell) -> Result<Vec<PathBuf>> {
    let listed = cmd!(sh, "git ls-files -z --cached --others --exclude-standard")
        .quiet()
        .read()?;
    let mut files: Vec<PathBuf> = listed
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .collect();
    files.retain(|path| sh.path_exists(path));
    files.sort();
    files.dedup();
    Ok(files)
}

/// What cargo knows about the workspace: its members alone, or everything they depend on.
pub(crate) fn metadata(sh: &Shell, scope: Scope) -> Result<Value> {
    let no_deps = matches!(scope, Scope::Members).then_some("--no-deps");
    let json = cmd!(sh, "cargo metadata --format-version 1 {no_deps...}")
        .quiet()
        .read()?;
    Ok(serde_json::from_str(&json)?)
}

/// How far [`metadata`] looks.
#[derive(Clone, Copy)]
pub(crate) enum Scope {
    Members,
    Everything,
}

/// The packages in cargo's answer.
pub(crate) fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"].as_array().map_or(&[], Vec::as_slice)
}
