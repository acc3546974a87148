//! Serving while no descriptor is left. The limit is the process's, so each case runs in one of its own: this program again,
//! with the case's name.

pub(super) mod several;

use std::env;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anynet_core::{
    AcceptError, Address, AttributesExt, BoxListener, BoxStream, BoxTask, ByteReceiveStreamExt,
    ByteSendStreamExt, Executor, Listener, LocalAddress, ReceiveError, Result,
};
use anynet_sockets::{TcpListener, UnixListener};
use anynet_util::{ServeError, Server, ServerHandle};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::Context;
use crate::case::cases;

cases![
    an_accept_without_a_free_descriptor_tells_who_waits_by_a_close,
    clients_are_told_at_once_and_served_when_there_are_descriptors_again,
    unix_and_adopted_listeners_tell_their_clients_too,
    without_a_reserve_clients_wait_and_are_served_when_there_are_descriptors_again,
    the_first_descriptor_that_comes_free_is_the_reserves,
];

async fn an_accept_without_a_free_descriptor_tells_who_waits_by_a_close(context: Context) {
    let case = "an_accept_without_a_free_descriptor_tells_who_waits_by_a_close";
    if !is_alone(&context, case).await {
        return;
    }
    let listener = context.listener().await;
    let mut clients = Clients::new(&address(&listener), 4);
    let filled = Filled::new(0);
    // Nobody waits, so there is nobody to tell, whether the system looks for a client first or for a descriptor.
    let mut accept = Box::pin(listener.accept());
    context.assert_waits(&mut accept).await;
    let told = [(); 3].map(|()| clients.connect());
    match context.within(accept).await {
        Err(AcceptError::TurnedAway { clients, cause }) => {
            assert_eq!(cause.raw_os_error(), Some(libc::EMFILE));
            assert_eq!(clients, 3);
        }
        other => panic!("{other:?}"),
    }
    assert!(!told.iter().any(is_answered));
    let mut accept = Box::pin(listener.accept());
    context.assert_waits(&mut accept).await;
    drop(filled);
    let _served = clients.connect();
    let accepted = context.within(accept).await;
    assert!(accepted.is_ok(), "{accepted:?}");
}

async fn clients_are_told_at_once_and_served_when_there_are_descriptors_again(context: Context) {
    if is_alone(
        &context,
        "clients_are_told_at_once_and_served_when_there_are_descriptors_again",
    )
    .await
    {
        under_load(&context, context.listener().await, 20).await;
    }
}

async fn unix_and_adopted_listeners_tell_their_clients_too(context: Context) {
    if !is_alone(&context, "unix_and_adopted_listeners_tell_their_clients_too").await {
        return;
    }
    let fd = context.listener().await.into_fd().unwrap();
    let adopted = TcpListener::from_fd(context.runtime().clone(), fd).unwrap();
    under_load(&context, adopted, 5).await;
    under_load(&context, context.unix_listener().await, 5).await;
    let fd = context.unix_listener().await.into_fd().unwrap();
    let adopted = UnixListener::from_fd(context.runtime().clone(), fd).unwrap();
    under_load(&context, adopted, 5).await;
}

async fn without_a_reserve_clients_wait_and_are_served_when_there_are_descriptors_again(context: Context) {
    let case = "without_a_reserve_clients_wait_and_are_served_when_there_are_descriptors_again";
    if !is_alone(&context, case).await {
        return;
    }
    let probe = context.listener().await;
    let mut clients = Clients::new(&address(&probe), 1);
    // The listener takes the last descriptor, and none is left for its reserve.
    drop(probe);
    let filled = Filled::new(1);
    let (client, used) = {
        let again = context.listener().await;
        clients.to = address(&again);
        let served = Served::start(&context, again);
        let used = cpu();
        let client = clients.connect();
        context.runtime().sleep(Duration::from_secs(2)).await;
        let used = cpu() - used;
        let tries = served.reports.lock().unwrap().len();
        assert!(
            (8..40).contains(&tries),
            "each try is told, and none in a hurry: {tries}"
        );
        let statistics = served.handle.statistics();
        assert_eq!((statistics.exhausted, statistics.turned_away), (tries as u64, 0));
        drop(filled);
        let answered = elsewhere(&context, move || is_answered(&client)).await;
        (answered, used)
    };
    assert!(client, "it waited, and is served");
    assert_little(used, Duration::from_secs(2));
}

