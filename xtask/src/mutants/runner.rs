//! Building a backend's harness from the copy and running it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use xshell::cmd;

use super::mutant::Selection;
use super::tree::Tree;
use crate::libtest::{self, Event, Mark};
use crate::{Result, conformance};

/// A suite that has not ended by then never will: many times what all cases of one backend take.
const TIME_LIMIT: Duration = Duration::from_secs(180);

/// How a run of the suite ended.
pub(crate) enum Outcome {
    /// This many tests passed, and none failed.
    Passed(usize),
    /// The first test that failed, or what else happened.
    Failed(String),
    /// What the compiler said.
    NotBuilt(String),
}

pub(crate) struct Runner<'a> {
    tree: &'a Tree<'a>,
}

/// A built harness, and the folder in which cargo would run it.
struct Harness {
    executable: PathBuf,
    folder: PathBuf,
}

impl<'a> Runner<'a> {
    pub(crate) fn new(tree: &'a Tree<'a>) -> Self {
        Self { tree }
    }

    pub(crate) fn run(&self, selection: &Selection) -> Result<Outcome> {
        match self.build(selection.package()?)? {
            Ok(harness) => self.test(&harness, selection),
            Err(message) => Ok(Outcome::NotBuilt(message)),
        }
    }

    /// The harness of `package`, or what the compiler said. Built apart from the run, because a mutant that does
    /// not compile has not been caught.
    fn build(&self, package: &str) -> Result<Result<Harness, String>> {
        let sh = self.tree.sh;
        let _tree = sh.push_dir(&self.tree.root);
        let (test, build) = (conformance::TARGET, self.tree.folder.join("build"));
        let output = cmd!(
            sh,
            "cargo test --quiet --package {package} --all-features --test {test} --target-dir {build}
             --no-run --message-format json-render-diagnostics"
        )
        .quiet()
        .ignore_status()
        .output()?;
        if !output.status.success() {
            return Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        let harness = String::from_utf8(output.stdout)?.lines().find_map(harness);
        Ok(Ok(harness.ok_or_else(|| {
            format!("{package} has no test target `{test}`")
        })?))
    }

    fn test(&self, harness: &Harness, selection: &Selection) -> Result<Outcome> {
        let path = self.tree.folder.join("output");
        let file = File::create(&path)?;
        let mut command = Command::new(&harness.executable);
        command.current_dir(&harness.folder).args(&selection.case);
        command.env(conformance::BACKEND_VAR, &selection.backend);
        let child = command.stdout(file.try_clone()?).stderr(file).spawn()?;
        let status = wait(child)?;
        let output = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        Ok(outcome(status, &output))
    }
}

/// Reads one of cargo's messages: is it about the harness?
fn harness(message: &str) -> Option<Harness> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["target"]["name"] != conformance::TARGET {
        return None;
    }
    let executable = PathBuf::from(message["executable"].as_str()?);
    let mut folder = PathBuf::from(message["manifest_path"].as_str()?);
    folder.pop();
    Some(Harness { executable, folder })
}

/// Waits, but not for ever. `None` says that the time was up.
fn wait(mut child: Child) -> Result<Option<ExitStatus>> {
    let deadline = Instant::now() + TIME_LIMIT;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

fn outcome(status: Option<ExitStatus>, output: &str) -> Outcome {
    let Some(status) = status else {
        return Outcome::Failed(format!("still running after {} s", TIME_LIMIT.as_secs()));
    };
    let mut events = output.lines().filter_map(libtest::parse);
    if status.success() {
        let tally = events.find_map(|event| {
            if let Event::Summary(tally) = event {
                Some(tally)
            } else {
                None
            }
        });
        return Outcome::Passed(tally.unwrap_or_default().passed);
    }
    let first_failed = events.find_map(|event| match event {
        Event::Trial(name, Mark::Failed) => Some(format!("{name} fails")),
        _ => None,
    });
    Outcome::Failed(first_failed.unwrap_or_else(|| format!("the harness ended with {status}")))
}
