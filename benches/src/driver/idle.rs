//! What an idle connection holds: thousands of them in the worker, and their clients here, in another process.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use anynet_benches::work::{Candidate, Figures, IDLE, Work};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;
use crate::counts::print_row;
use crate::flavour::Flavour;
use crate::goals::Verdict;

/// Bytes that a connection under `serve` may hold more than one in a task of its own.
const MORE_BYTES: usize = 256;

/// Measures each candidate's connections in tasks of their own, and ours under `serve`.
pub(crate) fn print_and_judge(flavour: &Flavour) -> Result<Vec<Verdict>> {
    raise_limit()?;
    println!("\n## on {}: {IDLE} idle connections\n", flavour.name);
    let heads = ["in its own task", "under `serve`", "more"];
    print_row("bytes for each", heads.map(str::to_owned).into_iter());
    let native = bytes_each(flavour, Candidate::Native, Work::Idle)?;
    print_row(flavour.native, [native.to_string()].into_iter());
    let mut verdicts = Vec::new();
    for candidate in &Candidate::CONNECTING[1..] {
        let spawned = bytes_each(flavour, *candidate, Work::Idle)?;
        let served = bytes_each(flavour, *candidate, Work::IdleServed)?;
        let more = served as f64 - spawned as f64;
        let cells = [spawned.to_string(), served.to_string(), format!("{more:+}")];
        print_row(candidate.name(), cells.into_iter());
        let who = format!("{}, {}, idle", flavour.name, candidate.name());
        verdicts.push(Verdict::new(
            format!("{who}: at most {MORE_BYTES} bytes more under `serve` than in a task of its own"),
            Some(served <= spawned + MORE_BYTES),
        ));
    }
    println!();
    Ok(verdicts)
}

/// How many bytes of its heap each of the worker's connections holds.
fn bytes_each(flavour: &Flavour, candidate: Candidate, work: Work) -> Result<usize> {
    let line = flavour.command_line(candidate, work, IDLE)?;
    let mut worker = Command::new(&line[0])
        .args(&line[1..])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut output = worker.stdout.take().map(BufReader::new).ok_or("it is piped")?;
    let figures = hold_clients(&mut output);
    // It ends by itself once it has told; or it waits for clients that will not come.
    worker.kill()?;
    worker.wait()?;
    Ok(figures?.bytes)
}

/// Connects the clients, each greeted before the next one comes, so that no queue is ever full, and hears what that took.
fn hold_clients(worker: &mut impl BufRead) -> Result<Figures> {
    let mut line = String::new();
    worker.read_line(&mut line)?;
    let server: SocketAddr = line.trim().parse()?;
    let clients: Vec<TcpStream> = (0..IDLE).map(|_| greeted(server)).collect::<Result<_>>()?;
    line.clear();
    worker.read_line(&mut line)?;
    drop(clients);
    Ok(line.parse()?)
}

fn greeted(server: SocketAddr) -> Result<TcpStream> {
    let mut client = TcpStream::connect(server)?;
    client.read_exact(&mut [0])?;
    Ok(client)
}

/// Allows this process, and the workers, as many descriptors as they may have.
fn raise_limit() -> Result {
    let allowed = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: allowed.maximum,
        ..allowed
    };
    Ok(setrlimit(Resource::Nofile, raised)?)
}
