//! `cargo xtask mutants`: does the conformance suite notice when the code is wrong?
//!
//! Each mutant in `crates/conformance/mutants` breaks one thing: it names a file, a text in it and what stands in its
//! place. It is applied to a copy of the project, and the suite must fail there. A mutant that no longer applies or
//! compiles proves nothing, and counts as an error; `tidy` finds those that do not apply.

mod mutant;
mod runner;
mod tree;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use xshell::Shell;

use crate::Result;
use runner::{Outcome, Runner};
use tree::Tree;

pub(crate) use mutant::{FOLDER, Mutant};

/// What became of a mutant.
enum Verdict {
    Caught(String),
    NotCaught,
    DoesNotApply(String),
    DoesNotBuild(String),
}

pub(crate) fn run(sh: &Shell, names: &[String]) -> Result<bool> {
    let mutants = mutant::read_all(sh, names)?;
    let tree = Tree::create(sh)?;
    let runner = Runner::new(&tree);
    check_the_original(&tree, &runner, &mutants)?;

    let mut rows = Vec::new();
    for mutant in &mutants {
        println!("--- {}", mutant.name);
        let start = Instant::now();
        let verdict = try_one(&tree, &runner, mutant)?;
        println!("{}", verdict.word());
        rows.push((mutant, verdict, start.elapsed()));
    }
    tree.sync()?; // so that nothing mutated is left lying about

    for (mutant, verdict, took) in &rows {
        print_row(mutant, verdict, *took);
    }
    let caught = rows
        .iter()
        .filter(|(_, verdict, _)| matches!(verdict, Verdict::Caught(_)))
        .count();
    println!("{caught} of {} mutants caught", rows.len());
    Ok(caught == rows.len())
}

/// A suite that fails on the code as it is would seem to catch everything, and so would a filter that matches
/// nothing if it made the harness fail.
fn check_the_original(tree: &Tree<'_>, runner: &Runner<'_>, mutants: &[Mutant]) -> Result {
    tree.sync()?;
    let selections: BTreeSet<_> = mutants.iter().map(Mutant::selection).collect();
    for selection in selections {
        println!("--- original: {selection}");
        match runner.run(&selection)? {
            Outcome::Passed(0) => return Err(format!("{selection}: no such case").into()),
            Outcome::Passed(tests) => println!("{tests} passed"),
            Outcome::Failed(how) => return Err(format!("fails without a mutant: {how}").into()),
            Outcome::NotBuilt(message) => {
                return Err(format!("does not build without a mutant:\n{message}").into());
            }
        }
    }
    Ok(())
}

fn try_one(tree: &Tree<'_>, runner: &Runner<'_>, mutant: &Mutant) -> Result<Verdict> {
    tree.sync()?;
    if let Err(error) = tree.apply(mutant) {
        return Ok(Verdict::DoesNotApply(error.to_string()));
    }
    Ok(match runner.run(&mutant.selection())? {
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

fn print_row(mutant: &Mutant, verdict: &Verdict, took: Duration) {
    println!(
        "\n{:15} {:6.1} s  {}: {}",
        verdict.word(),
        took.as_secs_f64(),
        mutant.name,
        mutant.why
    );
    println!("    {}", verdict.detail().trim_end().replace('\n', "\n    "));
}
