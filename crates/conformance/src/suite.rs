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
use crate::{Backend, Context, Deviation, StreamKind, cases, descriptors};

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
    /// All cases, on each of `backends`; only on those that the environment's `ANYNET_BACKEND` names, if it is set: a name,
    /// or the first words of one.
    pub fn new(backends: &[Backend]) -> Self {
        let wanted = std::env::var("ANYNET_BACKEND").unwrap_or_default();
        let is_wanted = |backend: &&Backend| {
            let rest = backend.name.strip_prefix(wanted.as_str());
            wanted.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        Self {
            backends: backends.iter().filter(is_wanted).copied().collect(),
            kinds: KINDS.to_vec(),
        }
    }

    /// Runs the generic stream cases on a further kind of stream too, in both directions if it goes both ways.
    #[must_use]
    pub fn with_streams(mut self, kind: StreamKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Runs what the command line selects, and says how it went as libtest does.
    ///
    /// If the environment's `ANYNET_FDS` is set, all of it runs twice, one backend after the other, and must leave the same
    /// descriptors open after the second time as after the first.
    pub fn main(self) -> ExitCode {
        let arguments = Arguments::from_args();
        if std::env::var_os("ANYNET_FDS").is_some() && !arguments.list {
            return self.main_twice(&arguments);
        }
        libtest_mimic::run(&arguments, self.trials()).exit_code()
    }

    fn main_twice(&self, arguments: &Arguments) -> ExitCode {
        let mut has_failed = false;
        for backend in &self.backends {
            let compared = descriptors::compare_rounds(descriptors::PATIENCE, || {
                has_failed |= libtest_mimic::run(arguments, self.trials_of(*backend)).has_failed();
            });
            let name = format!("{}::any::suite::no_descriptor_is_left_open", backend.name);
            let verdict = Trial::ignorable_test(name, || compared);
            // Nothing on the command line selects this one: it is about the others.
            has_failed |= libtest_mimic::run(&Arguments::default(), vec![verdict]).has_failed();
        }
        if has_failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
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
        let mut add = |kind: &str, subject, cases: &mut dyn Iterator<Item = &'static Case>| {
            trials.extend(cases.map(|case| trial(backend, kind, subject, case)));
        };
        add("any", Subject::address(LOOPBACK_4), &mut cases::of_runtimes());
        add("tcp4", Subject::address(LOOPBACK_4), &mut cases::of_sockets());
        add("tcp6", Subject::address(LOOPBACK_6), &mut cases::of_sockets());
        add(
            "unix-path",
            Subject::address(LOOPBACK_4),
            &mut cases::of_unix_sockets(),
        );
        add(
            "unix-abstract",
            Subject::abstract_names(),
            &mut cases::of_unix_sockets(),
        );
        for kind in &self.kinds {
            let subject = Subject::stream(*kind);
            add(kind.name, subject, &mut cases::of_streams());
            if kind.two_way.is_some() {
                add(kind.name, subject, &mut cases::of_two_way_streams());
                let mut both = cases::of_streams().chain(cases::of_two_way_streams());
                add(&flipped_name(kind), subject.flipped(), &mut both);
            }
        }
        trials
    }
}

/// The name under which the pairs of `kind` run turned round.
pub(crate) fn flipped_name(kind: &StreamKind) -> String {
    format!("{}-flipped", kind.name)
}

/// What a case runs on.
#[derive(Clone, Copy)]
struct Subject {
    loopback: SocketAddr,
    abstract_names: bool,
    kind: Option<StreamKind>,
    flipped: bool,
}

impl Subject {
    fn address(loopback: SocketAddr) -> Self {
        Self {
            loopback,
            abstract_names: false,
            kind: None,
            flipped: false,
        }
    }

    fn abstract_names() -> Self {
        Self {
            abstract_names: true,
            ..Self::address(LOOPBACK_4)
        }
    }

    fn stream(kind: StreamKind) -> Self {
        Self {
            kind: Some(kind),
            ..Self::address(LOOPBACK_4)
        }
    }

    /// The same pairs, turned round.
    fn flipped(self) -> Self {
        Self {
            flipped: true,
            ..self
        }
    }
}

fn trial(backend: Backend, kind_name: &str, subject: Subject, case: &'static Case) -> Trial {
    let id = case.id();
    let deviation = backend.deviations.iter().find(|deviation| deviation.case == id);
    Trial::ignorable_test(format!("{}::{kind_name}::{id}", backend.name), move || {
        judge(run(backend, subject, case), deviation)
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
fn run(backend: Backend, subject: Subject, case: &'static Case) -> Result<Result<(), NotApplicable>, Failed> {
    let (report, outcome) = mpsc::channel();
    let (verdict, given) = mpsc::channel();
    let body = Box::new(move |runtime| {
        let context = Context {
            runtime,
            backend,
            loopback: subject.loopback,
            abstract_names: subject.abstract_names,
            kind: subject.kind,
            flipped: subject.flipped,
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
