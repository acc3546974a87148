//! `cargo xtask conformance`: the suite on every backend, shown as behaviours against backends.

use xshell::{Shell, cmd};

use crate::libtest::{self, Event, Mark};
use crate::matrix::Matrix;
use crate::{Result, process};

/// What every backend's harness is called.
pub(crate) const TARGET: &str = "conformance";

/// The variable by which a harness learns which backend is wanted; see [`is_on`].
pub(crate) const BACKEND_VAR: &str = "ANYNET_BACKEND";

pub(crate) fn run(sh: &Shell, backend: Option<&str>, case: Option<&str>) -> Result<bool> {
    // The same packages and features as in `cargo xtask test`, and so the same artefacts.
    let mut cmd = cmd!(
        sh,
        "cargo test --workspace --all-features --no-fail-fast --test {TARGET} -- {case...}"
    );
    if let Some(backend) = backend {
        cmd = cmd.env(BACKEND_VAR, backend);
    }
    let mut matrix = Matrix::default();
    let outcome = process::tee(cmd, |line| match libtest::parse(line) {
        Some(Event::Trial(name, mark)) => {
            if backend.is_none_or(|wanted| is_on(name, wanted)) {
                matrix.add(name, mark);
            }
            mark == Mark::Failed
        }
        _ => true,
    });
    if matrix.is_empty() {
        outcome?;
        return Err("no case has that name on that backend".into());
    }
    print!("{matrix}");
    Ok(outcome.is_ok() && matrix.is_green())
}

/// Whether a trial is one of the wanted backend: `tokio-current::…` is on `tokio-current`, and on `tokio` as well.
fn is_on(trial: &str, wanted: &str) -> bool {
    let backend = trial.split("::").next().unwrap_or("");
    backend
        .strip_prefix(wanted)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::is_on;

    #[test]
    fn a_backend_is_chosen_by_its_name_or_by_its_family() {
        assert!(is_on("tokio-current::tcp4::closing::twice", "tokio-current"));
        assert!(is_on("tokio-current::tcp4::closing::twice", "tokio"));
        assert!(!is_on("tokio-current::tcp4::closing::twice", "tok"));
        assert!(!is_on("current-smol::tcp4::closing::twice", "smol"));
    }
}
