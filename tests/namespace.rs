//! Connecting where an address leads nowhere, and asking where nobody answers, in namespaces of the test's own.
//!
//! The inner parts are this program again, by `unshare --net --mount`; a machine that does not let us is reported as such.

use std::fs;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use anynet::runtime::{smol::Smol, tokio::Tokio};
use anynet::sockets::{TcpListener, TcpStream};
use anynet::util::{Connected, Outcome, TableResolver};
use anynet::{ConnectError, Lookup, Runtime, look_up};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// A part by its name, which is also the argument that it runs for.
type Part = (&'static str, fn());

const PARTS: [Part; 3] = [
    (
        "an_address_that_leads_nowhere_costs_the_delay_or_nothing",
        addresses_that_lead_nowhere,
    ),
    (
        "a_name_server_that_never_answers_holds_nobody_up",
        a_name_server_that_never_answers,
    ),
    (
        "one_local_port_does_for_connections_to_several_peers",
        one_local_port,
    ),
];

/// Links that lead nowhere: a neighbour that never answers, and a route that says so at once.
const LINKS: &[&str] = &[
    "link set lo up",
    "link add near type veth peer name far",
    "link set near up",
    "link set far up",
    "-6 addr add 2001:db8::1/64 dev near nodad",
    "-6 route add unreachable 2001:db8:1::/64",
];

const SILENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

const UNREACHABLE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1);

/// How long the C library waits for a name server.
const NAME_SERVER_LIMIT: Duration = Duration::from_secs(4);

/// What nobody has to wait for takes less.
const SOON: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let argument = env::args().nth(1);
    for (name, part) in PARTS {
        if argument.as_deref() == Some(&format!("--inside={name}")) {
            part();
            return ExitCode::SUCCESS;
        }
    }
    let trial = |(name, _): Part| Trial::ignorable_test(name, move || outside(name));
    libtest_mimic::run(&Arguments::from_args(), PARTS.map(trial).into()).exit_code()
}

fn outside(name: &str) -> Result<Completion, Failed> {
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--net", "--mount"]);
        unshare
    };
    let may = unshare().args(["ip", "link", "show"]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        return Ok(Completion::ignored_with("this machine lends no namespaces"));
    }
    let inner = unshare()
        .arg(env::current_exe()?)
        .arg(format!("--inside={name}"))
        .output()?;
    if inner.status.success() {
        return Ok(Completion::Completed);
    }
    Err(String::from_utf8_lossy(&inner.stderr).into_owned().into())
}

/// Puts a text of ours in the place of a file of the system's, for this namespace.
fn replace(path: &str, text: &str) {
    let ours = env::temp_dir().join(format!("anynet-{}", process::id()));
    fs::write(&ours, text).expect("a temporary file");
    run("mount", &format!("--bind {} {path}", ours.display()));
    fs::remove_file(ours).expect("it is ours");
}

fn run(program: &str, arguments: &str) {
    let status = Command::new(program).args(arguments.split_whitespace()).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{program} {arguments}"
    );
}

fn tokio() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().expect("a runtime")
}

fn addresses_that_lead_nowhere() {
    for link in LINKS {
        run("ip", link);
    }
    let tokio = tokio();
    tokio.block_on(race_addresses(&Tokio::new(tokio.handle().clone())));
    smol::block_on(race_addresses(&Smol::new()));
}

async fn race_addresses<R: Runtime>(runtime: &R) {
    // A silent neighbour costs the delay.
    let (connected, took) = connect(runtime, SILENT).await;
    assert!(took >= Duration::from_millis(250), "IPv6 came first: {took:?}");
    assert!(took < SOON, "{took:?}");
    assert!(matches!(connected.attempts[0].outcome, Outcome::GivenUp));
    // An unreachable route costs nothing.
    let (connected, took) = connect(runtime, UNREACHABLE).await;
    assert!(took < Duration::from_millis(200), "{took:?}");
    match &connected.attempts[0].outcome {
        Outcome::Failed(cause) => assert_eq!(cause.kind(), ErrorKind::HostUnreachable),
        other => panic!("{other:?}"),
    }
}

