//! What a worker is told to do, and what it tells of it.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::str::FromStr;
use std::time::{Duration, Instant};

use stats_alloc::INSTRUMENTED_SYSTEM;

/// What a ping-pong sends.
pub const MESSAGE: [u8; 64] = [7; 64];
/// How large the buffers of a ping-pong are: larger than the message, so that every receive is short.
pub const BUFFER: usize = 4096;
/// How many datagrams a burst has: few enough for any receive buffer.
pub const BURST: u64 = 16;
/// How much a bulk transfer sends and receives at once.
pub const CHUNK: usize = 64 << 10;
/// How many chunks are an operation of a bulk transfer: those of one MiB.
pub const CHUNKS: u64 = (1 << 20) / CHUNK as u64;
/// How many connections come at once.
pub const ACCEPTS: u64 = 50;
/// How many connections are idle at once.
pub const IDLE: u64 = 8000;
/// Operations before the measured ones, after which nothing is done for the first time.
pub const WARM_UP: u64 = 50;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Round trips of [`MESSAGE`] on one connection.
    PingPong,
    /// The same over a pair of UNIX streams.
    UnixPingPong,
    /// Bursts of [`BURST`] datagrams of [`MESSAGE`] over UDP, each received once all of them were sent.
    Datagrams,
    /// MiBs in one direction, on one connection.
    Bulk,
    /// Connections made, accepted and closed again, one after another.
    Connect,
    /// Connections of blocking clients accepted and closed, one after another.
    Accept,
    /// [`ACCEPTS`] connections of blocking clients at once, each in a task of its own: ours under `serve`.
    Burst,
    /// Connections that are greeted and wait, each in a task of its own. The driver has the clients.
    Idle,
    /// The same, ours under `serve`.
    IdleServed,
}

impl Work {
    /// All there is to do.
    const ALL: [Self; 9] = [
        Self::PingPong,
        Self::UnixPingPong,
        Self::Datagrams,
        Self::Bulk,
        Self::Connect,
        Self::Accept,
        Self::Burst,
        Self::Idle,
        Self::IdleServed,
    ];

    /// How many of its operations are as many connections or round trips as `ops`.
    pub const fn instead_of(self, ops: u64) -> u64 {
        match self {
            Self::Burst => ops / ACCEPTS,
            _ => ops,
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::PingPong => "ping-pong",
            Self::UnixPingPong => "unix-ping-pong",
            Self::Datagrams => "datagrams",
            Self::Bulk => "bulk",
            Self::Connect => "connect",
            Self::Accept => "accept",
            Self::Burst => "burst",
            Self::Idle => "idle",
            Self::IdleServed => "idle-served",
        }
    }
}

/// Whose sockets do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Candidate {
    /// The runtime's own.
    Native,
    /// anynet's, on the runtime by its type.
    Generic,
    /// The facade's, with this runtime compiled in.
    Facade,
    /// The generic ones behind `Box<dyn ByteStream>`.
    Boxed,
    /// The facade's behind `Box<dyn ByteStream>`. With it both types are used alike, and so compiled alike.
    BoxedFacade,
}

impl Candidate {
    /// All of them, the native first.
    pub const ALL: [Self; 5] = [
        Self::Native,
        Self::Generic,
        Self::Facade,
        Self::Boxed,
        Self::BoxedFacade,
    ];
    /// Those that are not behind a box: a boxed datagram socket allocates for each datagram.
    pub const DATAGRAMS: [Self; 3] = [Self::Native, Self::Generic, Self::Facade];
    /// Those that differ in how a connection is made.
    pub const CONNECTING: [Self; 3] = [Self::Native, Self::Generic, Self::Facade];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Facade => "facade",
            Self::Boxed => "boxed",
            Self::BoxedFacade => "boxed-facade",
        }
    }
}

/// A worker's command line: `CANDIDATE WORK OPERATIONS`.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Whose sockets.
    pub candidate: Candidate,
    /// What to do.
    pub work: Work,
    /// How often.
    pub ops: u64,
}

impl Order {
    /// Reads the command line.
    ///
    /// # Panics
    ///
    /// If it is not an order: only the driver runs workers.
    pub fn from_args() -> Self {
        let args: Vec<String> = std::env::args().skip(1).collect();
        let [candidate, work, ops] = &args[..] else {
            panic!("CANDIDATE WORK OPERATIONS, not {args:?}");
        };
        Self {
            candidate: named(&Candidate::ALL, candidate, Candidate::name),
            work: named(&Work::ALL, work, Work::name),
            ops: ops.parse().expect("a number of operations"),
        }
    }
}

fn named<T: Copy>(all: &[T], name: &str, name_of: fn(T) -> &'static str) -> T {
    let found = all.iter().copied().find(|it| name_of(*it) == name);
    found.unwrap_or_else(|| panic!("nobody knows {name}"))
}

/// The descriptors of a connection's ends, by which system calls are told apart.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The end that connected, and is measured.
    pub client: RawFd,
    /// The end that was accepted.
    pub server: RawFd,
}

impl Ends {
    /// Of these two.
    pub fn of(client: &impl AsFd, server: &impl AsFd) -> Self {
        Self {
            client: client.as_fd().as_raw_fd(),
            server: server.as_fd().as_raw_fd(),
        }
    }
}

/// What a worker measured.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// How long the operations took.
    pub time: Duration,
    /// How often they allocated.
    pub allocations: usize,
    /// The ends of the connection, if there was one for all of it.
    pub ends: Option<Ends>,
    /// How many bytes of the heap an idle connection holds. Zero where none was idle.
    pub bytes: usize,
}

/// A measurement under way.
#[derive(Debug)]
pub struct Measurement {
    allocations: usize,
    start: Instant,
}

impl Measurement {
    /// Starts measuring.
    pub fn start() -> Self {
        Self {
            allocations: allocations(),
            start: Instant::now(),
        }
    }

    /// What was done since.
    ///
    /// # Panics
    ///
    /// If the program does not count its allocations.
    pub fn end(self, ends: Option<Ends>) -> Figures {
        let time = self.start.elapsed();
        assert!(self.allocations > 0, "the counting allocator is not installed");
        Figures {
            time,
            allocations: allocations() - self.allocations,
            ends,
            bytes: 0,
        }
    }
}

fn allocations() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.allocations + stats.reallocations
}

/// How many bytes the heap holds.
pub(crate) fn in_use() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// One line, `NANOSECONDS ALLOCATIONS CLIENT SERVER BYTES`.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (client, server) = self.ends.map_or((-1, -1), |it| (it.client, it.server));
        let nanos = self.time.as_nanos();
        write!(f, "{nanos} {} {client} {server} {}", self.allocations, self.bytes)
    }
}

impl FromStr for Figures {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let numbers: Vec<i64> = line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [nanos, allocations, client, server, bytes] = numbers[..] else {
            return Err(format!("these are no figures: {line}"));
        };
        let count = |number: i64| usize::try_from(number).map_err(|error| error.to_string());
        let fd = |number| RawFd::try_from(number).ok().filter(|fd| *fd >= 0);
        Ok(Self {
            time: Duration::from_nanos(nanos.unsigned_abs()),
            allocations: count(allocations)?,
            ends: fd(client)
                .zip(fd(server))
                .map(|(client, server)| Ends { client, server }),
            bytes: count(bytes)?,
        })
    }
}
