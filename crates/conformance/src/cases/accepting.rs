//! The policy of accepting, over a listener that does as it is told.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anynet_core::{
    AcceptError, Attributes, BoxRuntime, Cause, Executor, Listener, ReceiveError, Request, Result,
};
use anynet_sockets::TcpStream;
use anynet_util::{Counters, ServeError, Server, serve};
use rustix::io::Errno;

use crate::Context;
use crate::case::cases;
use crate::context::{Woken, poll_with};

cases![
    a_full_batch_lets_others_run_and_is_followed_by_another_at_once,
    a_batch_of_none_is_of_one,
    refused_accepts_count_as_a_batch_too,
    clients_that_were_turned_away_are_told_of_and_the_next_is_accepted_at_once,
    exhausted_accepts_are_waited_out_and_each_is_told,
    errors_of_every_kind_are_counted_and_come_through_unchanged,
    connections_that_are_lost_for_ever_do_not_spin,
    a_broken_listener_shuts_its_server_down,
    a_handler_can_turn_a_client_away,
    connections_run_on_the_executor_that_the_listener_names,
];

async fn a_full_batch_lets_others_run_and_is_followed_by_another_at_once(context: Context) {
    let script = Script::new(&context, streams(&context, 10).await);
    let counters = Counters::new();
    let mut serving = serve(&script, |_| async { Ok(()) })
        .batch(4)
        .count_in(&counters)
        .into_future();
    let batches = [(4, true), (8, true), (10, false)];
    assert_batches(&mut serving, batches, || counters.statistics().accepted);
}

async fn a_batch_of_none_is_of_one(context: Context) {
    let script = Script::new(&context, streams(&context, 2).await);
    let counters = Counters::new();
    let serving = serve(&script, |_| async { Ok(()) }).batch(0);
    let mut serving = serving.count_in(&counters).into_future();
    let batches = [(1, true), (2, true), (2, false)];
    assert_batches(&mut serving, batches, || counters.statistics().accepted);
}

async fn refused_accepts_count_as_a_batch_too(context: Context) {
    let refused = || Err(AcceptError::Connection(errno(Errno::PERM)));
    let script = Script::new(&context, (0..10).map(|_| refused()).collect());
    let counters = Counters::new();
    let mut serving = serve(&script, |_| async { Ok(()) })
        .batch(4)
        .count_in(&counters)
        .into_future();
    let batches = [(4, true), (8, true), (10, false)];
    assert_batches(&mut serving, batches, || counters.statistics().lost);
}

/// Asserts that each poll in turn brings the count to what is said, and asks for another at once where the batch was full.
#[track_caller]
fn assert_batches<F: Future + Unpin>(
    serving: &mut F,
    batches: impl IntoIterator<Item = (u64, bool)>,
    count: impl Fn() -> u64,
) {
    for (counted, is_full) in batches {
        let woken = Arc::<Woken>::default();
        assert!(poll_with(serving, &woken).is_pending());
        assert_eq!(count(), counted);
        assert_eq!(woken.was_called(), is_full);
    }
}

async fn clients_that_were_turned_away_are_told_of_and_the_next_is_accepted_at_once(context: Context) {
    let mut steps = VecDeque::from([Err(AcceptError::TurnedAway {
        clients: 3,
        cause: errno(Errno::MFILE),
    })]);
    steps.extend(streams(&context, 1).await);
    let script = Script::new(&context, steps);
    let (counters, reports) = (Counters::new(), Reports::default());
    let mut serving = serve(&script, |_| async { Ok(()) })
        .count_in(&counters)
        .on_error(reports.hook())
        .into_future();
    assert!(poll_with(&mut serving, &Arc::default()).is_pending());
    let statistics = counters.statistics();
    assert_eq!(
        (statistics.turned_away, statistics.accepted, statistics.exhausted),
        (3, 1, 0)
    );
    match &reports.0.lock().unwrap()[..] {
        [ServeError::Accept(AcceptError::TurnedAway { clients: 3, cause })] => {
            assert_eq!(cause.raw_os_error(), Some(Errno::MFILE.raw_os_error()));
        }
        other => panic!("{other:?}"),
    }
}

async fn exhausted_accepts_are_waited_out_and_each_is_told(context: Context) {
    let exhausted = || Err(AcceptError::Exhausted(errno(Errno::NOBUFS)));
    let mut steps: VecDeque<_> = (0..4).map(|_| exhausted()).collect();
    steps.extend(streams(&context, 1).await);
    let script = Script::new(&context, steps);
    let (counters, reports) = (Counters::new(), Reports::default());
    let (counting, hook) = (counters.clone(), reports.hook());
    let started = context.runtime().now();
    let _serving = context.runtime().spawn(async move {
        serve(&script, |_| async { Ok(()) })
            .count_in(&counting)
            .on_error(hook)
            .await
    });
    context.until(|| counters.statistics().accepted == 1).await;
    let took = context.runtime().now() - started;
    // 5, 10, 20 and 40 ms.
    assert!(took >= Duration::from_millis(75), "{took:?}");
    assert_eq!(counters.statistics().exhausted, 4);
    assert_eq!(reports.0.lock().unwrap().len(), 4);
}

