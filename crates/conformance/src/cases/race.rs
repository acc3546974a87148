//! Racing the addresses of a name: when each attempt begins, who wins, and what becomes of the others.
//!
//! The attempts are scripted, and go by the clock of the network. A clock in memory is exact to the millisecond; on others
//! nothing comes before its time.

pub(super) mod addresses;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anynet_core::{ConnectError, Executor};
use anynet_util::{Connected, HappyEyeballs, Outcome};

use crate::Ground;
use crate::case::cases;
use crate::context::poll_once;
use crate::named::Named;
use crate::steps::assert_is;

cases![given Ground:
    one_address_takes_as_long_as_its_attempt,
    attempts_begin_a_delay_apart_and_none_after_the_win,
    a_delay_of_ones_own_is_kept_and_is_at_least_10_ms,
    a_failure_begins_the_next_attempt_at_once,
    an_error_names_every_attempt_with_its_time,
    of_two_that_succeed_together_one_wins_and_the_other_is_dropped,
    giving_it_up_drops_every_attempt,
    a_deadline_ends_every_attempt_and_names_them,
    a_deadline_ends_the_look_up_too,
    an_error_that_is_no_failed_attempt_ends_it,
    a_deadline_of_zero_leaves_time_for_what_is_ready_alone,
    an_attempt_with_a_deadline_of_its_own_makes_room_for_the_next,
];

/// What an attempt does: it succeeds or fails after so many milliseconds, or never ends.
#[derive(Clone, Copy)]
enum Script {
    Succeeds(u64),
    Fails(u64, ErrorKind),
    Hangs,
    Breaks,
}

use Script::{Breaks, Fails, Hangs, Succeeds};

/// A refusal after so many milliseconds.
const fn refused(after: u64) -> Script {
    Fails(after, ErrorKind::ConnectionRefused)
}

/// What a scripted attempt connects to: it knows its number, and tells when it is dropped.
#[derive(Debug)]
struct Stream(usize, #[expect(dead_code, reason = "it is counted")] Arc<()>);

/// A race of scripted attempts.
struct Race {
    context: Ground,
    scripts: Arc<[Script]>,
    /// When each attempt began, in milliseconds.
    begun: Arc<Mutex<Vec<(usize, u64)>>>,
    /// One for each attempt or stream that is alive, beside our own.
    alive: Arc<()>,
    start: Instant,
}

impl Race {
    fn new(context: &Ground, scripts: &[Script]) -> Self {
        Self {
            context: context.clone(),
            scripts: scripts.into(),
            begun: Arc::default(),
            alive: Arc::new(()),
            start: context.network().now(),
        }
    }

    async fn run(&self, policy: HappyEyeballs) -> Result<Connected<Stream>, ConnectError> {
        let addresses = (0..self.scripts.len()).map(address).collect();
        let network = Named::new(self.context.network(), addresses);
        policy
            .connect(&network, "a-name:80", |address| self.attempt(number(address)))
            .await
    }

    fn attempt(&self, number: usize) -> impl Future<Output = Result<Stream, ConnectError>> + Send + 'static {
        self.begun.lock().unwrap().push((number, self.elapsed()));
        let (network, script) = (self.context.network().clone(), self.scripts[number]);
        let stream = Stream(number, self.alive.clone());
        async move {
            match script {
                Succeeds(after) => {
                    network.sleep(Duration::from_millis(after)).await;
                    Ok(stream)
                }
                Fails(after, kind) => {
                    network.sleep(Duration::from_millis(after)).await;
                    Err(ConnectError::failed(address(number), kind))
                }
                Hangs => std::future::pending().await,
                Breaks => Err(ConnectError::NoRuntime(ErrorKind::Other.into())),
            }
        }
    }

    fn elapsed(&self) -> u64 {
        millis(self.context.network().now() - self.start)
    }

    /// How many attempts and streams are left.
    fn alive(&self) -> usize {
        Arc::strong_count(&self.alive) - 1
    }

    /// Asserts that the attempts began at these times.
    #[track_caller]
    fn assert_begun(&self, expected: &[u64]) {
        let begun = self.begun.lock().unwrap().clone();
        assert_eq!(begun.len(), expected.len(), "{begun:?}");
        for (index, (number, at)) in begun.into_iter().enumerate() {
            assert_eq!(number, index, "in the order of the resolver");
            assert_time(&self.context, at, expected[index]);
        }
    }
}

/// Exactly in time where the clock allows it, else not before.
#[track_caller]
fn assert_time(context: &Ground, elapsed: u64, expected: u64) {
    if context.column.is_clock_exact() {
        assert_eq!(elapsed, expected, "in milliseconds");
    } else {
        // A duration that is told begins a moment after the clock was read for it.
        assert!(elapsed + 2 >= expected, "{elapsed} ms, {expected} expected");
    }
}

/// Exactly so long where the clock allows it. What begins late and is ended by something else is shorter on others.
#[track_caller]
fn assert_cut_off_after(context: &Ground, took: Duration, expected: u64) {
    if context.column.is_clock_exact() {
        assert_eq!(millis(took), expected, "in milliseconds");
    }
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().expect("a short test")
}