async fn the_first_descriptor_that_comes_free_is_the_reserves(context: Context) {
    if !is_alone(&context, "the_first_descriptor_that_comes_free_is_the_reserves").await {
        return;
    }
    let mut clients = Clients::new(&address(&context.listener().await), 3);
    let mut filled = Filled::new(1);
    let listener = context.listener().await;
    clients.to = address(&listener);
    let served = Served::start(&context, listener);
    let waiting = clients.connect();
    context.until(|| served.handle.statistics().exhausted > 0).await;
    // One is enough: whoever stayed with it would keep all others from being told.
    filled.fds.pop();
    let (mut clients, _kept) = elsewhere(&context, move || {
        assert!(!is_answered(&waiting));
        let next = clients.connect();
        let started = Instant::now();
        assert!(!is_answered(&next));
        let took = started.elapsed();
        assert!(took < Duration::from_secs(1), "{took:?}");
        (clients, (waiting, next))
    })
    .await;
    // Told first and counted then: on another thread that is a moment later.
    context
        .until(|| served.handle.statistics().turned_away == 2)
        .await;
    assert_eq!(served.handle.statistics().accepted, 0);
    drop(filled);
    let again = elsewhere(&context, move || is_answered(&clients.connect()));
    assert!(again.await, "service resumes");
}

/// How long it is between two clients. Twenty of them come in two seconds: a client's own share of the processor,
/// which is half a millisecond in a debug build and more on a slow machine, must not pass for a loop in a hurry.
const EVERY: Duration = Duration::from_millis(100);

/// Has `count` clients come while no descriptor is left.
async fn under_load(context: &Context, listener: impl Listener, count: usize) {
    let mut clients = Clients::new(&address(&listener), count + 3);
    let served = Served::start(context, listener);
    let mut existing = clients.connect();
    existing.write_all(b"y").unwrap();
    context.until(|| served.handle.statistics().open == 1).await;

    let filled = Filled::new(0);
    let (mut clients, used, _kept) = elsewhere(context, move || {
        let mut kept = Vec::new(); // or there would be descriptors again
        let mut used = Vec::new();
        for _ in 0..count {
            let before = cpu_of_others();
            let client = clients.connect();
            let started = Instant::now();
            assert!(!is_answered(&client), "nothing is left to serve it with");
            kept.push(client);
            let took = started.elapsed();
            assert!(took < Duration::from_secs(1), "{took:?}");
            thread::sleep(EVERY);
            used.push(cpu_of_others().saturating_sub(before));
        }
        (clients, used, kept)
    })
    .await;
    assert_little(lower_quartile(used), EVERY);
    let (answered, existing) = elsewhere(context, move || (is_answered(&existing), existing)).await;
    assert!(answered, "who was there before is served");
    let statistics = served.handle.statistics();
    assert_eq!(statistics.turned_away, count as u64);
    assert_eq!(statistics.accepted, 1, "no handler sees them");
    assert!(!served.reports.lock().unwrap().is_empty(), "it is told");
    assert_eq!(served.strangers(), 0, "and nothing else is");

    drop(filled);
    let again = elsewhere(context, move || {
        is_answered(&clients.connect()) && is_answered(&clients.connect())
    });
    assert!(again.await, "service resumes");
    drop(existing);
    served.end(context).await;
}

/// A server, and what it reported.
struct Served {
    handle: ServerHandle,
    reports: Arc<Mutex<Vec<ServeError>>>,
    serving: BoxTask<Result<()>>,
}

impl Served {
    fn start(context: &Context, listener: impl Listener) -> Self {
        Self::start_server(context, Server::new(BoxListener::new(listener)))
    }

    fn start_server(context: &Context, server: Server<BoxListener>) -> Self {
        let reports = Arc::<Mutex<Vec<_>>>::default();
        let told = reports.clone();
        let server = server.on_error(move |error| told.lock().unwrap().push(error));
        let handle = server.handle();
        Self {
            handle,
            reports,
            serving: context.runtime().spawn(server.serve(echo)),
        }
    }

    /// Ends it, its clients being gone, and with it every descriptor that it has: one that is closed later would be there
    /// for the next one to use.
    async fn end(self, context: &Context) {
        self.handle.shut_down();
        context.within(self.serving).await.expect("it ends well");
    }

    /// How many reports are of something else than a lack of descriptors.
    fn strangers(&self) -> usize {
        let is_lack = |error: &&ServeError| {
            matches!(
                error,
                ServeError::Accept(AcceptError::TurnedAway { .. } | AcceptError::Exhausted(_))
            )
        };
        self.reports
            .lock()
            .unwrap()
            .iter()
            .filter(|error| !is_lack(error))
            .count()
    }
}

