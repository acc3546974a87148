//! A run of many stages: each is timed, all are run whatever became of the others, and the end says how it went.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use xshell::{Cmd, Shell};

use crate::ledger::Ledger;
use crate::{Result, process};

/// What has been run so far, and how it ended.
pub(crate) struct Suite<'a> {
    pub(crate) sh: &'a Shell,
    strict: bool,
    skips: SkipFile,
    ledger: Ledger,
    stages: Vec<Stage>,
}

/// One line of the table.
struct Stage {
    name: &'static str,
    passed: bool,
    took: Duration,
}

impl<'a> Suite<'a> {
    pub(crate) fn new(sh: &'a Shell, strict: bool) -> Result<Self> {
        let skips = SkipFile::create(sh)?;
        sh.set_var("ANYNET_SKIPS", &skips.0);
        // Cases that provoke panics print them: a line each, lest what failed drown in what did not.
        sh.set_var("RUST_BACKTRACE", "0");
        if strict {
            sh.set_var("ANYNET_STRICT", "1");
        }
        Ok(Self {
            sh,
            strict,
            skips,
            ledger: Ledger::default(),
            stages: Vec::new(),
        })
    }

    /// Runs a stage. A stage that fails without a failed test of its own counts as one failure.
    pub(crate) fn stage(&mut self, name: &'static str, body: impl FnOnce(&mut Self) -> Result) {
        println!("\n=== {name}");
        let failed_before = self.ledger.tally.failed;
        let start = Instant::now();
        let outcome = body(self);
        let took = start.elapsed();
        let passed = outcome.is_ok();
        if let Err(error) = outcome {
            println!("{error}");
            self.ledger.failures.push(format!("{name}: {error}"));
            self.ledger.tally.failed = self.ledger.tally.failed.max(failed_before + 1);
        }
        println!(
            "=== {name}: {} after {:.1} s",
            verdict(passed),
            took.as_secs_f64()
        );
        self.stages.push(Stage { name, passed, took });
    }

    /// Runs a command, and counts the tests in its output if there are any.
    pub(crate) fn run(&mut self, cmd: Cmd<'_>) -> Result {
        process::tee(cmd, |line| {
            self.ledger.read(line);
            true
        })
    }

    /// Names what failed in a run whose tests have been counted before.
    pub(crate) fn add_failures(&mut self, ledger: Ledger) {
        self.ledger.failures.extend(ledger.failures);
        self.ledger.reports.extend(ledger.reports);
    }

    /// Ends the run: what failed and what was skipped, the stages with their times, and the counts on the last line.
    /// Answers whether all is well.
    pub(crate) fn finish(self) -> Result<bool> {
        let skipped_tests = self.skips.read()?;
        let skips: Vec<&String> = skipped_tests.iter().chain(&self.ledger.ignored).collect();
        println!();
        self.ledger.reports.iter().for_each(|report| println!("{report}"));
        self.ledger
            .failures
            .iter()
            .for_each(|failure| println!("failed: {failure}"));
        let skipped = if self.strict {
            "skipped, a failure here"
        } else {
            "skipped"
        };
        skips.iter().for_each(|skip| println!("{skipped}: {skip}"));
        self.print_stages();
        println!("not applicable: {}", self.ledger.not_applicable);

        // A test that skipped itself has told its target that it passed.
        let passed = self.ledger.tally.passed.saturating_sub(skipped_tests.len());
        let failed = self.ledger.tally.failed;
        println!("{passed} passed, {failed} failed, {} skipped", skips.len());
        Ok(failed == 0 && (skips.is_empty() || !self.strict))
    }

    fn print_stages(&self) {
        let print =
            |name, verdict, took: Duration| println!("{name:24} {verdict:6} {:7.1} s", took.as_secs_f64());
        for stage in &self.stages {
            print(stage.name, verdict(stage.passed), stage.took);
        }
        print("all", "", self.stages.iter().map(|stage| stage.took).sum());
    }
}

fn verdict(passed: bool) -> &'static str {
    if passed { "ok" } else { "FAILED" }
}

/// Where a test that cannot run here says so: it appends `NAME: reason` and passes.
struct SkipFile(PathBuf);

impl SkipFile {
    fn create(sh: &Shell) -> Result<Self> {
        let path = sh.current_dir().join("target/xtask/skips");
        sh.write_file(&path, "")?;
        Ok(Self(path))
    }

    fn read(&self) -> Result<BTreeSet<String>> {
        Ok(fs::read_to_string(&self.0)?.lines().map(str::to_owned).collect())
    }
}