async fn errors_of_every_kind_are_counted_and_come_through_unchanged(context: Context) {
    // None that anybody knows of, too.
    let numbers = [
        Errno::CONNABORTED,
        Errno::PROTO,
        Errno::PERM,
        Errno::HOSTUNREACH,
        Errno::XDEV,
    ];
    let mut steps: VecDeque<_> = numbers
        .map(|number| Err(AcceptError::Connection(errno(number))))
        .into();
    steps.extend(streams(&context, 1).await);
    let script = Script::new(&context, steps);
    let (counters, reports) = (Counters::new(), Reports::default());
    let mut serving = serve(&script, |_| async { Ok(()) })
        .count_in(&counters)
        .on_error(reports.hook())
        .into_future();
    assert!(poll_with(&mut serving, &Arc::default()).is_pending());
    let statistics = counters.statistics();
    assert_eq!((statistics.lost, statistics.accepted), (numbers.len() as u64, 1));
    let told: Vec<Option<i32>> = reports.0.lock().unwrap().iter().map(accept_errno).collect();
    assert_eq!(told, numbers.map(|number| Some(number.raw_os_error())));
}

async fn connections_that_are_lost_for_ever_do_not_spin(context: Context) {
    let script = Script::failing(&context, || AcceptError::Connection(errno(Errno::PERM)));
    let counters = Counters::new();
    let counting = counters.clone();
    let serving = context
        .runtime()
        .spawn(async move { serve(&script, |_| async { Ok(()) }).count_in(&counting).await });
    context.runtime().sleep(Duration::from_millis(300)).await;
    drop(serving);
    // Sixteen at once, then one each 5 ms.
    let lost = counters.statistics().lost;
    assert!((17..=16 + 60 + 10).contains(&lost), "{lost}");
}

async fn a_broken_listener_shuts_its_server_down(context: Context) {
    let broken = VecDeque::from([Err(AcceptError::Broken(errno(Errno::BADF)))]);
    let server = Server::new(Script::new(&context, VecDeque::new())).and(Script::new(&context, broken));
    let ended = context.within(server.serve(|_| async { Ok(()) })).await;
    match ended {
        Err(anynet_core::Error::Accept(AcceptError::Broken(cause))) => {
            assert_eq!(cause.raw_os_error(), Some(Errno::BADF.raw_os_error()));
        }
        other => panic!("{other:?}"),
    }
}

async fn a_handler_can_turn_a_client_away(context: Context) {
    let listener = context.listener().await;
    let address = listener.local_address();
    let _serving = context.runtime().spawn(Server::new(listener).serve(|stream| {
        drop(stream);
        async { Ok(()) }
    }));
    for _ in 0..2 {
        let mut client = context.connect(address).await;
        let received = context.within(client.receive(&mut [0; 1])).await;
        assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");
    }
}

async fn connections_run_on_the_executor_that_the_listener_names(context: Context) {
    // Somebody else's executor: what is spawned there is counted.
    let script = Script::new(&context, streams(&context, 3).await);
    let spawned = script.executor.clone();
    let mut serving = serve(&script, |_| async { Ok(()) }).into_future();
    assert!(poll_with(&mut serving, &Arc::default()).is_pending());
    assert_eq!(*spawned.spawned.lock().unwrap(), 3);
}

type Stream = TcpStream<BoxRuntime>;
type Accepted = Result<Stream, AcceptError>;

fn errno(number: Errno) -> Cause {
    io::Error::from(number).into()
}

fn accept_errno(error: &ServeError) -> Option<i32> {
    match error {
        ServeError::Accept(AcceptError::Connection(cause)) => cause.raw_os_error(),
        _ => None,
    }
}

/// Connections to be accepted.
async fn streams(context: &Context, count: usize) -> VecDeque<Accepted> {
    let mut streams = VecDeque::new();
    for _ in 0..count {
        streams.push_back(Ok(context.tcp_pair().await.1));
    }
    streams
}

/// What reached a hook.
#[derive(Default)]
struct Reports(Arc<Mutex<Vec<ServeError>>>);

impl Reports {
    fn hook(&self) -> impl Fn(ServeError) + Send + Sync + use<> {
        let reports = self.0.clone();
        move |error| reports.lock().unwrap().push(error)
    }
}

/// A listener whose accepts are written down beforehand. None of them waits; after the last, all do.
struct Script {
    executor: Counting,
    steps: Mutex<VecDeque<Accepted>>,
    then: Option<fn() -> AcceptError>,
}

impl Script {
    fn new(context: &Context, steps: VecDeque<Accepted>) -> Self {
        Self {
            executor: Counting {
                runtime: context.runtime().clone(),
                spawned: Arc::default(),
            },
            steps: Mutex::new(steps),
            then: None,
        }
    }

    fn failing(context: &Context, then: fn() -> AcceptError) -> Self {
        Self {
            then: Some(then),
            ..Self::new(context, VecDeque::new())
        }
    }
}

impl Listener for Script {
    type Stream = Stream;
    type Executor = Counting;

    fn executor(&self) -> &Counting {
        &self.executor
    }

    async fn accept(&self) -> Accepted {
        let step = self.steps.lock().unwrap().pop_front();
        match (step, self.then) {
            (Some(accepted), _) => accepted,
            (None, Some(then)) => Err(then()),
            (None, None) => pending().await,
        }
    }
}

impl Attributes for Script {
    fn attributes<'a>(&'a self, _: &mut Request<'_, 'a>) {}
}

/// An executor that counts what is spawned on it.
#[derive(Clone, Debug)]
struct Counting {
    runtime: BoxRuntime,
    spawned: Arc<Mutex<usize>>,
}

impl Executor for Counting {
    type Task<T: Send + 'static> = anynet_core::BoxTask<T>;
    type Sleep = anynet_core::BoxSleep;

    fn now(&self) -> std::time::Instant {
        self.runtime.now()
    }

    fn sleep(&self, duration: Duration) -> anynet_core::BoxSleep {
        self.runtime.sleep(duration)
    }

    fn spawn<F>(&self, future: F) -> anynet_core::BoxTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        *self.spawned.lock().unwrap() += 1;
        self.runtime.spawn(future)
    }
}
