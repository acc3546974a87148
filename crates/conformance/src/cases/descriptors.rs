//! Descriptors that travel over UNIX sockets.

pub(super) mod datagrams;
pub(super) mod odd;

use std::fs::File;
use std::io::{PipeReader, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};

use anynet_core::{BoxRuntime, ReceiveError, SendError};
use anynet_sockets::{TcpStream, UnixStream};
use rustix::fs::MemfdFlags;
use rustix::io::{FdFlags, fcntl_getfd, ioctl_fionbio};

use crate::Context;
use crate::case::cases;
use crate::context::{Descriptor, poll_once};
use crate::steps::{assert_is, closer};

cases![
    two_open_files_sent_with_a_message_work_at_the_peer,
    a_descriptor_is_a_duplicate_and_close_on_exec,
    many_come_with_the_first_of_their_bytes_and_in_order,
    each_message_brings_its_own_and_bytes_before_it_come_along,
    an_empty_buffer_takes_the_descriptors_and_leaves_the_bytes,
    an_empty_buffer_is_no_end_while_bytes_are_there,
    an_empty_buffer_waits_and_sees_the_true_end,
    a_message_larger_than_the_buffers_is_sent_whole,
    a_send_waits_for_room_and_sends_its_descriptors_once,
    halves_carry_descriptors,
    a_receive_that_was_dropped_has_taken_nothing,
    closed_comes_first_and_a_closer_wakes_a_receive,
    the_end_and_a_broken_connection_are_told_as_on_any_stream,
    a_socket_that_arrives_is_a_stream_again,
];

/// Two streams that are connected to each other.
pub(super) fn pair(context: &Context) -> (UnixStream<BoxRuntime>, UnixStream<BoxRuntime>) {
    UnixStream::pair_on(context.runtime()).expect("a pair")
}

/// A descriptor to send, and what tells when every copy of it is closed.
pub(super) struct Probe {
    pub(super) fd: OwnedFd,
    pub(super) copies: Copies,
}

/// All copies of a descriptor, those that are on their way among them.
pub(super) struct Copies(PipeReader);

impl Probe {
    pub(super) fn new() -> Self {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        ioctl_fionbio(&reader, true).expect("a pipe need not block");
        Self {
            fd: writer.into(),
            copies: Copies(reader),
        }
    }

    /// As many of them: the descriptors, and their copies.
    pub(super) fn many(count: usize) -> (Vec<OwnedFd>, Vec<Copies>) {
        let probes = (0..count).map(|_| Self::new());
        probes.map(|probe| (probe.fd, probe.copies)).unzip()
    }
}

impl Copies {
    pub(super) fn are_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }
}

/// Asserts that these are the same open files, in this order.
pub(super) fn assert_same(received: &[OwnedFd], sent: &[OwnedFd]) {
    assert_eq!(received.len(), sent.len());
    for (received, sent) in received.iter().zip(sent) {
        let (Ok(received), Ok(sent)) = (Descriptor::of(received), Descriptor::of(sent)) else {
            return; // the system does not tell
        };
        assert!(received.is_same_socket(&sent), "{received:?} for {sent:?}");
    }
}

/// A file in memory that holds `text`, to be read from its start.
fn file_with(text: &str) -> File {
    let mut file = File::from(rustix::fs::memfd_create("conformance", MemfdFlags::CLOEXEC).expect("memory"));
    file.write_all(text.as_bytes()).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}

fn text_in(fd: OwnedFd) -> String {
    let mut text = String::new();
    File::from(fd).read_to_string(&mut text).unwrap();
    text
}

async fn two_open_files_sent_with_a_message_work_at_the_peer(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let files = [file_with("one"), file_with("other")];
    context.within(theirs.send_fds(b"files", &files)).await.unwrap();
    drop(files);
    let mut buf = [0; 10];
    let received = context.within(ours.receive_fds(&mut buf, 2)).await.unwrap();
    assert_eq!(&buf[..received.length], b"files");
    assert!(!received.fds_truncated && !received.truncated);
    let texts: Vec<String> = received.fds.into_iter().map(text_in).collect();
    assert_eq!(texts, ["one", "other"]);
}

async fn a_descriptor_is_a_duplicate_and_close_on_exec(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let mut file = file_with("shared");
    // Of different types, lent.
    let lent = [file.as_fd(), theirs.as_fd()].map(|fd| fd.try_clone_to_owned().unwrap());
    context.within(theirs.send_fds(b"x", &lent)).await.unwrap();
    let received = context.within(ours.receive_fds(&mut [0; 8], 8)).await.unwrap();
    assert_same(&received.fds, &lent);
    for fd in &received.fds {
        assert!(fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC));
    }
    // One place in one file.
    let mut arrived = File::from(received.fds.into_iter().next().unwrap());
    arrived.read_exact(&mut [0; 2]).unwrap();
    assert_eq!(file.stream_position().unwrap(), 2);
    drop(arrived);
    file.read_exact(&mut [0; 4]).unwrap();
}

