//! The echo server of the examples, against clients that nobody here wrote.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_blocking_client_of_the_standard_library_is_echoed() {
    let server = Server::start();
    let mut client = server.connect();
    let sent: Vec<u8> = (0..1 << 20).map(|n| (n % 251) as u8).collect();
    let mut writer = client.try_clone().unwrap();
    let data = sent.clone();
    let sender = std::thread::spawn(move || {
        writer.write_all(&data).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    let mut received = Vec::new();
    client.read_to_end(&mut received).unwrap();
    sender.join().unwrap();
    assert!(
        received == sent,
        "{} of {} bytes came back",
        received.len(),
        sent.len()
    );
}

#[test]
fn many_clients_at_once_are_echoed() {
    let server = Server::start();
    let mut clients: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.write_all(&[number as u8]).unwrap();
    }
    for (number, client) in clients.iter_mut().enumerate() {
        let mut echoed = [0];
        client.read_exact(&mut echoed).unwrap();
        assert_eq!(echoed[0], number as u8);
    }
}

#[test]
fn a_client_that_resets_does_not_harm_the_others() {
    let server = Server::start();
    let mut kept = server.connect();
    let mut reset = server.connect();
    reset.write_all(&vec![1; 1 << 20]).ok();
    drop(reset); // with unread echoes: the system resets it
    kept.write_all(b"still here").unwrap();
    kept.shutdown(Shutdown::Write).unwrap();
    let mut echoed = String::new();
    kept.read_to_string(&mut echoed).unwrap();
    assert_eq!(echoed, "still here");
}

#[test]
fn socat_is_echoed() {
    let server = Server::start();
    let address = format!("TCP:{}", server.address);
    // Without the limit of its own, socat stops half a second after its input has ended.
    let Some(output) = talk(
        "socat_is_echoed",
        "socat",
        &["-t", "10", "-", &address],
        b"by socat\n",
    ) else {
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "by socat\n");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn ncat_is_echoed() {
    let server = Server::start();
    let (host, port) = (server.address.ip().to_string(), server.address.port().to_string());
    let Some(output) = talk("ncat_is_echoed", "ncat", &[&host, &port], b"by ncat\n") else {
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "by ncat\n");
    assert!(output.status.success(), "{output:?}");
}

/// A peer that is gone must be an error: `SIGPIPE` would end a process that does not ignore it.
#[test]
fn no_send_can_raise_a_signal() {
    let server = Server::start();
    let mut strace = Command::new("strace");
    strace.args([
        "-f",
        "-e",
        "trace=sendto,sendmsg",
        "-p",
        &server.process.id().to_string(),
    ]);
    let mut strace = match strace.stderr(Stdio::piped()).spawn() {
        Ok(strace) => strace,
        Err(error) => return skip("no_send_can_raise_a_signal", &format!("strace: {error}")),
    };
    let mut calls = BufReader::new(strace.stderr.take().unwrap());
    let mut attached = String::new();
    calls.read_line(&mut attached).unwrap();
    assert!(attached.contains("attached"), "{attached}");

    let mut client = server.connect();
    client.write_all(b"quietly").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    drop(server); // which ends strace too
    strace.wait().unwrap();
    let mut log = String::new();
    calls.read_to_string(&mut log).unwrap();
    let sends: Vec<_> = log.lines().filter(|line| line.contains("quietly")).collect();
    assert!(!sends.is_empty(), "strace saw no send in {log}");
    assert!(
        sends.iter().all(|send| send.contains("MSG_NOSIGNAL")),
        "{sends:?}"
    );
}

/// The echo server, in a process of its own.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_echo_server"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server can be started");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .expect("the server says where it listens");
        Self {
            process,
            address: address.parse().unwrap(),
        }
    }

    fn connect(&self) -> TcpStream {
        let client = TcpStream::connect(self.address).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        client.set_write_timeout(Some(LIMIT)).unwrap();
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs a client with `input`, and returns what it printed. `None`, and a note, where it is not installed.
fn talk(test: &str, program: &str, arguments: &[&str], input: &[u8]) -> Option<Output> {
    let spawned = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut client = match spawned {
        Ok(client) => client,
        Err(error) => {
            skip(test, &format!("{program}: {error}"));
            return None;
        }
    };
    client.stdin.take().unwrap().write_all(input).unwrap();
    Some(client.wait_with_output().unwrap())
}

/// Notes a test that cannot run here; in the strict form of the tests that is a failure.
fn skip(test: &str, reason: &str) {
    assert!(std::env::var_os("ANYNET_STRICT").is_none(), "{test}: {reason}");
    println!("skipped: {test}: {reason}");
    if let Some(path) = std::env::var_os("ANYNET_SKIPS") {
        let mut skips = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        writeln!(skips, "{test}: {reason}").unwrap();
    }
}
