//! What test targets print: libtest and libtest-mimic write the same lines.

use std::ops::AddAssign;

/// A line that says something about the course of the tests.
#[derive(Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// Cargo starts a test target; its name.
    Target(&'a str),
    /// A single test ended.
    Trial(&'a str, Mark),
    /// A target ended.
    Summary(Tally),
    /// What a failed test printed follows, up to the next event; its name.
    Report(&'a str),
    /// The reports of a target are over, or about to begin.
    Failures,
}

/// How one test ended. In the order in which one outweighs another where several count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    Ignored,
    Ok,
    Failed,
}

/// How many tests ended how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
}

impl Tally {
    pub(crate) fn count(&mut self, mark: Mark) {
        match mark {
            Mark::Ok => self.passed += 1,
            Mark::Failed => self.failed += 1,
            Mark::Ignored => self.ignored += 1,
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// Reads one line.
pub(crate) fn parse(line: &str) -> Option<Event<'_>> {
    target(line)
        .or_else(|| summary(line))
        .or_else(|| trial(line))
        .or_else(|| report(line))
}

/// `Running tests/echo.rs (target/debug/deps/echo-0123456789abcdef)` or `Doc-tests anynet`.
fn target(line: &str) -> Option<Event<'_>> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(Event::Target(name));
    }
    let (_, executable) = line
        .strip_prefix("Running ")?
        .strip_suffix(')')?
        .rsplit_once(" (")?;
    let file = executable.rsplit(['/', '\\']).next()?;
    let (name, _hash) = file.rsplit_once('-')?;
    Some(Event::Target(name))
}

/// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`
fn summary(line: &str) -> Option<Event<'_>> {
    let (_verdict, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |what| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
    };
    Some(Event::Summary(Tally {
        passed: count("passed")?,
        failed: count("failed")?,
        ignored: count("ignored")?,
    }))
}

/// `test cases::a_name   ... ok`, where an ignored test may give its reason after a comma.
fn trial(line: &str) -> Option<Event<'_>> {
    let (name, outcome) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let mark = match outcome.split([',', ' ']).next()? {
        "ok" => Mark::Ok,
        "FAILED" => Mark::Failed,
        "ignored" => Mark::Ignored,
        _ => return None,
    };
    Some(Event::Trial(name.trim_end(), mark))
}

/// `---- cases::a_name stdout ----`; libtest-mimic leaves the second word out.
fn report(line: &str) -> Option<Event<'_>> {
    if line == "failures:" {
        return Some(Event::Failures);
    }
    let name = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
    Some(Event::Report(name.strip_suffix(" stdout").unwrap_or(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_of_a_failed_test_is_found() {
        assert_eq!(parse("failures:"), Some(Event::Failures));
        assert_eq!(
            parse("---- cases::a_name stdout ----"),
            Some(Event::Report("cases::a_name"))
        );
        assert_eq!(
            parse("---- smol::tcp4::a::b ----"),
            Some(Event::Report("smol::tcp4::a::b"))
        );
    }

    #[test]
    fn a_summary_is_read_whatever_its_verdict() {
        let ok =
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 7 filtered out; finished in 0.01s";
        let tally = Tally {
            passed: 12,
            failed: 0,
            ignored: 3,
        };
        assert_eq!(parse(ok), Some(Event::Summary(tally)));
        let failed = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        let tally = Tally {
            passed: 1,
            failed: 2,
            ignored: 0,
        };
        assert_eq!(parse(failed), Some(Event::Summary(tally)));
    }

    #[test]
    fn a_test_is_read_with_its_mark() {
        let trial = |line| match parse(line) {
            Some(Event::Trial(name, mark)) => Some((name, mark)),
            _ => None,
        };
        assert_eq!(trial("test a::b ... ok"), Some(("a::b", Mark::Ok)));
        assert_eq!(
            trial("test smol::tcp4::a::b      ... FAILED"),
            Some(("smol::tcp4::a::b", Mark::Failed))
        );
        assert_eq!(
            trial("test a ... ignored, not here ... yet"),
            Some(("a", Mark::Ignored))
        );
        let doc = "test crates/core/src/stream.rs - stream (line 4) - compile fail ... ok";
        let name = "crates/core/src/stream.rs - stream (line 4) - compile fail";
        assert_eq!(trial(doc), Some((name, Mark::Ok)));
    }

    #[test]
    fn a_target_is_known_by_its_executable() {
        let line = "     Running tests/mio.rs (target/debug/deps/conformance-6bb0fdc2f6bd1fbc)";
        assert_eq!(parse(line), Some(Event::Target("conformance")));
        let line = "     Running unittests src/lib.rs (target/debug/deps/anynet_core-1b)";
        assert_eq!(parse(line), Some(Event::Target("anynet_core")));
        assert_eq!(
            parse("   Doc-tests anynet_core"),
            Some(Event::Target("anynet_core"))
        );
    }

    #[test]
    fn other_lines_say_nothing() {
        for line in [
            "",
            "test",
            "running 3 tests",
            "test result: ok",
            "     Running `target/debug/hello`",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn tallies_add_up() {
        let mut tally = Tally {
            passed: 1,
            failed: 2,
            ignored: 3,
        };
        tally += Tally {
            passed: 10,
            failed: 20,
            ignored: 30,
        };
        for mark in [Mark::Ok, Mark::Failed, Mark::Ignored] {
            tally.count(mark);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 12,
                failed: 23,
                ignored: 34
            }
        );
    }
}
