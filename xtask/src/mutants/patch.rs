//! A patch file: why, where to look, and the change itself.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use xshell::Shell;

use crate::Result;

const FOLDER: &str = "crates/conformance/mutants";

/// One deliberate mistake.
#[derive(Debug)]
pub(crate) struct Patch {
    pub(crate) name: String,
    pub(crate) why: String,
    pub(crate) path: PathBuf,
    pub(crate) selection: Selection,
}

/// The part of the suite that should notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Selection {
    /// A backend's name; its first word says which crate holds it.
    pub(crate) backend: String,
    /// A piece of the names of the cases; none for all.
    pub(crate) case: Option<String>,
}

impl Selection {
    /// The crate whose harness runs the backend.
    pub(crate) fn package(&self) -> Result<&'static str> {
        match self.backend.split('-').next() {
            Some("smol") => Ok("anynet-smol"),
            Some("tokio") => Ok("anynet-tokio"),
            Some("current") => Ok("anynet-tests"),
            Some("mio") => Ok("anynet-conformance"),
            _ => Err(format!("no crate is known to hold the backend `{}`", self.backend).into()),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} on {}",
            self.case.as_deref().unwrap_or("all cases"),
            self.backend
        )
    }
}

/// The patches whose file name contains `name`, in alphabetical order.
pub(crate) fn read_all(sh: &Shell, name: Option<&str>) -> Result<Vec<Patch>> {
    let mut patches = Vec::new();
    for path in sh.read_dir(FOLDER)? {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if path.extension().is_some_and(|end| end == "patch") && name.is_none_or(|name| stem.contains(name)) {
            patches.push(read(&path, &stem)?);
        }
    }
    if patches.is_empty() {
        Err(format!("{FOLDER} has no such patch").into())
    } else {
        Ok(patches)
    }
}

fn read(path: &Path, name: &str) -> Result<Patch> {
    let (why, selection) = header(&fs::read_to_string(path)?);
    Ok(Patch {
        name: name.to_owned(),
        why,
        path: path.to_owned(),
        selection,
    })
}

/// The comment lines before the change: settings as `# key: value`, everything else says why.
fn header(text: &str) -> (String, Selection) {
    let mut why = Vec::new();
    let mut selection = Selection {
        backend: "smol".to_owned(),
        case: None,
    };
    for line in text.lines().map_while(|line| line.strip_prefix('#')) {
        let line = line.trim();
        match line.split_once(": ") {
            Some(("backend", value)) => selection.backend = value.to_owned(),
            Some(("case", value)) => selection.case = Some(value.to_owned()),
            _ => why.push(line),
        }
    }
    (why.join(" "), selection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_why_and_where_to_look() {
        let text =
            "# The latch forgets:\n# nobody may notice.\n# backend: tokio\n# case: sticky\n--- a/x\n# +\n";
        let (why, selection) = header(text);
        assert_eq!(why, "The latch forgets: nobody may notice.");
        assert_eq!(
            selection,
            Selection {
                backend: "tokio".to_owned(),
                case: Some("sticky".to_owned())
            }
        );
    }

    #[test]
    fn all_cases_on_smol_are_the_default() {
        let (why, selection) = header("diff --git a/x b/x\n");
        assert_eq!(why, "");
        assert_eq!(
            selection,
            Selection {
                backend: "smol".to_owned(),
                case: None
            }
        );
        assert_eq!(selection.package().unwrap(), "anynet-smol");
    }

    #[test]
    fn a_backend_is_found_by_its_first_word() {
        let package = |backend: &str| {
            Selection {
                backend: backend.to_owned(),
                case: None,
            }
            .package()
            .ok()
        };
        assert_eq!(package("tokio-current"), Some("anynet-tokio"));
        assert_eq!(package("current-smol"), Some("anynet-tests"));
        assert_eq!(package("curl"), None);
    }
}
