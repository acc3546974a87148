//! What thousands of idle connections cost besides their sockets: no thread, no descriptor of a timer or a reactor, and under
//! `serve` hardly more memory than in tasks of their own.
//!
//! The clients are in a process of their own, which is this program with an argument.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use anynet::runtime::{smol::Smol, tokio::Tokio};
use anynet::sockets::OsNetwork;
use anynet::util::timeout;
use anynet::{
    ByteReceiveStreamExt, ByteSendStreamExt, ByteStream, Executor, Listener, Network, Runtime, Server, Task,
};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// How many connections are idle at once, if the system allows as many descriptors.
const MANY: u64 = 8000;

/// The descriptors of a process that are no connections, and some to spare.
const OTHERS: u64 = 64;

/// How many bytes a connection under `serve` may take more than one in a task of its own.
const MORE_BYTES: usize = 256;

/// How long a single step between the two processes may take.
const LIMIT: Duration = Duration::from_secs(20);

/// The first argument of the process that holds the clients; the second is the server's address.
const CLIENTS: &str = "--clients-of";

fn main() -> ExitCode {
    let limit = raise_limit();
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, server] = &arguments[..]
        && flag == CLIENTS
    {
        hold_clients(server.parse().expect("the server's address"));
        return ExitCode::SUCCESS;
    }
    let many = MANY.min(limit.saturating_sub(OTHERS));
    // One after the other, on this thread: another trial's threads would be counted too.
    let arguments = Arguments {
        test_threads: Some(1),
        ..Arguments::from_args()
    };
    let trials = vec![
        Trial::ignorable_test(
            "idle_connections_cost_no_thread_and_no_timer_on_tokio",
            move || {
                let tokio = tokio()?;
                compare(&Tokio::new(tokio.handle().clone()), many)
            },
        ),
        Trial::ignorable_test(
            "idle_connections_cost_no_thread_and_no_timer_on_smol",
            move || compare(&Smol::new(), many),
        ),
        Trial::ignorable_test(
            "a_served_connection_costs_hardly_more_than_a_task_on_tokio",
            move || {
                let tokio = tokio()?;
                compare_memory(&Tokio::new(tokio.handle().clone()), many)
            },
        ),
        Trial::ignorable_test(
            "a_served_connection_costs_hardly_more_than_a_task_on_smol",
            move || compare_memory(&Smol::new(), many),
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn tokio() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

/// Who runs the connections.
#[derive(Clone, Copy, Debug)]
enum Served {
    /// A loop that accepts and spawns.
    Spawned,
    Serve,
    Server,
}

/// Serves the same connections by hand, by `serve` and by a server with limits, and compares what the heap holds.
fn compare_memory(runtime: &impl Runtime, many: u64) -> Result<Completion, Failed> {
    let by_hand = bytes_each(runtime, many, Served::Spawned)?;
    for served in [Served::Serve, Served::Server] {
        let bytes = bytes_each(runtime, many, served)?;
        println!("{many} connections, each {bytes} bytes {served:?}, and {by_hand} by hand");
        if bytes > by_hand + MORE_BYTES {
            return Err(format!("{bytes} bytes {served:?}, and {by_hand} by hand").into());
        }
    }
    Ok(Completion::Completed)
}

/// How many bytes of the heap one of `many` connections takes.
fn bytes_each(runtime: &impl Runtime, many: u64, served: Served) -> Result<usize, Failed> {
    let before = Held::now()?.sockets;
    let (address, bound) = mpsc::channel();
    let network = OsNetwork::new(runtime.clone());
    let server = runtime.spawn(async move {
        let listener = network.listen((Ipv4Addr::LOCALHOST, 0).into()).await?;
        let _ = address.send(listener.local_address());
        let runtime = listener.executor().clone();
        let handler = {
            let runtime = runtime.clone();
            move |stream| idle(stream, runtime.clone())
        };
        match served {
            Served::Serve => listener.serve(handler).await,
            Served::Server => {
                let server = Server::new(listener).limit(usize::MAX).limit_per_peer(usize::MAX);
                server.serve(handler).await
            }
            Served::Spawned => loop {
                runtime.spawn(handler(listener.accept().await?)).detach();
            },
        }
    });
    let mut clients = Clients::start(bound.recv_timeout(LIMIT)?)?;
    clients.hold(1)?;
    let one = in_use();
    clients.hold(many)?;
    let all = in_use();
    drop((clients, server)); // the handlers end with them
    released(before)?;
    Ok((all - one) / usize::try_from(many - 1)?)
}

/// Waits until no more sockets are left than there were `before`: what ends a while later would be taken for the thrift
/// of whoever is measured next.
fn released(before: usize) -> Result<(), Failed> {
    let deadline = Instant::now() + LIMIT;
    while Held::now()?.sockets > before {
        if Instant::now() > deadline {
            return Err("connections outlive their server".into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// How many bytes the heap holds.
fn in_use() -> usize {
    let stats = MEMORY.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Serves one connection, and then `many`, and compares what the process has.
fn compare(runtime: &impl Runtime, many: u64) -> Result<Completion, Failed> {
    let before = Held::now()?.sockets;
    let (address, bound) = mpsc::channel();
    let network = OsNetwork::new(runtime.clone());
    let server = runtime.spawn(async move {
        let listener = network.listen((Ipv4Addr::LOCALHOST, 0).into()).await?;
        let _ = address.send(listener.local_address());
        let runtime = listener.executor().clone();
        listener.serve(move |stream| idle(stream, runtime.clone())).await
    });
    let mut clients = Clients::start(bound.recv_timeout(LIMIT)?)?;
    let one = clients.hold(1)?;
    let all = clients.hold(many)?;
    drop((clients, server));
    released(before)?;
    let expected = Held {
        sockets: one.sockets + usize::try_from(many - 1)?,
        ..one
    };
    if all != expected {
        return Err(format!("with {many} idle connections: {all:?}, where it should be {expected:?}").into());
    }
    if many < MANY {
        let reason =
            format!("only {many} connections, the system allows no more descriptors; {MANY} are wanted");
        return Ok(Completion::ignored_with(reason));
    }
    Ok(Completion::Completed)
}

/// Greets the client, and waits for it with a deadline.
async fn idle(mut stream: impl ByteStream, runtime: impl Executor) -> anynet::Result<()> {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    stream.send(b"!").await?;
    timeout(&runtime, HOUR, stream.receive(&mut [0; 64])).await??;
    Ok(())
}

/// What this process has.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    threads: usize,
    sockets: usize,
    /// The descriptors of timers, reactors and whatever else there is, by what they link to.
    others: BTreeMap<String, usize>,
}

impl Held {
    fn now() -> io::Result<Self> {
        let mut held = Self {
            threads: fs::read_dir("/proc/self/task")?.count(),
            sockets: 0,
            others: BTreeMap::new(),
        };
        for descriptor in fs::read_dir("/proc/self/fd")? {
            let link = match fs::read_link(descriptor?.path()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue, // closed since it was listed
                link => link?.to_string_lossy().into_owned(),
            };
            if link.starts_with("socket:") {
                held.sockets += 1;
            } else {
                *held.others.entry(link).or_default() += 1;
            }
        }
        Ok(held)
    }
}

/// The process with the clients. It ends when its input does.
struct Clients {
    process: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Clients {
    fn start(server: SocketAddr) -> Result<Self, Failed> {
        let mut process = Command::new(env::current_exe()?)
            .args([CLIENTS, &server.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("it is piped")?;
        Ok(Self {
            input: process.stdin.take(),
            output: BufReader::new(output).lines(),
            process,
        })
    }

    /// What this process has while `count` clients are connected and idle.
    fn hold(&mut self, count: u64) -> Result<Held, Failed> {
        writeln!(self.input.as_mut().ok_or("it is piped")?, "{count}")?;
        let connected = self.output.next().ok_or("the clients have failed")??;
        assert_eq!(connected, count.to_string());
        thread::sleep(Duration::from_millis(100)); // the last one was greeted, and goes on to wait
        Ok(Held::now()?)
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.wait();
    }
}

/// Connects as many clients as each line of the input says, and answers with the line when the server has them.
fn hold_clients(server: SocketAddr) {
    let mut clients = Vec::new();
    for line in io::stdin().lines() {
        let line = line.expect("a line");
        let count: usize = line.parse().expect("how many clients");
        // One after the other, each greeted before the next one comes, so that no queue is ever full.
        clients.resize_with(count, || connect(server).expect("a client is greeted"));
        println!("{line}");
    }
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let mut client = TcpStream::connect_timeout(&server, LIMIT)?;
    client.set_read_timeout(Some(LIMIT))?;
    client.read_exact(&mut [0])?;
    Ok(client)
}

/// Allows this process, and those that it starts, as many descriptors as it may have. Says how many those are.
fn raise_limit() -> u64 {
    let allowed = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: allowed.maximum,
        ..allowed
    };
    setrlimit(Resource::Nofile, raised).expect("the soft limit may be raised to the hard one");
    allowed.maximum.unwrap_or(u64::MAX)
}