async fn many_come_with_the_first_of_their_bytes_and_in_order(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(100);
    context.within(theirs.send_fds(b"bytes", &sent)).await.unwrap();
    let mut buf = [0; 1];
    let received = context.within(ours.receive_fds(&mut buf, 253)).await.unwrap();
    assert_eq!((received.length, &buf), (1, b"b"));
    assert_same(&received.fds, &sent);
    let mut buf = [0; 8];
    let rest = context.within(ours.receive_fds(&mut buf, 1)).await.unwrap();
    assert_eq!((&buf[..rest.length], rest.fds.len()), (&b"ytes"[..], 0));
    assert!(!rest.fds_truncated);
}

async fn each_message_brings_its_own_and_bytes_before_it_come_along(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(3);
    context.within(theirs.send(b"plain ")).await.unwrap();
    context.within(theirs.send_fds(b"one", &sent[..1])).await.unwrap();
    context
        .within(theirs.send_fds(b"other", &sent[1..]))
        .await
        .unwrap();
    context.within(theirs.send(b" plain")).await.unwrap();
    let mut buf = [0; 64];
    let received = context.within(ours.receive_fds(&mut buf, 9)).await.unwrap();
    assert_eq!(&buf[..received.length], b"plain one");
    assert_same(&received.fds, &sent[..1]);
    let received = context.within(ours.receive_fds(&mut buf, 9)).await.unwrap();
    assert_eq!(&buf[..received.length], b"other");
    assert_same(&received.fds, &sent[1..]);
    let received = context.within(ours.receive_fds(&mut buf, 9)).await.unwrap();
    assert_eq!((&buf[..received.length], received.fds.len()), (&b" plain"[..], 0));
}

async fn an_empty_buffer_takes_the_descriptors_and_leaves_the_bytes(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let sent = [file_with("text")];
    context
        .within(theirs.send_fds(b"this message is ignored", &sent))
        .await
        .unwrap();
    drop(theirs);
    let received = context.within(ours.receive_fds(&mut [], 1)).await.unwrap();
    assert_eq!((received.length, received.fds_truncated), (0, false));
    let texts: Vec<String> = received.fds.into_iter().map(text_in).collect();
    assert_eq!(texts, ["text"]);
    assert_eq!(
        context.receive_to_end(&mut ours).await,
        b"this message is ignored"
    );
}

async fn an_empty_buffer_is_no_end_while_bytes_are_there(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(1);
    context.within(theirs.send(b"plain")).await.unwrap();
    context.within(theirs.send_fds(b"x", &sent)).await.unwrap();
    drop(theirs);
    for _ in 0..3 {
        let received = context.within(ours.receive_fds(&mut [], 1)).await.unwrap();
        assert_eq!((received.length, received.fds.len()), (0, 0));
        assert!(!received.fds_truncated);
    }
    assert_eq!(context.receive_bytes(&mut ours, 5).await, b"plain");
    let received = context.within(ours.receive_fds(&mut [], 1)).await.unwrap();
    assert_same(&received.fds, &sent);
    assert_eq!(context.receive_to_end(&mut ours).await, b"x");
}

async fn an_empty_buffer_waits_and_sees_the_true_end(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(1);
    let receiving = context.spawn_waiting(async move {
        let received = ours.receive_fds(&mut [], 1).await;
        (received, ours)
    });
    let receiving = receiving.await;
    context.within(theirs.send_fds(b"x", &sent)).await.unwrap();
    let (received, mut ours) = context.within(receiving).await;
    assert_same(&received.unwrap().fds, &sent);
    assert_eq!(context.receive_bytes(&mut ours, 1).await, b"x");
    context
        .assert_waits(&mut Box::pin(ours.receive_fds(&mut [], 1)))
        .await;
    drop(theirs);
    for _ in 0..2 {
        let end = context.within(ours.receive_fds(&mut [], 1)).await;
        assert_is!(end, Err(ReceiveError::EndOfStream));
    }
}

async fn a_message_larger_than_the_buffers_is_sent_whole(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let probe = Probe::new();
    let data: Vec<u8> = (0..4_u32 << 20).map(|n| (n % 251) as u8).collect();
    let expected = data.clone();
    let fds = [probe.fd.try_clone().unwrap(), probe.fd];
    let sending = context.spawn(async move {
        theirs.send_fds(&data, &fds).await.unwrap();
    });
    let (mut received, mut buf, mut fds) = (Vec::new(), vec![0; 10_000], 0);
    let end = loop {
        match context.within(ours.receive_fds(&mut buf, 9)).await {
            Ok(part) => {
                assert!(!part.fds_truncated);
                received.extend_from_slice(&buf[..part.length]);
                fds += part.fds.len();
            }
            Err(end) => break end,
        }
    };
    assert_is!(end, ReceiveError::EndOfStream);
    assert!(
        received == expected,
        "{} of {} bytes",
        received.len(),
        expected.len()
    );
    assert_eq!(fds, 2);
    context.within(sending).await;
}

