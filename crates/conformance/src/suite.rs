//! Running the suite: every case, on every backend, as a trial with a name of its own.

use std::any::Any;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::case::{Case, NotApplicable};
use crate::context::{LOOPBACK_4, LOOPBACK_6};
use crate::kinds::KINDS;
use crate::{Backend, Context, Deviation, StreamKind, cases};

/// When a case is given up from outside: its executor must be stuck, for its own limits have not fired.
const WATCHDOG: Duration = Duration::from_secs(120);

/// The suite, for a test binary with `harness = false`:
///
/// ```no_run
/// # use std::process::ExitCode;
/// # static MY_RUNTIME: anynet_conformance::Backend =
/// #     anynet_conformance::Backend { name: "mine", run: |_| (), second: None, deviations: &[] };
/// fn main() -> ExitCode {
///     anynet_conformance::Suite::new(&[MY_RUNTIME]).main()
/// }
/// ```
///
/// Each trial is named `backend::kind::module::case`; a part of the name on the command line selects.
#[derive(Debug)]
pub struct Suite {
    backends: Vec<Backend>,
    kinds: Vec<StreamKind>,
}

impl Suite {
    /// All cases, on each of `backends`.
    pub fn new(backends: &[Backend]) -> Self {
        Self {
            backends: backends.to_vec(),
            kinds: KINDS.to_vec(),
        }
    }

    /// Runs the generic stream cases on a further kind of stream too.
    #[must_use]
    pub fn with_streams(mut self, kind: StreamKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Runs what the command line selects, and says how it went as libtest does.
    pub fn main(self) -> ExitCode {
        libtest_mimic::run(&Arguments::from_args(), self.trials()).exit_code()
    }

    /// Every trial, for a runner of one's own.
    pub fn trials(&self) -> Vec<Trial> {
        self.backends
            .iter()
            .flat_map(|backend| self.trials_of(*backend))
            .collect()
    }

    fn trials_of(&self, backend: Backend) -> Vec<Trial> {
        let mut trials = vec![deviations_are_known(backend)];
        for case in cases::of_runtimes() {
            trials.push(trial(backend, "any", LOOPBACK_4, None, case));
        }
        for (kind, loopback) in [("tcp4", LOOPBACK_4), ("tcp6", LOOPBACK_6)] {
            for case in cases::of_sockets() {
                trials.push(trial(backend, kind, loopback, None, case));
            }
        }
        for kind in &self.kinds {
            for case in cases::of_streams() {
                trials.push(trial(backend, kind.name, LOOPBACK_4, Some(*kind), case));
            }
            if kind.two_way.is_some() {
                for case in cases::of_two_way_streams() {
                    trials.push(trial(backend, kind.name, LOOPBACK_4, Some(*kind), case));
                }
            }
        }
        trials
    }
}

fn trial(
    backend: Backend,
    kind_name: &str,
    loopback: SocketAddr,
    kind: Option<StreamKind>,
    case: &'static Case,
) -> Trial {
    let id = case.id();
    let deviation = backend.deviations.iter().find(|deviation| deviation.case == id);
    Trial::ignorable_test(format!("{}::{kind_name}::{id}", backend.name), move || {
        judge(run(backend, loopback, kind, case), deviation)
    })
}

/// A deviation must name a case, or it hides nothing and nobody notices.
fn deviations_are_known(backend: Backend) -> Trial {
    Trial::test(
        format!("{}::any::suite::every_deviation_names_a_case", backend.name),
        move || {
            let known: Vec<String> = cases::all().map(Case::id).collect();
            match backend
                .deviations
                .iter()
                .find(|deviation| !known.iter().any(|id| id == deviation.case))
            {
                Some(deviation) => Err(format!("there is no case {}", deviation.case).into()),
                None => Ok(()),
            }
        },
    )
}

fn judge(
    ran: Result<Result<(), NotApplicable>, Failed>,
    deviation: Option<&Deviation>,
) -> Result<Completion, Failed> {
    match (ran, deviation) {
        (Ok(Err(NotApplicable(reason))), _) => {
            Ok(Completion::ignored_with(format!("not applicable: {reason}")))
        }
        (Err(_), Some(deviation)) => Ok(Completion::ignored_with(format!(
            "deviates: {}",
            deviation.reason
        ))),
        (Ok(Ok(())), Some(_)) => Err("declared as a deviation, but it passes".into()),
        (Ok(Ok(())), None) => Ok(Completion::Completed),
        (Err(failed), None) => Err(failed),
    }
}

/// Runs one case on a thread of its own, so that one which hangs its executor fails like any other.
fn run(
    backend: Backend,
    loopback: SocketAddr,
    kind: Option<StreamKind>,
    case: &'static Case,
) -> Result<Result<(), NotApplicable>, Failed> {
    let (report, outcome) = mpsc::channel();
    let (verdict, given) = mpsc::channel();
    let body = Box::new(move |runtime| {
        let context = Context {
            runtime,
            backend,
            loopback,
            kind,
        };
        let case = (case.run)(context);
        Box::pin(async move {
            let _ = verdict.send(case.await);
        }) as anynet_core::BoxFuture<'static, ()>
    });
    let thread = thread::Builder::new().name(case.name.to_owned()).spawn(move || {
        let ran = catch_unwind(AssertUnwindSafe(|| (backend.run)(body)));
        let _ = report.send(ran.map_err(|panic| panic_message(&*panic)));
    });
    thread.map_err(|error| format!("no thread for the case: {error}"))?;
    match outcome.recv_timeout(WATCHDOG) {
        Ok(Ok(())) => given
            .recv()
            .map_err(|_| "the backend did not run the case to its end".into()),
        Ok(Err(message)) => Err(message.into()),
        Err(_) => Err(format!("stuck for {WATCHDOG:?}: an executor that no longer runs").into()),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panicked")
        .to_owned()
}
