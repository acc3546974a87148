//! A copy of the project that mutants may break.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use xshell::Shell;

use super::mutant::Mutant;
use crate::{Result, workspace};

/// The copy. It stays between runs, so that cargo builds only what changed.
pub(crate) struct Tree<'a> {
    pub(crate) sh: &'a Shell,
    /// What holds the copy and what is built from it.
    pub(crate) folder: PathBuf,
    pub(crate) root: PathBuf,
}

impl<'a> Tree<'a> {
    pub(crate) fn create(sh: &'a Shell) -> Result<Self> {
        let folder = sh.current_dir().join("target/mutants");
        let root = sh.create_dir(folder.join("tree"))?;
        Ok(Self { sh, folder, root })
    }

    /// Makes the copy equal to the project. This is also how a mistake is taken back.
    ///
    /// Only what differs is written, and with the present time: cargo compares times, so a file that kept its old
    /// one would let the mutated build pass for the original, and a file written for nothing would be built again.
    pub(crate) fn sync(&self) -> Result {
        let source = self.sh.current_dir();
        let files: BTreeSet<PathBuf> = workspace::files(self.sh)?.into_iter().collect();
        for file in &files {
            let wanted = fs::read(source.join(file))?;
            let copy = self.root.join(file);
            if fs::read(&copy).ok().as_ref() != Some(&wanted) {
                self.sh.write_file(&copy, wanted)?;
            }
        }
        self.remove_strangers(&self.root, &files)
    }

    /// Removes what the project does not have (any more): a test target in a left-over file would be built.
    fn remove_strangers(&self, folder: &Path, files: &BTreeSet<PathBuf>) -> Result {
        for path in self.sh.read_dir(folder)? {
            let relative = path.strip_prefix(&self.root)?;
            if path.is_dir() {
                self.remove_strangers(&path, files)?;
            } else if !files.contains(relative) && relative != Path::new("Cargo.lock") {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// Puts a mistake into the copy, or changes nothing.
    pub(crate) fn apply(&self, mutant: &Mutant) -> Result {
        let path = self.root.join(&mutant.file);
        let mutated = mutant.apply(&self.sh.read_file(&path)?)?;
        Ok(self.sh.write_file(&path, mutated)?)
    }
}
