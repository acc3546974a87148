//! Connecting where an address leads nowhere, in a network namespace of the test's own.
//!
//! The inner part is this program again, by `unshare --net`; a machine that does not let us is reported as such.

use std::env;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anynet::runtime::tokio::{Tokio, run};
use anynet::sockets::{OsNetwork, TcpListener};
use anynet::util::{Connected, HappyEyeballs, Outcome};
use anynet::{AttributesExt, BoxNetwork, BoxStream, Network, PeerAddress, Runtime};
use anynet_conformance::Named;
use libtest_mimic::{Arguments, Completion, Failed, Trial};

/// The first argument of the inner part.
const INSIDE: &str = "--inside";

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

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some(INSIDE) {
        return inside();
    }
    let trial = Trial::ignorable_test(
        "an_address_that_leads_nowhere_costs_the_delay_or_nothing",
        outside,
    );
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn outside() -> Result<Completion, Failed> {
    let may = Command::new("unshare")
        .args(["--net", "ip", "link", "show"])
        .output();
    if !may.is_ok_and(|output| output.status.success()) {
        return Ok(Completion::ignored_with(
            "this machine lends no network namespaces",
        ));
    }
    let program = env::current_exe()?;
    let inner = Command::new("unshare")
        .arg("--net")
        .arg(program)
        .arg(INSIDE)
        .output()?;
    if inner.status.success() {
        return Ok(Completion::Completed);
    }
    Err(String::from_utf8_lossy(&inner.stderr).into_owned().into())
}

fn inside() -> ExitCode {
    for link in LINKS {
        let made = Command::new("ip").args(link.split_whitespace()).status();
        assert!(made.is_ok_and(|status| status.success()), "ip {link}");
    }
    run(async {
        a_silent_neighbour_costs_the_delay().await;
        an_unreachable_route_costs_nothing().await;
    })
    .expect("a runtime");
    ExitCode::SUCCESS
}

async fn a_silent_neighbour_costs_the_delay() {
    let (connected, took) = connect(SILENT).await;
    assert!(took >= Duration::from_millis(250), "IPv6 came first: {took:?}");
    assert!(took < Duration::from_millis(1000), "{took:?}");
    assert!(matches!(connected.attempts[0].outcome, Outcome::GivenUp));
}

async fn an_unreachable_route_costs_nothing() {
    let (connected, took) = connect(UNREACHABLE).await;
    assert!(took < Duration::from_millis(200), "{took:?}");
    match &connected.attempts[0].outcome {
        Outcome::Failed(cause) => assert_eq!(cause.kind(), ErrorKind::HostUnreachable),
        other => panic!("{other:?}"),
    }
}

/// Connects to a name that stands for `first` and for a listener on IPv4.
async fn connect(first: Ipv6Addr) -> (Connected<BoxStream>, Duration) {
    let runtime = Tokio::current().expect("inside tokio");
    let listener = TcpListener::bind_on(&runtime, (Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("loopback can be listened on");
    let server = listener.local_address();
    let addresses = vec![(first, server.port()).into(), server];
    let network = Named::new(&BoxNetwork::new(OsNetwork::new(runtime)), addresses);
    let start = Instant::now();
    let policy = HappyEyeballs::new().deadline(Duration::from_secs(10));
    let connected = policy
        .connect(&network, "both.test:80", |to| network.connect(to))
        .await;
    let connected = connected.expect("IPv4 answers");
    assert_eq!(connected.stream.attribute(), Some(PeerAddress(server.into())));
    assert_eq!(connected.attempts.len(), 2);
    (connected, start.elapsed())
}
