//! `cargo xtask tidy`: the house rules as code. The same check runs as a test.

mod compiler;
mod items;
mod links;
mod manifests;
mod mutants;
mod pages;
mod rust;
mod source;
mod twins;

use std::fs;
use std::path::{Path, PathBuf};

use xshell::Shell;

use crate::Result;
use crate::workspace::{self, Scope};

/// A text file of the project.
pub(crate) struct Text {
    /// Relative to the root.
    path: PathBuf,
    text: String,
}

impl Text {
    #[cfg(test)]
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            text: text.to_owned(),
        }
    }

    fn is(&self, extension: &str) -> bool {
        self.path.extension().is_some_and(|end| end == extension)
    }

    fn complaint(&self, line: usize, message: &str) -> String {
        format!("{}:{line}: {message}", self.path.display())
    }
}

pub(crate) fn run(sh: &Shell) -> Result<bool> {
    let complaints = complaints(sh)?;
    for complaint in &complaints {
        println!("{complaint}");
    }
    Ok(complaints.is_empty())
}

/// What breaks a rule, a line for each.
pub(crate) fn complaints(sh: &Shell) -> Result<Vec<String>> {
    let root = sh.current_dir();
    let texts = texts(sh, &root)?;
    let metadata = workspace::metadata(sh, Scope::Members)?;
    let mut complaints = manifests::complaints(workspace::packages(&metadata), &texts);
    complaints.extend(compiler::complaints(&texts));
    complaints.extend(rust::complaints(&texts));
    complaints.extend(twins::complaints(&texts));
    complaints.extend(links::complaints(&root, &texts));
    complaints.extend(pages::complaints(&root, &texts));
    complaints.extend(mutants::complaints(&texts));
    Ok(complaints)
}

/// Everything that is text; what is not has no house rules.
fn texts(sh: &Shell, root: &Path) -> Result<Vec<Text>> {
    let mut texts = Vec::new();
    for path in workspace::files(sh)? {
        if let Ok(text) = String::from_utf8(fs::read(root.join(&path))?) {
            texts.push(Text { path, text });
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_rules_are_kept() {
        let sh = crate::workspace::shell().unwrap();
        let complaints = super::complaints(&sh).unwrap();
        assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
    }
}