fn address(number: usize) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, number as u8), 80).into()
}

fn number(address: SocketAddr) -> usize {
    match address {
        SocketAddr::V4(address) => address.ip().octets()[3].into(),
        SocketAddr::V6(_) => unreachable!("all of them are of IPv4"),
    }
}

async fn one_address_takes_as_long_as_its_attempt(context: Ground) {
    for script in [Succeeds(0), Succeeds(300), refused(0), refused(300)] {
        let race = Race::new(&context, &[script]);
        let ended = context.within(race.run(HappyEyeballs::new())).await;
        let (Succeeds(expected) | Fails(expected, _)) = script else {
            unreachable!("it ends");
        };
        assert_time(&context, race.elapsed(), expected);
        assert_eq!(ended.is_ok(), matches!(script, Succeeds(_)));
    }
}

async fn attempts_begin_a_delay_apart_and_none_after_the_win(context: Ground) {
    let race = Race::new(&context, &[Hangs, Hangs, Succeeds(50), Hangs]);
    let connected = context.within(race.run(HappyEyeballs::new())).await.unwrap();
    assert_time(&context, race.elapsed(), 550);
    race.assert_begun(&[0, 250, 500]);
    assert_eq!(connected.stream.0, 2);
    assert_eq!(race.alive(), 1, "the winner alone is left");
    let took = [550, 300, 50];
    for (number, attempt) in connected.attempts.iter().enumerate() {
        assert_eq!(attempt.address, address(number));
        assert_cut_off_after(&context, attempt.took, took[number]);
        match number {
            2 => assert_is!(&attempt.outcome, Outcome::Connected),
            _ => assert_is!(&attempt.outcome, Outcome::GivenUp),
        }
    }
    // Any of them may win, also one that others have joined.
    let race = Race::new(&context, &[Succeeds(750), Hangs, Hangs]);
    let policy = HappyEyeballs::new().attempt_delay(Duration::from_millis(500));
    let connected = context.within(race.run(policy)).await.unwrap();
    assert_eq!(connected.stream.0, 0);
    race.assert_begun(&[0, 500]);
    assert_time(&context, race.elapsed(), 750);
}

async fn a_delay_of_ones_own_is_kept_and_is_at_least_10_ms(context: Ground) {
    for (asked, expected) in [
        (Duration::from_millis(100), 100),
        (Duration::ZERO, 10),
        (Duration::from_millis(9), 10),
    ] {
        let race = Race::new(&context, &[Hangs, Hangs, Succeeds(0)]);
        let policy = HappyEyeballs::new().attempt_delay(asked);
        context.within(race.run(policy)).await.unwrap();
        race.assert_begun(&[0, expected, 2 * expected]);
    }
    // One after the other.
    let race = Race::new(&context, &[refused(300), Succeeds(300)]);
    let policy = HappyEyeballs::new().attempt_delay(Duration::MAX);
    context.within(race.run(policy)).await.unwrap();
    race.assert_begun(&[0, 300]);
}

async fn a_failure_begins_the_next_attempt_at_once(context: Ground) {
    let race = Race::new(&context, &[refused(100), refused(200), Hangs, Succeeds(0)]);
    let connected = context.within(race.run(HappyEyeballs::new())).await.unwrap();
    race.assert_begun(&[0, 100, 300, 550]);
    assert_eq!(connected.stream.0, 3);
    assert_is!(&connected.attempts[0].outcome, Outcome::Failed(_));

    // One that cannot even be begun costs no time.
    let unreachable = Fails(0, ErrorKind::NetworkUnreachable);
    let race = Race::new(&context, &[unreachable, unreachable, Succeeds(0)]);
    context.within(race.run(HappyEyeballs::new())).await.unwrap();
    assert_eq!(race.begun.lock().unwrap().len(), 3);
    assert_time(&context, race.elapsed(), 0);
}

async fn an_error_names_every_attempt_with_its_time(context: Ground) {
    let race = Race::new(&context, &[refused(700), refused(100), refused(50)]);
    let error = context
        .within(race.run(HappyEyeballs::new()))
        .await
        .map(drop)
        .unwrap_err();
    race.assert_begun(&[0, 250, 350]);
    assert_time(&context, race.elapsed(), 700);
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let text = error.to_string();
    for (number, (attempt, took)) in error.attempts().iter().zip([700, 100, 50]).enumerate() {
        assert_eq!(attempt.address, address(number));
        assert_eq!(attempt.cause.kind(), ErrorKind::ConnectionRefused);
        assert_time(&context, millis(attempt.took), took);
        assert!(text.contains(&address(number).to_string()), "{text}");
    }
    assert_is!(error, ConnectError::Failed { .. });
    assert_eq!(race.alive(), 0);
}

async fn of_two_that_succeed_together_one_wins_and_the_other_is_dropped(context: Ground) {
    let race = Race::new(&context, &[Succeeds(500), Succeeds(250), Succeeds(0)]);
    let connected = context.within(race.run(HappyEyeballs::new())).await.unwrap();
    assert_time(&context, race.elapsed(), 500);
    assert_eq!(race.alive(), 1, "the winner alone is left");
    drop(connected);
    assert_eq!(race.alive(), 0);
}

