//! Descriptors that travel in raw messages between two processes: this test, and itself once more as a child.

use std::env;
use std::error::Error;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};

use anynet_core::Runtime;
use anynet_smol::Smol;
use anynet_sockets::{Control, ControlMessage, MessageFlags, Socket};
use socket2::{Domain, Type};

/// Set in the child.
const CHILD: &str = "ANYNET_TEST_CHILD";

type Failure = Box<dyn Error>;

#[test]
fn descriptors_travel_between_processes() -> Result<(), Failure> {
    if env::var_os(CHILD).is_some() {
        return anynet_smol::run(child())?;
    }
    anynet_smol::run(parent())?
}

/// Sends the write end of a pipe, and receives the read end of another.
async fn parent() -> Result<(), Failure> {
    let (ours, theirs) = Socket::<Smol>::pair(Domain::UNIX, Type::STREAM, None)?;
    let theirs = theirs.detach()?.ok_or("it was open")?;
    let mut child = Command::new(env::current_exe()?)
        .args(["--exact", "descriptors_travel_between_processes", "--nocapture"])
        .env(CHILD, "1")
        .stdin(theirs)
        .stdout(Stdio::null())
        .spawn()?;
    let (mut reader, writer) = io::pipe()?;
    send(&ours, writer.as_fd()).await?;
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    assert_eq!(text, "written by the child");
    let mut of_child = io::PipeReader::from(receive(&ours).await?);
    text.clear();
    of_child.read_to_string(&mut text)?;
    assert_eq!(text, "left in the child's pipe");
    assert!(child.wait()?.success());
    Ok(())
}

async fn child() -> Result<(), Failure> {
    let socket = Socket::from_fd(Smol::current()?, io::stdin().as_fd().try_clone_to_owned()?)?;
    io::PipeWriter::from(receive(&socket).await?).write_all(b"written by the child")?;
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(b"left in the child's pipe")?;
    send(&socket, reader.as_fd()).await
}

async fn send(socket: &Socket<Smol>, descriptor: std::os::fd::BorrowedFd<'_>) -> Result<(), Failure> {
    let control = [Control::Descriptors(&[descriptor])];
    socket
        .send_message(&[IoSlice::new(b"x")], &control, MessageFlags::NONE, None)
        .await?;
    Ok(())
}

async fn receive(socket: &Socket<Smol>) -> Result<OwnedFd, Failure> {
    let mut buf = [0; 1];
    let room = ControlMessage::space_for_descriptors(1);
    let mut message = socket
        .receive_message(&mut [IoSliceMut::new(&mut buf)], room, MessageFlags::NONE)
        .await?;
    match message.control.pop() {
        Some(ControlMessage::Descriptors(descriptors)) => Ok(descriptors.into_iter().next().ok_or("none")?),
        other => Err(format!("{other:?}").into()),
    }
}
