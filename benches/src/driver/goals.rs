//! The goals, and whether they are reached.

use std::fmt;

use anynet_benches::work::Candidate;

use crate::counts::Cost;
use crate::flavour::{Flavour, TOKIO};
use crate::strace::Calls;

/// What one round trip may take on tokio: on each side one send, one receive, one wait.
const TOKIO_CALLS: [(&str, f64); 5] = [
    ("client sendto", 1.0),
    ("client recvfrom", 1.0),
    ("server sendto", 1.0),
    ("server recvfrom", 1.0),
    ("epoll_wait", 2.0),
];

/// User instructions that our stream may take more than the native one, for a round trip.
const MORE_INSTRUCTIONS: f64 = 100.0;
/// The same, behind a box.
const MORE_INSTRUCTIONS_BOXED: f64 = 160.0;
/// User instructions that the facade's stream may take more than the generic one.
const MORE_INSTRUCTIONS_FACADE: f64 = 2.0;

/// What happens now and then counts as nothing. A call or an allocation too many would count 1.
const NOISE: f64 = 0.25;

/// Whether a goal is reached.
pub(crate) struct Verdict {
    pub(crate) reached: bool,
    goal: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.reached { "reached" } else { "MISSED " };
        write!(f, "{word}  {}", self.goal)
    }
}

impl Verdict {
    /// On a goal that was measured, or else counts as missed.
    fn new(goal: String, reached: Option<bool>) -> Self {
        Self {
            reached: reached.unwrap_or(false),
            goal,
        }
    }
}

/// What `costs` say of the goals. The native is the first of them.
pub(crate) fn verdicts(flavour: &Flavour, costs: &[Cost]) -> Vec<Verdict> {
    let native = &costs[0];
    let mut verdicts = Vec::new();
    for cost in &costs[1..] {
        let who = format!("{}, {}", flavour.name, cost.candidate.name());
        verdicts.extend(calls(&who, flavour, cost, native));
        verdicts.push(Verdict::new(
            format!("{who}: no more allocations than {}", flavour.native),
            Some(cost.allocations <= native.allocations + NOISE),
        ));
        let more = match cost.candidate {
            Candidate::Boxed | Candidate::BoxedFacade => MORE_INSTRUCTIONS_BOXED,
            _ => MORE_INSTRUCTIONS,
        };
        verdicts.push(Verdict::new(
            format!("{who}: at most {more} instructions more than {}", flavour.native),
            at_most(cost, native, more),
        ));
    }
    verdicts.push(facade(flavour, costs));
    verdicts
}

fn calls(who: &str, flavour: &Flavour, cost: &Cost, native: &Cost) -> Vec<Verdict> {
    if flavour.name == TOKIO.name {
        let in_vain = cost.calls.as_ref().map(|calls| calls.in_vain);
        return vec![
            Verdict::new(
                format!("{who}: one send, one receive and one epoll_wait on each side"),
                cost.calls.as_ref().map(are_tokios),
            ),
            Verdict::new(
                format!("{who}: no call in vain"),
                in_vain.map(|calls| calls < NOISE),
            ),
        ];
    }
    // How often threads compete for async-io's reactor is a matter of timing.
    let total = |cost: &Cost| Some(cost.calls.as_ref()?.total() - cost.calls.as_ref()?.of("futex"));
    let totals = total(cost).zip(total(native));
    vec![Verdict::new(
        format!("{who}: no more system calls than {}", flavour.native),
        totals.map(|(ours, native)| ours <= native + NOISE),
    )]
}

fn are_tokios(calls: &Calls) -> bool {
    let expected: f64 = TOKIO_CALLS.iter().map(|(_, count)| count).sum();
    let differs = |(name, count): &(&str, f64)| (calls.of(name) - count).abs() > NOISE;
    !TOKIO_CALLS.iter().any(differs) && calls.total() < expected + NOISE
}

fn facade(flavour: &Flavour, costs: &[Cost]) -> Verdict {
    let of = |candidate| costs.iter().find(|cost| cost.candidate == candidate);
    let both = of(Candidate::Facade).zip(of(Candidate::Generic));
    let more = MORE_INSTRUCTIONS_FACADE;
    Verdict::new(
        format!(
            "{}, facade: at most {more} instructions more than generic",
            flavour.name
        ),
        both.and_then(|(facade, generic)| at_most(facade, generic, more)),
    )
}

fn at_most(cost: &Cost, other: &Cost, more: f64) -> Option<bool> {
    Some(cost.instructions? <= other.instructions? + more)
}
