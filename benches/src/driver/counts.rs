//! `counts`: what repeats exactly, and its goals.

use std::collections::BTreeSet;

use anynet_benches::work::{Candidate, Work};

use crate::flavour::{Flavour, SMOL, TOKIO, on_path};
use crate::goals::Verdict;
use crate::strace::Calls;
use crate::{Result, callgrind, goals, idle, strace};

/// Operations of the run that counts allocations.
const OPS: u64 = 2000;

/// What one candidate costs for each operation.
pub(crate) struct Cost {
    pub(crate) candidate: Candidate,
    pub(crate) allocations: f64,
    /// `None` without strace.
    pub(crate) calls: Option<Calls>,
    /// `None` without valgrind, and where nobody asks.
    pub(crate) instructions: Option<f64>,
}

/// Measures and tells everything. False if a goal is missed, or could not be checked.
pub(crate) fn run() -> Result<bool> {
    let mut reached = true;
    for (tool, purpose) in [("strace", "system calls"), ("valgrind", "instructions")] {
        if !on_path(tool) {
            println!("{tool} is not installed, so {purpose} are not counted and their goals count as missed");
            reached = false;
        }
    }
    for flavour in [&TOKIO, &SMOL] {
        flavour.build()?;
        let costs = costs(flavour, Work::PingPong, &Candidate::ALL)?;
        let title = "a 64-byte TCP round trip that waits, 4096-byte buffers, both ends on one thread";
        print_table(flavour, title, &costs);
        reached &= print_verdicts(goals::verdicts(flavour, &costs));
        let costs = self::costs(flavour, Work::UnixPingPong, &Candidate::ALL)?;
        let title = "the same over a UNIX stream";
        print_table(flavour, title, &costs);
        reached &= print_verdicts(goals::unix(flavour, &costs));
        let costs = self::costs(flavour, Work::Datagrams, &Candidate::DATAGRAMS)?;
        let title = "a burst of 16 UDP datagrams of 64 bytes, sent and then received";
        print_table(flavour, title, &costs);
        reached &= print_verdicts(goals::datagrams(flavour, &costs));
        let costs = self::costs(flavour, Work::Connect, &Candidate::CONNECTING)?;
        let title = "connect, accept and close of both ends (no goals)";
        print_table(flavour, title, &costs);
        let costs = self::costs(flavour, Work::Accept, &Candidate::CONNECTING)?;
        let title = "the connection of a blocking client, accepted and closed";
        print_table(flavour, title, &costs);
        reached &= print_verdicts(goals::accepts(flavour, &costs));
        let costs = self::costs(flavour, Work::Burst, &Candidate::CONNECTING)?;
        let title = "a burst of 50 connections, each in a task of its own, ours under `serve`";
        print_table(flavour, title, &costs);
        reached &= print_verdicts(goals::bursts(flavour, &costs));
        reached &= print_verdicts(idle::print_and_judge(flavour)?);
    }
    Ok(reached)
}

fn print_verdicts(verdicts: Vec<Verdict>) -> bool {
    verdicts.iter().for_each(|verdict| println!("{verdict}"));
    verdicts.iter().all(|verdict| verdict.reached)
}

fn costs(flavour: &Flavour, work: Work, candidates: &[Candidate]) -> Result<Vec<Cost>> {
    candidates
        .iter()
        .map(|candidate| cost(flavour, *candidate, work))
        .collect()
}

fn cost(flavour: &Flavour, candidate: Candidate, work: Work) -> Result<Cost> {
    let ops = work.instead_of(OPS);
    let figures = flavour.run(candidate, work, ops)?;
    let strace = || {
        best(
            flavour,
            || strace::per_operation(flavour, candidate, work),
            Calls::total,
        )
    };
    let callgrind = || {
        best(
            flavour,
            || callgrind::per_operation(flavour, candidate, work),
            |cost| *cost,
        )
    };
    Ok(Cost {
        candidate,
        allocations: figures.allocations as f64 / ops as f64,
        calls: on_path("strace").then(strace).transpose()?,
        instructions: on_path("valgrind").then(callgrind).transpose()?,
    })
}

/// The cheapest of some runs: what a runtime's own threads add by their timing is not what an operation costs.
fn best<T>(flavour: &Flavour, run: impl Fn() -> Result<T>, cost: impl Fn(&T) -> f64) -> Result<T> {
    let mut best = run()?;
    for _ in 1..flavour.runs {
        let next = run()?;
        if cost(&next) < cost(&best) {
            best = next;
        }
    }
    Ok(best)
}

/// Prints what each candidate costs, and beside it how much more that is than the native one, which comes first.
fn print_table(flavour: &Flavour, title: &str, costs: &[Cost]) {
    println!("\n## on {}: {title}\n", flavour.name);
    let heads = costs.iter().map(|cost| match cost.candidate {
        Candidate::Native => flavour.native.to_owned(),
        ours => ours.name().to_owned(),
    });
    print_row("each", heads);
    let calls = |cost: &Cost, of: &dyn Fn(&Calls) -> f64| cost.calls.as_ref().map(of);
    print_numbers("system calls", costs, |cost| calls(cost, &Calls::total));
    let names: BTreeSet<&String> = costs
        .iter()
        .filter_map(|cost| cost.calls.as_ref())
        .flat_map(|calls| calls.by_name.keys())
        .collect();
    for name in names {
        print_numbers(&format!("  {name}"), costs, |cost| {
            calls(cost, &|calls| calls.of(name))
        });
    }
    print_numbers("  in vain (EAGAIN)", costs, |cost| {
        calls(cost, &|calls| calls.in_vain)
    });
    print_numbers("allocations", costs, |cost| Some(cost.allocations));
    print_numbers("user instructions", costs, |cost| cost.instructions);
    println!();
}

fn print_numbers(label: &str, costs: &[Cost], number: impl Fn(&Cost) -> Option<f64>) {
    let native = number(&costs[0]);
    let cells = costs
        .iter()
        .enumerate()
        .map(|(i, cost)| match (number(cost), native) {
            (Some(ours), Some(native)) if i > 0 => format!("{ours:.2} ({:+.2})", ours - native),
            (Some(number), _) => format!("{number:.2}"),
            _ => "?".to_owned(),
        });
    print_row(label, cells);
}

pub(crate) fn print_row(label: &str, cells: impl Iterator<Item = String>) {
    print!("{label:<22}");
    for cell in cells {
        print!("{cell:>20}");
    }
    println!();
}
