//! Descriptors between processes. The child is this program with an argument; its standard input is a UNIX socket.

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anynet::runtime::{smol::Smol, tokio::Tokio};
use anynet::sockets::UnixStream;
use anynet::util::timeout;
use anynet::{ReceiveError, ReceivedFds, Runtime};
use libtest_mimic::{Arguments, Failed, Trial};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How long a single step may take.
const LIMIT: Duration = Duration::from_secs(20);

/// The first argument of the child; the second says what it does.
const CHILD: &str = "--child";

/// Writes the bytes that come with a descriptor into it.
const WRITES: &str = "writes";
/// Can open two descriptors more.
const HAS_ROOM_FOR_TWO: &str = "has-room-for-two";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    if let [_, flag, what] = &arguments[..]
        && flag == CHILD
    {
        return match smol::block_on(child(what)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("the child failed: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let mut trials = Vec::new();
    for (name, run) in [("smol", run_on_smol as fn(Case) -> _), ("tokio", run_on_tokio)] {
        for (case, what) in [
            ("a_child_writes_to_a_descriptor_of_its_parent", Case::Writes),
            ("running_out_of_descriptors_is_told", Case::RunsOut),
        ] {
            trials.push(Trial::test(format!("{case}_on_{name}"), move || run(what)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

#[derive(Clone, Copy)]
enum Case {
    Writes,
    RunsOut,
}

fn run_on_smol(case: Case) -> Result<(), Failed> {
    smol::block_on(run(&Smol::new(), case))
}

fn run_on_tokio(case: Case) -> Result<(), Failed> {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio.block_on(run(&Tokio::new(tokio.handle().clone()), case))
}

async fn run(runtime: &impl Runtime, case: Case) -> Result<(), Failed> {
    match case {
        Case::Writes => timeout(runtime, LIMIT, writes(runtime)).await?,
        Case::RunsOut => timeout(runtime, LIMIT, runs_out(runtime)).await?,
    }
}

async fn writes(runtime: &impl Runtime) -> Result<(), Failed> {
    let (mut child, mut stream) = start(runtime, WRITES)?;
    let (mut reader, writer) = io::pipe()?;
    stream.send_fds(b"the child was here", &[&writer]).await?;
    drop(writer); // so that the pipe ends with the child's copy
    assert_is_end(stream.receive(&mut [0]).await)?;
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    if text != "the child was here" {
        return Err(text.into());
    }
    succeeded(&mut child)
}

async fn runs_out(runtime: &impl Runtime) -> Result<(), Failed> {
    let (mut child, mut stream) = start(runtime, HAS_ROOM_FOR_TWO)?;
    let null = File::open("/dev/null")?;
    stream.send_fds(b"four", &[&null; 4]).await?;
    stream.send_fds(b"two", &[&null; 2]).await?;
    stream.send_eof().await?;
    assert_is_end(stream.receive(&mut [0]).await)?;
    succeeded(&mut child)
}

fn start<R: Runtime>(runtime: &R, what: &str) -> Result<(Child, UnixStream<R>), Failed> {
    let (ours, theirs) = StdStream::pair()?;
    let child = Command::new(env::current_exe()?)
        .args([CHILD, what])
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .spawn()?;
    Ok((child, UnixStream::from_fd(runtime.clone(), ours.into())?))
}

fn assert_is_end(received: Result<usize, ReceiveError>) -> Result<(), Failed> {
    match received {
        Err(ReceiveError::EndOfStream) => Ok(()),
        other => Err(format!("not an end: {other:?}").into()),
    }
}

fn succeeded(child: &mut Child) -> Result<(), Failed> {
    match child.wait()? {
        status if status.success() => Ok(()),
        status => Err(status.to_string().into()),
    }
}

/// Lowers the limit of descriptors, which is one of their numbers.
fn leave_room_for_two() -> io::Result<()> {
    let free = [File::open("/dev/null")?, File::open("/dev/null")?].map(|file| file.as_raw_fd());
    let limit = Rlimit {
        current: free.iter().max().map(|&last| last as u64 + 1),
        ..getrlimit(Resource::Nofile)
    };
    Ok(setrlimit(Resource::Nofile, limit)?)
}

async fn child(what: &str) -> anynet::Result<()> {
    let stdin = io::stdin().as_fd().try_clone_to_owned()?;
    let mut stream = UnixStream::from_fd(Smol::new(), stdin)?;
    let mut buf = [0; 64];
    match what {
        WRITES => {
            let ReceivedFds { length, fds, .. } = stream.receive_fds(&mut buf, 1).await?;
            for fd in fds {
                File::from(fd).write_all(&buf[..length])?;
            }
        }
        HAS_ROOM_FOR_TWO => {
            leave_room_for_two()?;
            for expected in [("four", 2, true), ("two", 2, false)] {
                let received = stream.receive_fds(&mut buf, 9).await?;
                let text = String::from_utf8_lossy(&buf[..received.length]);
                let found = (&*text, received.fds.len(), received.fds_truncated);
                if found != expected {
                    return Err(anynet::Error::other(format!("{found:?} and not {expected:?}")));
                }
            }
        }
        other => return Err(anynet::Error::other(format!("no such child: {other}"))),
    }
    Ok(stream.close().await?)
}
