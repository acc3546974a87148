//! What the tests of a whole run came to.

use std::collections::BTreeSet;

use crate::conformance;
use crate::libtest::{self, Event, Mark, Tally};

/// Reads the output of test targets, line by line, and keeps count.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) tally: Tally,
    /// Trials of the conformance suite that say of themselves that they do not apply. They are not skipped: there is
    /// nothing that could be run.
    pub(crate) not_applicable: usize,
    /// Tests that are ignored anywhere else, once each however often they were met.
    pub(crate) ignored: BTreeSet<String>,
    pub(crate) failures: Vec<String>,
    target: String,
}

impl Ledger {
    pub(crate) fn read(&mut self, line: &str) {
        let in_suite = self.target == conformance::TARGET;
        match libtest::parse(line) {
            Some(Event::Target(name)) => name.clone_into(&mut self.target),
            Some(Event::Trial(name, Mark::Failed)) => self.failures.push(format!("{}: {name}", self.target)),
            Some(Event::Trial(name, Mark::Ignored)) if !in_suite => {
                self.ignored.insert(format!("{}: {name}: ignored", self.target));
            }
            Some(Event::Summary(counts)) => {
                self.tally += counts;
                self.not_applicable += if in_suite { counts.ignored } else { 0 };
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inapplicable_trials_are_not_skipped_tests() {
        let mut ledger = Ledger::default();
        let output = "
     Running tests/mio.rs (target/debug/deps/conformance-0123456789abcdef)
test mio::tcp4::closing::twice ... ignored (not applicable: because)
test mio::tcp4::closing::once  ... FAILED
test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out
     Running unittests src/lib.rs (target/debug/deps/anynet_util-0123456789abcdef)
test tests::later ... ignored, some day
test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out
     Running unittests src/lib.rs (target/debug/deps/anynet_util-fedcba9876543210)
test tests::later ... ignored, some day
test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out";
        output.lines().for_each(|line| ledger.read(line));
        assert_eq!(
            ledger.tally,
            Tally {
                passed: 11,
                failed: 1,
                ignored: 3
            }
        );
        assert_eq!(ledger.not_applicable, 1);
        assert_eq!(
            Vec::from_iter(ledger.ignored),
            ["anynet_util: tests::later: ignored"]
        );
        assert_eq!(ledger.failures, ["conformance: mio::tcp4::closing::once"]);
    }
}
