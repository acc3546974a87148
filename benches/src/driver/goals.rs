//! The goals, and whether they are reached.

use std::fmt;

use anynet_benches::work::{ACCEPTS, BURST, Candidate};

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

/// Allocations that an accepted connection of ours may take more than a native one: what its handles share.
const MORE_ALLOCATIONS: f64 = 1.0;
/// Accepts for each connection of a burst: one each, and now and then one that finds nobody.
const ACCEPTS_EACH: f64 = 1.05;

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
    pub(crate) fn new(goal: String, reached: Option<bool>) -> Self {
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

/// What `costs` say of a round trip over a UNIX stream.
///
/// tokio takes a short read for an empty buffer. That is not so on a UNIX stream, where descriptors end a read early, and so
/// its streams can hang; without that mistake, each wait costs one receive that finds nothing.
pub(crate) fn unix(flavour: &Flavour, costs: &[Cost]) -> Vec<Verdict> {
    let native = &costs[0];
    let more = if flavour.name == TOKIO.name { 2.0 } else { 0.0 };
    let besides = if more > 0.0 {
        ", and a receive in vain for each wait"
    } else {
        ""
    };
    let each = costs[1..].iter().map(|cost| {
        let who = format!("{}, {}, UNIX", flavour.name, cost.candidate.name());
        let totals = total(cost).zip(total(native));
        [
            Verdict::new(
                format!("{who}: no more system calls than {}{besides}", flavour.native),
                totals.map(|(ours, native)| ours <= native + more + NOISE),
            ),
            Verdict::new(
                format!("{who}: no more allocations than {}", flavour.native),
                Some(cost.allocations <= native.allocations + NOISE),
            ),
        ]
    });
    each.flatten().collect()
}

/// What `costs` say of a burst of datagrams.
pub(crate) fn datagrams(flavour: &Flavour, costs: &[Cost]) -> Vec<Verdict> {
    let burst = BURST as f64;
    let each = costs[1..].iter().map(|cost| {
        let who = format!("{}, {}, UDP", flavour.name, cost.candidate.name());
        let of = |calls: &Calls, side: &str| -> f64 {
            let own = calls.by_name.iter().filter(|(name, _)| name.starts_with(side));
            own.map(|(_, count)| count).sum()
        };
        let one_each = |calls: &Calls| {
            let sides = [of(calls, "client "), of(calls, "server ")];
            sides.iter().all(|count| (count - burst).abs() < NOISE)
        };
        [
            Verdict::new(
                format!("{who}: one system call for each datagram sent, and for each received"),
                cost.calls.as_ref().map(one_each),
            ),
            Verdict::new(format!("{who}: no allocation"), Some(cost.allocations < NOISE)),
        ]
    });
    each.flatten().collect()
}

/// What `costs` say of connections that are accepted one by one.
pub(crate) fn accepts(flavour: &Flavour, costs: &[Cost]) -> Vec<Verdict> {
    let each = costs[1..].iter().map(|cost| {
        let who = format!("{}, {}, accept", flavour.name, cost.candidate.name());
        allocations_each(&who, flavour, cost, &costs[0], 1.0)
    });
    each.collect()
}

/// What `costs` say of bursts of [`ACCEPTS`] connections.
pub(crate) fn bursts(flavour: &Flavour, costs: &[Cost]) -> Vec<Verdict> {
    let connections = ACCEPTS as f64;
    let each = costs[1..].iter().map(|cost| {
        let who = format!("{}, {}, burst", flavour.name, cost.candidate.name());
        let accepts = cost.calls.as_ref().map(|calls| calls.of("accept4") / connections);
        [
            Verdict::new(
                format!("{who}: at most {ACCEPTS_EACH} accept4 for each connection"),
                accepts.map(|accepts| accepts <= ACCEPTS_EACH),
            ),
            allocations_each(&who, flavour, cost, &costs[0], connections),
        ]
    });
    each.flatten().collect()
}

fn allocations_each(who: &str, flavour: &Flavour, cost: &Cost, native: &Cost, connections: f64) -> Verdict {
    let more = (cost.allocations - native.allocations) / connections;
    Verdict::new(
        format!(
            "{who}: at most {MORE_ALLOCATIONS} allocation more than {} for each connection",
            flavour.native
        ),
        Some(more <= MORE_ALLOCATIONS + NOISE),
    )
}

/// All system calls but those by which threads wait for each other: how often they compete for async-io's reactor is a
/// matter of timing.
fn total(cost: &Cost) -> Option<f64> {
    let calls = cost.calls.as_ref()?;
    Some(calls.total() - calls.of("futex"))
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