async fn a_send_waits_for_room_and_sends_its_descriptors_once(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let Probe { fd, mut copies } = Probe::new();
    let clogged = context.clog(&mut theirs).await;
    let fds = [fd];
    let sending = context.spawn_waiting(async move {
        theirs.send_fds(b"through", &fds).await.unwrap();
    });
    let sending = sending.await;
    context.receive_bytes(&mut ours, clogged).await;
    context.within(sending).await;
    let mut buf = [0; 8];
    let received = context.within(ours.receive_fds(&mut buf, 9)).await.unwrap();
    assert_eq!(
        (&buf[..received.length], received.fds.len()),
        (&b"through"[..], 1)
    );
    drop(received);
    context.until(|| copies.are_closed()).await;
}

async fn halves_carry_descriptors(context: Context) {
    let (ours, theirs) = pair(&context);
    let (mut receive, _send) = ours.into_split();
    let (_receive, mut send) = theirs.into_split();
    let (sent, _copies) = Probe::many(2);
    context.within(send.send_fds(b"half", &sent)).await.unwrap();
    let mut buf = [0; 8];
    let received = context.within(receive.receive_fds(&mut buf, 2)).await.unwrap();
    assert_eq!(&buf[..received.length], b"half");
    assert_same(&received.fds, &sent);
    drop(send);
    assert_is!(
        context.within(receive.receive_fds(&mut [], 2)).await,
        Err(ReceiveError::EndOfStream)
    );
    receive.close();
    assert_is!(
        context.within(receive.receive_fds(&mut [], 2)).await,
        Err(ReceiveError::Closed)
    );
}

async fn a_receive_that_was_dropped_has_taken_nothing(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(2);
    for buf in [&mut [0; 8][..], &mut []] {
        assert!(poll_once(&mut Box::pin(ours.receive_fds(buf, 2))).is_pending());
    }
    context.within(theirs.send_fds(b"kept", &sent)).await.unwrap();
    drop(ours.receive_fds(&mut [0; 8], 2));
    let mut buf = [0; 8];
    let received = context.within(ours.receive_fds(&mut buf, 2)).await.unwrap();
    assert_eq!(&buf[..received.length], b"kept");
    assert_same(&received.fds, &sent);
}

async fn closed_comes_first_and_a_closer_wakes_a_receive(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(1);
    let closer = closer(&ours);
    let receiving = context.spawn_waiting(async move {
        let received = ours.receive_fds(&mut [], 1).await;
        (received, ours)
    });
    let receiving = receiving.await;
    closer.close();
    let (received, mut ours) = context.within(receiving).await;
    assert_is!(received, Err(ReceiveError::Closed));
    assert_is!(ours.receive_fds(&mut [0; 8], 0).await, Err(ReceiveError::Closed));
    assert_is!(ours.send_fds(b"x", &sent).await, Err(SendError::Closed));
    assert_is!(ours.send_fds(b"", &sent).await, Err(SendError::Closed));
    theirs.send_eof().await.unwrap();
    assert_is!(theirs.send_fds(b"x", &sent).await, Err(SendError::Closed));
}

async fn the_end_and_a_broken_connection_are_told_as_on_any_stream(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (sent, _copies) = Probe::many(1);
    context.within(theirs.send(b"unread")).await.unwrap();
    context.within(ours.send_fds(b"last", &sent)).await.unwrap();
    ours.abort();
    let received = context.within(theirs.receive_fds(&mut [0; 8], 1)).await.unwrap();
    assert_same(&received.fds, &sent);
    for _ in 0..2 {
        let broken = context.within(theirs.receive_fds(&mut [], 1)).await;
        assert_is!(broken, Err(ReceiveError::Broken(_)));
        let broken = context.within(theirs.send_fds(b"x", &sent)).await;
        assert_is!(broken, Err(SendError::Broken(_)));
    }
}

async fn a_socket_that_arrives_is_a_stream_again(context: Context) {
    let (mut ours, mut theirs) = pair(&context);
    let (mut near, far) = context.tcp_pair().await;
    context.within(theirs.send_fds(b"x", &[far])).await.unwrap();
    let received = context.within(ours.receive_fds(&mut [], 1)).await.unwrap();
    let fd = received.fds.into_iter().next().unwrap();
    let mut far = TcpStream::from_fd(context.runtime().clone(), fd).unwrap();
    context.assert_talks(&mut near, &mut far).await;
}
