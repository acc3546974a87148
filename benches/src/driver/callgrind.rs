//! User instructions, as valgrind counts them.

use std::process::Command;

use anynet_benches::work::{Candidate, Work};

use crate::Result;
use crate::flavour::{Flavour, output};

/// How many operations the shorter of two runs does; the longer one does three times as many.
const OPS: u64 = 1000;

/// The instructions of one operation: the difference of two runs, so that what happens once does not count.
pub(crate) fn per_operation(flavour: &Flavour, candidate: Candidate, work: Work) -> Result<f64> {
    let ops = work.instead_of(OPS);
    let short = total(flavour, candidate, work, ops)?;
    let long = total(flavour, candidate, work, 3 * ops)?;
    Ok((long - short) / (2 * ops) as f64)
}

fn total(flavour: &Flavour, candidate: Candidate, work: Work, ops: u64) -> Result<f64> {
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .args(flavour.command_line(candidate, work, ops)?);
    let (_, report) = output(command)?;
    let collected = report
        .lines()
        .find_map(|line| line.split_once("Collected : "))
        .and_then(|(_, number)| number.trim().parse().ok());
    Ok(collected.ok_or("valgrind did not say how many instructions it counted")?)
}