async fn giving_it_up_drops_every_attempt(context: Ground) {
    let race = Race::new(&context, &[Hangs, Hangs, Hangs]);
    let mut run = Box::pin(race.run(HappyEyeballs::new().attempt_delay(Duration::from_millis(10))));
    for _ in 0..100 {
        context.assert_waits(&mut run).await;
        if race.alive() == 3 {
            break;
        }
    }
    assert_eq!(race.alive(), 3);
    drop(run);
    assert_eq!(race.alive(), 0);
    context.settle().await;
    assert_eq!(race.begun.lock().unwrap().len(), 3, "nothing is left running");

    let race = Race::new(&context, &[Hangs]);
    drop(race.run(HappyEyeballs::new()));
    assert_eq!(race.begun.lock().unwrap().len(), 0, "it had not begun");
}

async fn a_deadline_ends_every_attempt_and_names_them(context: Ground) {
    let race = Race::new(&context, &[refused(100), Hangs, Hangs, Succeeds(0)]);
    // Half a second lies between any two of these times, lest a busy machine get to both at once.
    let policy = HappyEyeballs::new()
        .attempt_delay(Duration::from_millis(1000))
        .deadline(Duration::from_millis(1600));
    let error = context.within(race.run(policy)).await.map(drop).unwrap_err();
    assert_time(&context, race.elapsed(), 1600);
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let kinds = [
        ErrorKind::ConnectionRefused,
        ErrorKind::TimedOut,
        ErrorKind::TimedOut,
    ];
    for (attempt, (kind, took)) in error
        .attempts()
        .iter()
        .zip(kinds.into_iter().zip([100, 1500, 500]))
    {
        assert_eq!(attempt.cause.kind(), kind);
        assert_cut_off_after(&context, attempt.took, took);
    }
    assert_eq!(error.attempts().len(), 3);
    assert_is!(error, ConnectError::TimedOut { .. });
    assert_eq!(race.alive(), 0);
}

async fn a_deadline_ends_the_look_up_too(context: Ground) {
    let network = Named::hanging(context.network());
    let policy = HappyEyeballs::new().deadline(Duration::from_millis(50));
    let attempt = |_| std::future::pending::<Result<(), ConnectError>>();
    let start = context.network().now();
    let ended = context
        .within(policy.connect(&network, "a-name:80", attempt))
        .await;
    assert_time(&context, millis(context.network().now() - start), 50);
    let error = ended.map(drop).unwrap_err();
    assert_is!(&error, ConnectError::TimedOut { attempts, .. } if attempts.is_empty());
    let text = "not connected to a-name:80 within 50ms: its name was still being looked up";
    assert_eq!(format!("{error:#}"), text);
}

async fn an_error_that_is_no_failed_attempt_ends_it(context: Ground) {
    let race = Race::new(&context, &[Hangs, Breaks, Succeeds(0)]);
    let error = context
        .within(race.run(HappyEyeballs::new()))
        .await
        .map(drop)
        .unwrap_err();
    assert_is!(error, ConnectError::NoRuntime(_));
    assert_eq!(race.alive(), 0);
    // Nor does a poll after the first begin anything at once that is not due.
    let race = Race::new(&context, &[Hangs, Succeeds(0)]);
    assert!(poll_once(&mut Box::pin(race.run(HappyEyeballs::new()))).is_pending());
    assert_eq!(race.begun.lock().unwrap().len(), 1);
}

async fn a_deadline_of_zero_leaves_time_for_what_is_ready_alone(context: Ground) {
    let policy = HappyEyeballs::new().deadline(Duration::ZERO);
    let race = Race::new(&context, &[Hangs, Succeeds(0)]);
    let error = context.within(race.run(policy)).await.map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    race.assert_begun(&[0]);
    assert_eq!(race.alive(), 0);
    let network = Named::new(context.network(), vec![address(0)]);
    let ready = policy.connect(&network, "a-name:80", async |_| Ok(7));
    assert_eq!(context.within(ready).await.unwrap().stream, 7);
}

async fn an_attempt_with_a_deadline_of_its_own_makes_room_for_the_next(context: Ground) {
    let race = Race::new(&context, &[Hangs, Succeeds(0)]);
    let network = Named::new(context.network(), vec![address(0), address(1)]);
    let limit = HappyEyeballs::new().deadline(Duration::from_millis(100));
    let attempt = async |address: SocketAddr| {
        let attempt = |to| race.attempt(number(to));
        Ok(limit.connect(context.network(), address, attempt).await?.stream)
    };
    let connected = HappyEyeballs::new().connect(&network, "a-name:80", attempt);
    let connected = context.within(connected).await.unwrap();
    assert_eq!(connected.stream.0, 1);
    race.assert_begun(&[0, 100]);
    assert_is!(&connected.attempts[0].outcome, Outcome::Failed(cause) if cause.kind() == ErrorKind::TimedOut);
}
