//! A mutant file: why, where to look, and the change itself.

use std::fmt;
use std::path::Path;

use serde::Deserialize;
use xshell::Shell;

use crate::Result;

/// Where the mutants are, relative to the root.
pub(crate) const FOLDER: &str = "crates/conformance/mutants";

/// One deliberate mistake.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutant {
    /// The file's name.
    #[serde(skip)]
    pub(crate) name: String,
    /// What would be wrong with it.
    pub(crate) why: String,
    /// The backend on which the suite should notice.
    backend: String,
    /// A piece of the names of the cases that should; none for all.
    case: Option<String>,
    /// What it changes, relative to the root.
    pub(crate) file: String,
    /// A text that is there exactly once,
    old: String,
    /// and what stands in its place.
    new: String,
}

/// The part of the suite that should notice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Selection {
    /// A backend's name; its first word says which crate holds it.
    pub(crate) backend: String,
    /// A piece of the names of the cases; none for all.
    pub(crate) case: Option<String>,
}

impl Mutant {
    /// Reads the text of the mutant file `path`.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self> {
        let mutant: Self = toml::from_str(text)?;
        mutant.selection().package()?;
        if mutant.old == mutant.new {
            return Err("it changes nothing".into());
        }
        let name = path.file_stem().unwrap_or_default();
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            ..mutant
        })
    }

    pub(crate) fn selection(&self) -> Selection {
        Selection {
            backend: self.backend.clone(),
            case: self.case.clone(),
        }
    }

    /// Its file with the mistake in it. `text` is what the file is without.
    pub(crate) fn apply(&self, text: &str) -> Result<String> {
        match text.matches(&self.old).count() {
            1 => Ok(text.replacen(&self.old, &self.new, 1)),
            n => Err(format!("its old text is {n} times in {}, and must be once", self.file).into()),
        }
    }
}

impl Selection {
    /// The crate whose harness runs the backend.
    pub(crate) fn package(&self) -> Result<&'static str> {
        match self.backend.split('-').next() {
            Some("smol") => Ok("anynet-smol"),
            Some("tokio") => Ok("anynet-tokio"),
            Some("current") => Ok("anynet-tests"),
            Some("mio" | "memory") => Ok("anynet-conformance"),
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

/// The mutants whose name contains one of `names`, or all if there are none, in alphabetical order.
pub(crate) fn read_all(sh: &Shell, names: &[String]) -> Result<Vec<Mutant>> {
    let mut mutants = Vec::new();
    for path in sh.read_dir(FOLDER)? {
        let mutant = Mutant::parse(&path, &sh.read_file(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        if names.is_empty() || names.iter().any(|name| mutant.name.contains(name)) {
            mutants.push(mutant);
        }
    }
    if mutants.is_empty() {
        Err(format!("{FOLDER} has no such mutant").into())
    } else {
        Ok(mutants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "why = 'Two would be three.'\nbackend = 'tokio-current'\nfile = 'a/b.rs'\nold = '2'\n";

    fn parse(rest: &str) -> Result<Mutant> {
        Mutant::parse(Path::new("a/sum.toml"), &format!("{TEXT}{rest}"))
    }

    #[test]
    fn a_mutant_says_why_where_to_look_and_what_changes() {
        let mutant = parse("new = '3'\ncase = 'sum'").unwrap();
        assert_eq!((mutant.name.as_str(), mutant.file.as_str()), ("sum", "a/b.rs"));
        assert_eq!(mutant.selection().to_string(), "sum on tokio-current");
        assert_eq!(parse("new = '3'").unwrap().selection().case, None);
    }

    #[test]
    fn what_is_no_mutant_is_an_error() {
        assert!(parse("").is_err());
        assert!(parse("new = '3'\ncsae = 'sum'").is_err());
        assert!(parse("new = '2'").is_err());
        assert!(
            Mutant::parse(
                Path::new("a.toml"),
                &format!("{TEXT}new = ''").replace("tokio", "curl")
            )
            .is_err()
        );
    }

    #[test]
    fn the_old_text_must_be_there_exactly_once() {
        let mutant = parse("new = '3'").unwrap();
        assert_eq!(mutant.apply("1 + 2").unwrap(), "1 + 3");
        assert!(mutant.apply("1 + 1").is_err());
        assert!(mutant.apply("2 + 2").is_err());
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
