//! `cargo xtask mutants`: does the conformance suite notice when the code is wrong?
//!
//! Each patch in `crates/conformance/mutants` breaks one thing. It is applied to a copy of the project, and the
//! suite must fail there. A patch that no longer applies or compiles proves nothing, and counts as an error.

mod patch;
mod runner;
mod tree;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use xshell::Shell;

use crate::Result;
use patch::Patch;
use runner::{Outcome, Runner};
use tree::Tree;

/// What became of a patch.
enum Verdict {
    Caught(String),
    NotCaught,
    DoesNotApply(String),
    DoesNotBuild(String),
}

pub(crate) fn run(sh: &Shell, name: Option<&str>) -> Result<bool> {
    let patches = patch::read_all(sh, name)?;
    let tree = Tree::create(sh)?;
    let runner = Runner::new(&tree);
    check_the_unpatched(&tree, &runner, &patches)?;

    let mut rows = Vec::new();
    for patch in &patches {
        println!("--- {}", patch.name);
        let start = Instant::now();
        let verdict = try_patch(&tree, &runner, patch)?;
        println!("{}", verdict.word());
        rows.push((patch, verdict, start.elapsed()));
    }
    tree.sync()?; // so that nothing mutated is left lying about

    for (patch, verdict, took) in &rows {
        print_row(patch, verdict, *took);
    }
    let caught = rows
        .iter()
        .filter(|(_, verdict, _)| matches!(verdict, Verdict::Caught(_)))
        .count();
    println!("{caught} of {} patches caught", rows.len());
    Ok(caught == rows.len())
}

/// A suite that fails on the code as it is would seem to catch everything, and so would a filter that matches
/// nothing if it made the harness fail.
fn check_the_unpatched(tree: &Tree<'_>, runner: &Runner<'_>, patches: &[Patch]) -> Result {
    tree.sync()?;
    let selections: BTreeSet<_> = patches.iter().map(|patch| &patch.selection).collect();
    for selection in selections {
        println!("--- unpatched: {selection}");
        match runner.run(selection)? {
            Outcome::Passed(0) => return Err(format!("{selection}: no such case").into()),
            Outcome::Passed(tests) => println!("{tests} passed"),
            Outcome::Failed(how) => return Err(format!("fails without a patch: {how}").into()),
            Outcome::NotBuilt(message) => {
                return Err(format!("does not build without a patch:\n{message}").into());
            }
        }
    }
    Ok(())
}

fn try_patch(tree: &Tree<'_>, runner: &Runner<'_>, patch: &Patch) -> Result<Verdict> {
    tree.sync()?;
    if let Err(error) = tree.apply(patch) {
        return Ok(Verdict::DoesNotApply(error.to_string()));
    }
    Ok(match runner.run(&patch.selection)? {
        Outcome::Passed(_) => Verdict::NotCaught,
        Outcome::Failed(how) => Verdict::Caught(how),
        Outcome::NotBuilt(message) => Verdict::DoesNotBuild(message),
    })
}

impl Verdict {
    fn word(&self) -> &'static str {
        match self {
            Self::Caught(_) => "caught",
            Self::NotCaught => "NOT CAUGHT",
            Self::DoesNotApply(_) => "DOES NOT APPLY",
            Self::DoesNotBuild(_) => "DOES NOT BUILD",
        }
    }

    fn detail(&self) -> &str {
        match self {
            Self::Caught(how) => how,
            Self::NotCaught => "the suite passes",
            Self::DoesNotApply(message) | Self::DoesNotBuild(message) => message,
        }
    }
}

fn print_row(patch: &Patch, verdict: &Verdict, took: Duration) {
    println!(
        "\n{:15} {:6.1} s  {}: {}",
        verdict.word(),
        took.as_secs_f64(),
        patch.name,
        patch.why
    );
    println!("    {}", verdict.detail().trim_end().replace('\n', "\n    "));
}
