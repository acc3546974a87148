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
    /// Whether the lines that come are what a failed test printed.
    reporting: bool,
    /// What failed tests printed, with a heading each.
    pub(crate) reports: Vec<String>,
}

/// What the end of a run repeats of each failed test, in lines, and of each line, in characters.
const REPORT: (usize, usize) = (12, 300);

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
            Some(Event::Report(name)) => {
                self.reports.push(format!("{}: {name}:\n", self.target));
                self.reporting = true;
                return;
            }
            None if self.reporting => return self.add_to_report(line),
            _ => {}
        }
        self.reporting = false;
    }

    fn add_to_report(&mut self, line: &str) {
        let (lines, characters) = REPORT;
        let Some(report) = self.reports.last_mut() else {
            return;
        };
        if report.lines().count() <= lines && !line.trim().is_empty() {
            let line: String = line.chars().take(characters).collect();
            report.push_str("    ");
            report.push_str(&line);
            report.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failed_test_printed_is_kept_and_nothing_else() {
        let mut ledger = Ledger::default();
        let long = "\nmore".repeat(REPORT.0 + 5);
        let output = format!(
            "
     Running tests/mio.rs (target/debug/deps/conformance-0123456789abcdef)
test a ... FAILED

failures:

---- a stdout ----

thread 'a' panicked at src/a.rs:1:2:
left is not right
---- b ----{long}

failures:
    a
    b

test result: FAILED. 0 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out
after"
        );
        output.lines().for_each(|line| ledger.read(line));
        let [a, b] = &ledger.reports[..] else {
            panic!("{:?}", ledger.reports)
        };
        assert_eq!(
            a,
            "conformance: a:\n    thread 'a' panicked at src/a.rs:1:2:\n    left is not right\n"
        );
        assert!(b.starts_with("conformance: b:\n    more\n"));
        assert_eq!(b.lines().count(), REPORT.0 + 1);
    }

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