async fn echo(mut stream: BoxStream) -> Result<()> {
    let mut buf = [0; 8];
    loop {
        match stream.receive(&mut buf).await {
            Ok(n) => stream.send(&buf[..n]).await?,
            Err(ReceiveError::EndOfStream) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sockets that were made while there were descriptors, to be connected when there are none.
struct Clients {
    to: SockAddr,
    sockets: Vec<Socket>,
}

impl Clients {
    fn new(to: &SockAddr, count: usize) -> Self {
        let socket = || Socket::new(Domain::from(i32::from(to.family())), Type::STREAM, None).unwrap();
        Self {
            to: to.clone(),
            sockets: std::iter::repeat_with(socket).take(count).collect(),
        }
    }

    fn connect(&mut self) -> Socket {
        let socket = self.sockets.pop().expect("there are enough");
        socket.connect(&self.to).expect("the system completes it");
        socket
    }
}

/// Whether a client gets its answer, or else sees its connection end.
fn is_answered(mut client: &Socket) -> bool {
    const PATIENCE: Duration = Duration::from_secs(5);
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    if client.write_all(b"x").is_err() {
        return false;
    }
    match client.read(&mut [0; 1]) {
        Ok(n) => n == 1,
        Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("it hangs"),
        Err(_) => false,
    }
}

/// Every descriptor that the process may have, but a few, until it is dropped.
struct Filled {
    fds: Vec<OwnedFd>,
    limit: Rlimit,
}

impl Filled {
    fn new(free: usize) -> Self {
        let limit = getrlimit(Resource::Nofile);
        let null = File::open("/dev/null").unwrap();
        // High enough for what is there, low enough to be filled.
        let lowered = Rlimit {
            current: Some(null.as_raw_fd() as u64 + 64),
            ..limit
        };
        setrlimit(Resource::Nofile, lowered).unwrap();
        let fds = vec![OwnedFd::from(null)];
        let mut filled = Self { fds, limit };
        filled.fill();
        filled.fds.truncate(filled.fds.len() - free);
        filled
    }

    /// Takes what has come free meanwhile.
    fn fill(&mut self) {
        while let Ok(another) = self.fds[0].try_clone() {
            self.fds.push(another);
        }
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.limit).expect("it may be raised to what it was");
    }
}

/// Runs what blocks on a thread of its own.
async fn elsewhere<T: Send + 'static>(context: &Context, work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::spawn(work);
    while !thread.is_finished() {
        context.runtime().sleep(EVERY).await; // not too often: the processor time is looked at
    }
    thread.join().expect("its asserts hold")
}

/// The processor time that the process has used.
fn cpu() -> Duration {
    time_of(ClockId::ProcessCPUTime)
}

/// The same without what this thread, which plays the clients, has used itself.
fn cpu_of_others() -> Duration {
    time_of(ClockId::ProcessCPUTime).saturating_sub(time_of(ClockId::ThreadCPUTime))
}

fn time_of(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Asserts that what was used of the processor in a time is less than a twentieth of one core.
#[track_caller]
fn assert_little(used: Duration, time: Duration) {
    assert!(used < time / 20, "{used:?} in {time:?}");
}

/// What a quarter of the times stays below: a loop in a hurry is in all of them, what a busy machine adds is not.
fn lower_quartile(mut used: Vec<Duration>) -> Duration {
    used.sort();
    used[used.len() / 4]
}

fn address(listener: &impl Listener) -> SockAddr {
    let LocalAddress(address) = listener.attribute().expect("it listens somewhere");
    match address {
        Address::Ip(address) => address.into(),
        Address::Unix(address) => SockAddr::unix(address.path().expect("it has a path")).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Whether this process runs nothing but `case`. If not, runs it in one that does, and fails as it fails. Other cases may
/// share the thread of the executor, so it is not made to wait.
async fn is_alone(context: &Context, case: &str) -> bool {
    const CHILD: &str = "ANYNET_ALONE";
    if env::var_os(CHILD).is_some() {
        return true;
    }
    let trial = format!("{}::any::exhausted::{case}", context.backend.name);
    let mut child = Command::new(env::current_exe().unwrap());
    child
        .args([&trial, "--exact"])
        .env(CHILD, "")
        .env_remove("ANYNET_FDS");
    let child = elsewhere(context, move || child.output().unwrap()).await;
    let output = String::from_utf8_lossy(&child.stdout) + String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
    false
}
