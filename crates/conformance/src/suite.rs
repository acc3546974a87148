//! Running the suite: every case, on every backend, as a trial with a name of its own.

use std::any::Any;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anynet_core::{BoxNetwork, BoxRuntime};
use anynet_sockets::OsNetwork;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::case::{Case, NotApplicable, Outcome};
use crate::context::{LOOPBACK_4, LOOPBACK_6};
use crate::kinds::{KINDS, NETWORK_KINDS, Pairs};
use crate::{Backend, Context, Deviation, Ground, NetworkBackend, StreamKind, cases, descriptors};

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
    columns: Vec<Column>,
    kinds: Vec<StreamKind>,
}

/// What the suite runs on: a column of the matrix.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Runtime(Backend),
    Network(NetworkBackend),
}

impl Column {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Runtime(backend) => backend.name,
            Self::Network(backend) => backend.name,
        }
    }

    fn deviations(&self) -> &'static [Deviation] {
        match self {
            Self::Runtime(backend) => backend.deviations,
            Self::Network(backend) => backend.deviations,
        }
    }

    /// Whether what goes by its clock takes exactly its time.
    pub(crate) fn is_clock_exact(&self) -> bool {
        match self {
            Self::Runtime(_) => false,
            Self::Network(backend) => backend.is_clock_exact,
        }
    }

    /// Whether the environment's `ANYNET_BACKEND` asks for it, or for all.
    fn is_wanted(&self) -> bool {
        let wanted = std::env::var("ANYNET_BACKEND").unwrap_or_default();
        let rest = self.name().strip_prefix(wanted.as_str());
        wanted.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

impl Suite {
    /// All cases, on each of `backends`; only on those that the environment's `ANYNET_BACKEND` names, if it is set: a name,
    /// or the first words of one.
    pub fn new(backends: &[Backend]) -> Self {
        let columns = backends.iter().copied().map(Column::Runtime);
        Self {
            columns: columns.filter(Column::is_wanted).collect(),
            kinds: KINDS.to_vec(),
        }
    }

    /// The suite with which `pairs` are run on `column`.
    pub(crate) fn of(column: Column, pairs: &Pairs) -> Self {
        let suite = Self {
            columns: vec![column],
            kinds: KINDS.to_vec(),
        };
        match pairs {
            Pairs::Sockets(kind, _) => suite.with_streams(*kind),
            Pairs::Network(_) => suite,
        }
    }

    /// Runs the cases that need no descriptors on a network that has none, too; with the same choice by `ANYNET_BACKEND`.
    #[must_use]
    pub fn with_network(mut self, backend: NetworkBackend) -> Self {
        self.columns
            .extend(Some(Column::Network(backend)).filter(Column::is_wanted));
        self
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
        for column in &self.columns {
            let compared = descriptors::compare_rounds(descriptors::PATIENCE, || {
                has_failed |= libtest_mimic::run(arguments, self.trials_of(*column)).has_failed();
            });
            let name = format!("{}::any::suite::no_descriptor_is_left_open", column.name());
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
        self.columns
            .iter()
            .flat_map(|column| self.trials_of(*column))
            .collect()
    }

    fn trials_of(&self, column: Column) -> Vec<Trial> {
        let mut trials = vec![deviations_are_known(column)];
        match column {
            Column::Runtime(backend) => self.add_trials_of_runtime(&mut trials, backend),
            Column::Network(backend) => add_trials_of_network(&mut trials, backend),
        }
        trials
    }

    fn add_trials_of_runtime(&self, trials: &mut Vec<Trial>, backend: Backend) {
        let on_sockets = OnRuntime::new(backend, |context: Context| context);
        let on_network = OnRuntime::new(backend, |context: Context| context.ground);
        let (subject4, subject6) = (Subject::at(LOOPBACK_4), Subject::at(LOOPBACK_6));
        trials.extend(on_network.trials("any", subject4, cases::of_executors()));
        trials.extend(on_sockets.trials("any", subject4, cases::of_runtimes()));
        for (kind, subject) in [("tcp4", subject4), ("tcp6", subject6)] {
            trials.extend(on_network.trials(kind, subject, cases::of_networks()));
            trials.extend(on_sockets.trials(kind, subject, cases::of_sockets()));
        }
        let abstract_names = Subject {
            abstract_names: true,
            ..subject4
        };
        for (kind, subject) in [("unix-path", subject4), ("unix-abstract", abstract_names)] {
            trials.extend(on_sockets.trials(kind, subject, cases::of_unix_sockets()));
        }
        for kind in &self.kinds {
            let subject = Subject {
                kind: Some(*kind),
                ..subject4
            };
            each_direction(kind, |name, flipped, cases| {
                trials.extend(on_network.trials(name, Subject { flipped, ..subject }, cases));
            });
        }
    }
}

fn add_trials_of_network(trials: &mut Vec<Trial>, backend: NetworkBackend) {
    let mut add =
        |kind: &str, subject: Subject<Ground>, cases: &mut dyn Iterator<Item = &'static Case<Ground>>| {
            let column = Column::Network(backend);
            trials.extend(cases.map(|case| trial(column, kind, case, on_network(backend, subject, case))));
        };
    add("any", Subject::at(LOOPBACK_4), &mut cases::of_executors());
    add("ipv4", Subject::at(LOOPBACK_4), &mut cases::of_networks());
    add("ipv6", Subject::at(LOOPBACK_6), &mut cases::of_networks());
    for kind in NETWORK_KINDS.iter().chain(backend.streams) {
        let subject = Subject {
            kind: Some(*kind),
            ..Subject::at(LOOPBACK_4)
        };
        each_direction(kind, |name, flipped, cases| {
            add(name, Subject { flipped, ..subject }, cases);
        });
    }
}

/// The cases about streams, for a kind of them: as it is, and turned round if it goes both ways.
fn each_direction<C>(
    kind: &StreamKind<C>,
    mut add: impl FnMut(&str, bool, &mut dyn Iterator<Item = &'static Case<Ground>>),
) {
    if kind.two_way.is_none() {
        return add(kind.name, false, &mut cases::of_streams());
    }
    for (name, flipped) in [(kind.name, false), (&*flipped_name(kind.name), true)] {
        let mut both = cases::of_streams().chain(cases::of_two_way_streams());
        add(name, flipped, &mut both);
    }
}

/// The name under which the pairs of the kind `name` run turned round.
pub(crate) fn flipped_name(name: &str) -> String {
    format!("{name}-flipped")
}

/// What a case runs on.
#[derive(Debug)]
struct Subject<C = Context> {
    loopback: SocketAddr,
    abstract_names: bool,
    kind: Option<StreamKind<C>>,
    flipped: bool,
}

impl<C> Clone for Subject<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Subject<C> {}

impl<C> Subject<C> {
    fn at(loopback: SocketAddr) -> Self {
        Self {
            loopback,
            abstract_names: false,
            kind: None,
            flipped: false,
        }
    }
}

/// Cases on a runtime, by what they are given of its context.
struct OnRuntime<C> {
    backend: Backend,
    give: fn(Context) -> C,
}

impl<C: 'static> OnRuntime<C> {
    fn new(backend: Backend, give: fn(Context) -> C) -> Self {
        Self { backend, give }
    }

    fn trials(
        &self,
        kind: &str,
        subject: Subject,
        cases: impl Iterator<Item = &'static Case<C>>,
    ) -> Vec<Trial> {
        let column = Column::Runtime(self.backend);
        cases
            .map(|case| trial(column, kind, case, self.play(subject, case)))
            .collect()
    }

    fn play(&self, subject: Subject, case: &'static Case<C>) -> Play {
        let Self { backend, give } = *self;
        Box::new(move |verdict| {
            (backend.run)(Box::new(move |runtime| {
                let case = (case.run)(give(context(backend, subject, runtime)));
                Box::pin(async move {
                    let _ = verdict.send(case.await);
                })
            }));
        })
    }
}

fn context(backend: Backend, subject: Subject, runtime: BoxRuntime) -> Context {
    let ground = Ground {
        network: BoxNetwork::new(OsNetwork::new(runtime.clone())),
        column: Column::Runtime(backend),
        loopback: subject.loopback,
        pairs: None,
        flipped: subject.flipped,
    };
    let mut context = Context {
        ground,
        runtime,
        backend,
        abstract_names: subject.abstract_names,
    };
    let without_pairs = Arc::new(context.clone());
    context.ground.pairs = subject.kind.map(|kind| Pairs::Sockets(kind, without_pairs));
    context
}

fn on_network(backend: NetworkBackend, subject: Subject<Ground>, case: &'static Case<Ground>) -> Play {
    Box::new(move |verdict| {
        (backend.run)(Box::new(move |network| {
            let case = (case.run)(Ground {
                network,
                column: Column::Network(backend),
                loopback: subject.loopback,
                pairs: subject.kind.map(Pairs::Network),
                flipped: subject.flipped,
            });
            Box::pin(async move {
                let _ = verdict.send(case.await);
            })
        }));
    })
}

/// Runs a case to its end on the thread that calls this, and sends how it came out.
type Play = Box<dyn FnOnce(mpsc::Sender<Outcome>) + Send>;

fn trial<C>(column: Column, kind_name: &str, case: &Case<C>, play: Play) -> Trial {
    let id = case.id();
    let deviation = column.deviations().iter().find(|deviation| deviation.case == id);
    let (name, case_name) = (format!("{}::{kind_name}::{id}", column.name()), case.name);
    Trial::ignorable_test(name, move || judge(run(case_name, play), deviation))
}

/// A deviation must name a case, or it hides nothing and nobody notices.
fn deviations_are_known(column: Column) -> Trial {
    Trial::test(
        format!("{}::any::suite::every_deviation_names_a_case", column.name()),
        move || {
            let known: Vec<String> = cases::all().collect();
            match column
                .deviations()
                .iter()
                .find(|deviation| !known.iter().any(|id| id == deviation.case))
            {
                Some(deviation) => Err(format!("there is no case {}", deviation.case).into()),
                None => Ok(()),
            }
        },
    )
}

fn judge(ran: Result<Outcome, Failed>, deviation: Option<&Deviation>) -> Result<Completion, Failed> {
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
fn run(case_name: &str, play: Play) -> Result<Outcome, Failed> {
    let (report, outcome) = mpsc::channel();
    let (verdict, given) = mpsc::channel();
    let thread = thread::Builder::new().name(case_name.to_owned()).spawn(move || {
        let ran = catch_unwind(AssertUnwindSafe(|| play(verdict)));
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