/// Connects to a name that stands for `first` and for a listener on IPv4.
async fn connect<R: Runtime>(runtime: &R, first: Ipv6Addr) -> (Connected<TcpStream<R>>, Duration) {
    let listener = TcpListener::bind_on(runtime, (Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("loopback can be listened on");
    let server = listener.local_address();
    let table = TableResolver::new().host("both.test", [IpAddr::from(first), server.ip()]);
    let start = Instant::now();
    let connect = TcpStream::connect_on(runtime, ("both.test", server.port()))
        .resolver(table)
        .deadline(Duration::from_secs(10));
    let connected = connect.with_attempts().await.expect("IPv4 answers");
    assert_eq!(connected.stream.peer_address(), server);
    assert_eq!(connected.attempts.len(), 2);
    (connected, start.elapsed())
}

fn one_local_port() {
    run("ip", "link set lo up");
    fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40000").expect("it is this namespace's");
    smol::block_on(async {
        let runtime = Smol::new();
        for (loopback, port) in [("127.0.0.1", 1000), ("::1", 1002)] {
            let mut streams = Vec::new();
            for port in [port, port + 1] {
                let listener = TcpListener::bind_on(&runtime, (loopback, port)).await;
                let to = listener.as_ref().expect("nobody else is here").local_address();
                let from = SocketAddr::new(to.ip(), 0);
                let connect = TcpStream::connect_on(&runtime, to).local_address(from);
                let stream = connect.await.expect("there is a port");
                assert_eq!(stream.local_address(), SocketAddr::new(to.ip(), 40000));
                streams.push((listener, stream));
            }
        }
    });
}

fn a_name_server_that_never_answers() {
    run("ip", "link set lo up");
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).expect("nobody else is here");
    server.set_read_timeout(Some(SOON)).expect("it is no zero");
    let limit = NAME_SERVER_LIMIT.as_secs();
    replace(
        "/etc/resolv.conf",
        &format!("nameserver 127.0.0.1\noptions timeout:{limit} attempts:1\n"),
    );
    if fs::exists("/etc/nsswitch.conf").is_ok_and(|exists| exists) {
        replace("/etc/nsswitch.conf", "hosts: files dns\n");
    }
    a_shutdown_does_not_wait(&server);
    a_deadline_gives_the_look_up_up(&server);
    all_threads_hang_and_end_when_they_are_idle();
    what_was_not_answered_may_be_later();
}

/// Waits until the name server was asked for the host `name`, in the domain `test`.
fn asked(server: &UdpSocket, name: &str) {
    let mut question = [0; 512];
    loop {
        let length = server.recv(&mut question).expect("a question");
        let mut words = question[..length].windows(name.len());
        if words.any(|word| word == name.as_bytes()) {
            return;
        }
    }
}

fn a_shutdown_does_not_wait(server: &UdpSocket) {
    let tokio = tokio();
    let runtime = Tokio::new(tokio.handle().clone());
    let task = tokio.spawn(TcpStream::connect_on(&runtime, "tokio.test:80").into_future());
    asked(server, "tokio");
    let begun = Instant::now();
    drop(tokio);
    assert!(begun.elapsed() < SOON, "tokio: {:?}", begun.elapsed());
    assert!(task.is_finished(), "it was cancelled");

    let executor = Arc::new(smol::Executor::new());
    let runtime = Smol::with_executor(&executor);
    let task = executor.spawn(TcpStream::connect_on(&runtime, "smol.test:80").into_future());
    while executor.try_tick() {}
    asked(server, "smol");
    let begun = Instant::now();
    drop((task, runtime, executor));
    assert!(begun.elapsed() < SOON, "smol: {:?}", begun.elapsed());
}

fn a_deadline_gives_the_look_up_up(server: &UdpSocket) {
    let begun = Instant::now();
    let connect = TcpStream::connect_on(&Smol::new(), "late.test:80").deadline(Duration::from_millis(100));
    let error = smol::block_on(connect.into_future())
        .map(drop)
        .expect_err("nobody answers");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(
        matches!(&error, ConnectError::TimedOut { attempts, .. } if attempts.is_empty()),
        "{error:?}"
    );
    asked(server, "late");
}

fn all_threads_hang_and_end_when_they_are_idle() {
    let mut look_ups: Vec<_> = (0..50)
        .map(|n| Box::pin(look_up(Lookup::new(format!("host-{n}.test"), 80))))
        .collect();
    smol::block_on(poll_fn(|cx| {
        for look_up in &mut look_ups {
            assert!(look_up.as_mut().poll(cx).is_pending());
        }
        Poll::Ready(())
    }));
    until(|| resolvers() == 8);
    // What needs nobody is answered all the same.
    let begun = Instant::now();
    let literal = smol::block_on(look_up(Lookup::new("::1", 80)));
    assert!(literal.is_ok() && begun.elapsed() < SOON);
    assert_eq!(resolvers(), 8, "and no more come");
    drop(look_ups);
    // Those that hang end with the name server's time, and the others are never made; then the threads are idle.
    until(|| resolvers() == 0);
}

/// Waits for what takes the limit of the name server and the time of an idle thread at most.
fn until(mut condition: impl FnMut() -> bool) {
    let limit = Instant::now() + 3 * NAME_SERVER_LIMIT + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < limit, "{} threads are there", resolvers());
        thread::sleep(Duration::from_millis(20));
    }
}

fn what_was_not_answered_may_be_later() {
    let error = smol::block_on(look_up(Lookup::new("again.test", 80))).expect_err("nobody answers");
    assert!(error.is_temporary(), "{error:?}");
}

/// How many threads look names up.
fn resolvers() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("Linux has it");
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim_end() == "anynet-resolver").count()
}
