//! Descriptors that are closed while somebody waits for them, announced and not.

use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

use anynet_core::WaitError;
use anynet_sockets::TcpStream;
use rustix::io::{DupFlags, dup3};

use super::{empty, fill, pair, task};
use crate::Context;
use crate::case::cases;
use crate::context::poll_once;

cases![
    announcing_a_close_wakes_a_reader_and_a_writer_with_closed,
    announcing_a_close_frees_both_places,
    announcing_a_close_lets_go_of_the_file_at_once,
    announcing_a_close_concerns_nobody_else,
    a_descriptor_closed_without_a_word_neither_hangs_nor_harms,
    a_descriptor_closed_without_a_word_may_live_on_in_a_duplicate,
    a_reused_number_is_another_descriptor_to_whoever_waits,
    a_reused_number_that_a_socket_of_ours_has_is_left_alone,
];

async fn announcing_a_close_wakes_a_reader_and_a_writer_with_closed(context: Context) {
    let (ours, _theirs) = pair();
    fill(&ours);
    let read = task(&context, context.wait_readable(&ours));
    let write = task(&context, context.wait_writable(&ours));
    context.settle().await;
    context.notify_closing(&ours);
    drop(ours);
    let (read, write) = (context.within(read).await, context.within(write).await);
    assert!(matches!(read, Err(WaitError::Closed)), "{read:?}");
    assert!(matches!(write, Err(WaitError::Closed)), "{write:?}");
}

async fn announcing_a_close_frees_both_places(context: Context) {
    let (ours, mut theirs) = pair();
    let mut told = context.wait_readable(&ours);
    context.assert_waits(&mut told).await;
    context.notify_closing(&ours);
    // It was not closed after all, and the one who was told has not looked yet.
    let mut wait = context.wait_readable(&ours);
    context.assert_waits(&mut wait).await;
    let told = context.within(told).await;
    assert!(matches!(told, Err(WaitError::Closed)), "{told:?}");
    let third = context.within(context.wait_readable(&ours)).await;
    assert!(
        matches!(third, Err(WaitError::Busy)),
        "the place is the second's: {third:?}"
    );
    theirs.write_all(b"x").unwrap();
    context.within(wait).await.unwrap();
}

async fn announcing_a_close_lets_go_of_the_file_at_once(context: Context) {
    let (ours, mut theirs) = pair();
    theirs.set_nonblocking(true).unwrap();
    fill(&ours);
    let (mut read, mut write) = (context.wait_readable(&ours), context.wait_writable(&ours));
    context.assert_waits(&mut read).await;
    context.assert_waits(&mut write).await;
    context.notify_closing(&ours);
    drop(ours);
    // Nobody has polled the waits since, and all the same the peer sees the end.
    let mut buf = vec![0; 64 << 10];
    while theirs.read(&mut buf).expect("bytes, and then the end") > 0 {}
    drop((read, write));
}

async fn announcing_a_close_concerns_nobody_else(context: Context) {
    let (ours, theirs) = pair();
    context.notify_closing(&ours); // nobody waits
    let mut wait = context.wait_readable(&ours);
    context.assert_waits(&mut wait).await;
    context.notify_closing(&theirs);
    context.notify_closing(ours.try_clone().unwrap());
    context.assert_waits(&mut wait).await;
    (&theirs).write_all(b"x").unwrap();
    context.within(wait).await.unwrap();
}

async fn a_descriptor_closed_without_a_word_neither_hangs_nor_harms(context: Context) {
    let (ours, theirs) = pair();
    fill(&ours);
    let (mut read, mut write) = (context.wait_readable(&ours), context.wait_writable(&ours));
    context.assert_waits(&mut read).await;
    context.assert_waits(&mut write).await;
    drop(ours);
    context.assert_waits(&mut read).await;
    empty(&theirs);
    context.within(write).await.unwrap(); // the file is kept open by those who wait for it
    drop(theirs);
    context.within(read).await.unwrap();
    let (mut one, mut other) = context.tcp_pair().await;
    context.assert_talks(&mut one, &mut other).await;
}

async fn a_descriptor_closed_without_a_word_may_live_on_in_a_duplicate(context: Context) {
    let (ours, mut theirs) = pair();
    let duplicate = ours.try_clone().unwrap();
    let mut wait = context.wait_readable(&ours);
    context.assert_waits(&mut wait).await;
    drop(ours);
    theirs.write_all(b"x").unwrap();
    context.within(wait).await.unwrap();
    assert_eq!((&duplicate).read(&mut [0; 8]).unwrap(), 1);
    context.assert_waits(&mut context.wait_readable(&duplicate)).await;
}

/// Closes the descriptor `fd` and gives its number to `successor`, in one step: other cases run beside this one.
fn reuse(fd: &mut OwnedFd, successor: impl Into<OwnedFd>) {
    let number = fd.as_raw_fd();
    dup3(successor.into(), fd, DupFlags::CLOEXEC).expect("a number can be given again");
    assert_eq!(fd.as_raw_fd(), number);
}

async fn a_reused_number_is_another_descriptor_to_whoever_waits(context: Context) {
    let (ours, mut theirs) = pair();
    let (successor, mut its_peer) = pair();
    let mut fd = OwnedFd::from(ours);
    let mut earlier = context.wait_readable(&fd);
    context.assert_waits(&mut earlier).await;
    reuse(&mut fd, successor);
    let mut later = context.wait_readable(&fd);
    context.assert_waits(&mut later).await;

    its_peer.write_all(b"x").unwrap();
    context.within(later).await.unwrap();
    context.assert_waits(&mut earlier).await; // not woken by the successor's bytes
    let mut fd = UnixStream::from(fd);
    assert_eq!(fd.read(&mut [0; 8]).unwrap(), 1);

    let mut later = context.wait_readable(&fd);
    context.assert_waits(&mut later).await;
    theirs.write_all(b"x").unwrap();
    context.within(earlier).await.unwrap();
    context.assert_waits(&mut later).await; // nor the other way round
    context.notify_closing(&fd);
    let later = context.within(later).await;
    assert!(matches!(later, Err(WaitError::Closed)), "{later:?}");
}

async fn a_reused_number_that_a_socket_of_ours_has_is_left_alone(context: Context) {
    let (foreign, mut its_peer) = pair();
    let (ours, mut theirs) = context.tcp_pair().await;
    let mut fd = OwnedFd::from(foreign);
    let mut wait = context.wait_readable(&fd);
    context.assert_waits(&mut wait).await;
    reuse(&mut fd, ours.into_fd().unwrap());
    let mut ours = TcpStream::from_fd(context.runtime().clone(), fd).unwrap();

    let mut buf = [0; 8];
    let mut receive = ours.receive(&mut buf);
    assert!(poll_once(&mut receive).is_pending());
    its_peer.write_all(b"x").unwrap();
    context.within(wait).await.unwrap();
    context.assert_waits(&mut receive).await; // not woken for it, and watched still
    theirs.send(b"y").await.unwrap();
    assert_eq!(context.within(receive).await.unwrap(), 1);
    context.assert_talks(&mut ours, &mut theirs).await;
}
