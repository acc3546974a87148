//! `cargo xtask conformance`: the suite on every backend, shown as behaviours against backends.

use std::collections::BTreeSet;

use xshell::{Cmd, Shell, cmd};

use crate::flags::Conformance;
use crate::ledger::Ledger;
use crate::libtest::{self, Event, Mark};
use crate::matrix::Matrix;
use crate::{Result, process};

/// What every backend's harness is called.
pub(crate) const TARGET: &str = "conformance";

/// The variable by which a harness learns which backend is wanted; see [`is_on`].
pub(crate) const BACKEND_VAR: &str = "ANYNET_BACKEND";

/// The variable by which a harness learns that it is to run twice and compare what is open.
const FDS_VAR: &str = "ANYNET_FDS";

pub(crate) fn run(sh: &Shell, flags: &Conformance) -> Result<bool> {
    run_and_tell(sh, flags, &mut Ledger::default())
}

/// Runs it, and tells the ledger as well.
pub(crate) fn run_and_tell(sh: &Shell, flags: &Conformance, ledger: &mut Ledger) -> Result<bool> {
    let (backend, case) = (flags.backend.as_deref(), flags.case.as_deref());
    if list(sh, backend, case)?.is_empty() {
        return Err(why_nothing(&list(sh, None, None)?, backend, case).into());
    }
    let mut cmd = harnesses(sh, backend).args(case);
    if flags.fds {
        // The cases wait far more than they work, and their number is doubled.
        cmd = cmd.args(["--test-threads", "8"]).env(FDS_VAR, "1");
    }
    let mut matrix = Matrix::default();
    let outcome = process::tee(cmd, |line| {
        ledger.read(line);
        match libtest::parse(line) {
            Some(Event::Trial(name, mark)) => {
                matrix.add(name, mark);
                mark == Mark::Failed
            }
            _ => true,
        }
    });
    if matrix.is_empty() {
        outcome?;
        return Err("the harnesses listed trials and reported none".into());
    }
    print!("{matrix}");
    if let Err(error) = &outcome {
        println!("{error}");
    }
    Ok(outcome.is_ok() && matrix.is_green())
}

/// The harnesses of all backends, to be given arguments. The same packages and features as in `cargo xtask test`, and so the
/// same artefacts.
fn harnesses<'a>(sh: &'a Shell, backend: Option<&str>) -> Cmd<'a> {
    let cmd = cmd!(
        sh,
        "cargo test --workspace --all-features --no-fail-fast --test {TARGET} --"
    );
    match backend {
        Some(backend) => cmd.env(BACKEND_VAR, backend),
        None => cmd.env_remove(BACKEND_VAR),
    }
}

/// The names of the trials that would run.
fn list(sh: &Shell, backend: Option<&str>, case: Option<&str>) -> Result<Vec<String>> {
    let listed = harnesses(sh, backend).arg("--list").args(case).quiet().read()?;
    Ok(listed
        .lines()
        .filter_map(|line| Some(line.strip_suffix(": test")?.to_owned()))
        .collect())
}

/// Why nothing is selected of the trials `all`.
fn why_nothing(all: &[String], backend: Option<&str>, case: Option<&str>) -> String {
    let known: BTreeSet<&str> = all.iter().filter_map(|trial| trial.split("::").next()).collect();
    match backend {
        Some(wanted) if !known.iter().any(|name| is_on(name, wanted)) => {
            let known = Vec::from_iter(known).join(", ");
            format!("there is no backend `{wanted}`; there are {known}")
        }
        backend => {
            let on = backend
                .map(|backend| format!(" on {backend}"))
                .unwrap_or_default();
            format!("no case{on} has `{}` in its name", case.unwrap_or_default())
        }
    }
}

/// Whether a backend is the wanted one: `tokio-current` is wanted by that name, and by `tokio` as well.
fn is_on(backend: &str, wanted: &str) -> bool {
    backend
        .strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_is_chosen_by_its_name_or_by_its_family() {
        assert!(is_on("tokio-current", "tokio-current"));
        assert!(is_on("tokio-current", "tokio"));
        assert!(!is_on("tokio-current", "tok"));
        assert!(!is_on("current-smol", "smol"));
    }

    #[test]
    fn what_selects_nothing_is_told() {
        let all = ["smol::tcp4::closing::twice", "mio::any::runtime::now"].map(String::from);
        let why = |backend, case| why_nothing(&all, backend, case);
        let unknown = "there is no backend `smo`; there are mio, smol";
        assert_eq!(why(Some("smo"), None), unknown);
        assert_eq!(why(Some("smo"), Some("closing")), unknown);
        assert_eq!(
            why(Some("mio"), Some("closing")),
            "no case on mio has `closing` in its name"
        );
        assert_eq!(why(None, Some("often")), "no case has `often` in its name");
    }
}
