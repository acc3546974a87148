//! `times`: rates relative to the natives.
//!
//! A shared machine changes its speed for seconds at a time, so long runs say nothing. Short slices in a random order do:
//! their tenth percentile repeats within about 1.5 percent.

use anynet_benches::work::{Candidate, Work};

use crate::Result;
use crate::flavour::{Flavour, SMOL, TOKIO};

/// Slices of each candidate.
const ROUNDS: usize = 60;

/// How long a slice takes, about.
const SLICE_NANOS: f64 = 30e6;

pub(crate) fn run() -> Result {
    println!(
        "rates relative to the native, from {ROUNDS} slices each: above 1 is faster; 0.97 to 1.03 are equal\n"
    );
    println!("{:<28}{:<12}{:>8}{:>16}", "", "", "ratio", "ns/operation");
    for flavour in [&TOKIO, &SMOL] {
        flavour.build()?;
        for (work, what, candidates) in [
            (Work::PingPong, "64-byte round trip", &Candidate::ALL[..]),
            (Work::Bulk, "MiB in 64-KiB pieces", &Candidate::ALL[..]),
            (
                Work::Connect,
                "connect, accept, close",
                &Candidate::CONNECTING[..],
            ),
        ] {
            println!("on {}, {what}", flavour.name);
            compare(flavour, work, candidates)?;
        }
    }
    Ok(())
}

fn compare(flavour: &Flavour, work: Work, candidates: &[Candidate]) -> Result {
    let ops = calibrated(flavour, work)?;
    let mut slices = vec![Vec::with_capacity(ROUNDS); candidates.len()];
    for _ in 0..ROUNDS {
        let mut order: Vec<usize> = (0..candidates.len()).collect();
        fastrand::shuffle(&mut order);
        for i in order {
            slices[i].push(slice(flavour, candidates[i], work, ops)?);
        }
    }
    let tenths: Vec<f64> = slices.iter_mut().map(|slices| tenth_percentile(slices)).collect();
    for (candidate, nanos) in candidates.iter().zip(&tenths) {
        let name = match candidate {
            Candidate::Native => flavour.native,
            ours => ours.name(),
        };
        println!("{:<28}{name:<12}{:>8.3}{nanos:>16.0}", "", tenths[0] / nanos);
    }
    Ok(())
}

/// Nanoseconds of one operation.
fn slice(flavour: &Flavour, candidate: Candidate, work: Work, ops: u64) -> Result<f64> {
    let figures = flavour.run(candidate, work, ops)?;
    Ok(figures.time.as_nanos() as f64 / ops as f64)
}

/// As many operations as make a slice.
fn calibrated(flavour: &Flavour, work: Work) -> Result<u64> {
    let nanos = slice(flavour, Candidate::Native, work, 200)?;
    Ok((SLICE_NANOS / nanos).clamp(50.0, 1e6) as u64)
}

fn tenth_percentile(slices: &mut [f64]) -> f64 {
    slices.sort_by(f64::total_cmp);
    slices[slices.len() / 10]
}
