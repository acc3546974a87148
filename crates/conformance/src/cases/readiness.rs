//! Waiting for descriptors that are not sockets of ours.

pub(super) mod closing;
pub(super) mod kinds;

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use anynet_core::{BoxTask, Executor, WaitError};
use anynet_sockets::{TcpStream, Wait, notify_closing_on, wait_readable_on, wait_writable_on};
use rustix::process::{Resource, getrlimit};

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::{Woken, poll_once, poll_with};

cases![
    a_wait_for_reading_ends_when_there_is_something_to_read,
    a_wait_for_writing_ends_when_there_is_room,
    both_directions_are_waited_for_at_once,
    a_wait_reads_nothing_and_is_repeated_as_long_as_there_is_something,
    a_second_wait_for_one_direction_is_busy,
    a_wait_that_is_over_or_given_up_frees_its_place,
    a_wait_wakes_the_task_that_polled_it_last,
    a_wait_holds_nobody_up_where_a_descriptor_is_always_ready,
    a_thousand_waits_are_cancelled_together_without_delay,
    a_descriptor_that_a_socket_of_ours_owns_is_busy,
    a_descriptor_of_ours_that_was_closed_is_closed,
    a_descriptor_that_was_taken_out_of_its_socket_can_be_waited_for,
    a_wait_on_a_runtime_that_was_shut_down_is_an_error_not_a_hang,
];

/// Two connected sockets that are not ours, as they come: blocking.
fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().expect("a pair of sockets")
}

/// Writes until there is no room.
fn fill(socket: &UnixStream) {
    socket.set_nonblocking(true).unwrap();
    let data = [0; 64 << 10];
    loop {
        match (&*socket).write(&data) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Reads all there is.
fn empty(socket: &UnixStream) {
    socket.set_nonblocking(true).unwrap();
    let mut buf = vec![0; 64 << 10];
    while (&*socket).read(&mut buf).is_ok() {}
}

impl Context {
    fn wait_readable(&self, fd: impl AsFd) -> Wait {
        wait_readable_on(self.runtime(), fd)
    }

    fn wait_writable(&self, fd: impl AsFd) -> Wait {
        wait_writable_on(self.runtime(), fd)
    }

    fn notify_closing(&self, fd: impl AsFd) {
        notify_closing_on(self.runtime(), fd);
    }
}

async fn a_wait_for_reading_ends_when_there_is_something_to_read(context: Context) {
    let (ours, mut theirs) = pair();
    let mut wait = context.wait_readable(&ours);
    context.assert_waits(&mut wait).await;
    theirs.write_all(b"x").unwrap();
    context.within(wait).await.unwrap();
    // And what is there already is no wait.
    context.within(context.wait_readable(&ours)).await.unwrap();
    assert_eq!((&ours).read(&mut [0; 8]).unwrap(), 1);
    context.assert_waits(&mut context.wait_readable(&ours)).await;
}

async fn a_wait_for_writing_ends_when_there_is_room(context: Context) {
    let (ours, theirs) = pair();
    context.within(context.wait_writable(&ours)).await.unwrap();
    fill(&ours);
    let mut wait = context.wait_writable(&ours);
    context.assert_waits(&mut wait).await;
    empty(&theirs);
    context.within(wait).await.unwrap();
}

async fn both_directions_are_waited_for_at_once(context: Context) {
    let (ours, theirs) = pair();
    fill(&ours);
    let (mut read, mut write) = (context.wait_readable(&ours), context.wait_writable(&ours));
    context.assert_waits(&mut read).await;
    context.assert_waits(&mut write).await;
    empty(&theirs);
    context.within(write).await.unwrap();
    context.assert_waits(&mut read).await;
    (&theirs).write_all(b"x").unwrap();
    context.within(read).await.unwrap();
}

async fn a_wait_reads_nothing_and_is_repeated_as_long_as_there_is_something(context: Context) {
    let (mut ours, mut theirs) = pair();
    theirs.write_all(b"abc").unwrap();
    let mut received = Vec::new();
    for _ in 0..3 {
        context.within(context.wait_readable(&ours)).await.unwrap();
        let mut buf = [0; 1];
        ours.read_exact(&mut buf).unwrap();
        received.extend(buf);
    }
    assert_eq!(received, b"abc");
}

async fn a_second_wait_for_one_direction_is_busy(context: Context) {
    let (ours, theirs) = pair();
    fill(&ours);
    let (mut read, mut write) = (context.wait_readable(&ours), context.wait_writable(&ours));
    let again = context.within(context.wait_readable(&ours)).await;
    assert!(matches!(again, Err(WaitError::Busy)), "{again:?}");
    let again = context.within(context.wait_writable(&ours)).await;
    assert!(matches!(again, Err(WaitError::Busy)), "{again:?}");
    // A duplicate is a descriptor of its own, and the first waits are where they were.
    let duplicate = ours.try_clone().unwrap();
    context.assert_waits(&mut context.wait_readable(&duplicate)).await;
    context.assert_waits(&mut read).await;
    context.assert_waits(&mut write).await;
    empty(&theirs);
    (&theirs).write_all(b"x").unwrap();
    context.within(read).await.unwrap();
    context.within(write).await.unwrap();
}

async fn a_wait_that_is_over_or_given_up_frees_its_place(context: Context) {
    let (ours, mut theirs) = pair();
    drop(context.wait_readable(&ours)); // never polled
    let mut polled = context.wait_readable(&ours);
    context.assert_waits(&mut polled).await;
    drop(polled);
    let waiting = context.runtime().spawn(context.wait_readable(&ours));
    context.settle().await;
    drop(waiting);
    context.settle().await; // a task is cancelled soon
    let mut last = context.wait_readable(&ours);
    context.assert_waits(&mut last).await;
    theirs.write_all(b"x").unwrap();
    context.within(&mut last).await.unwrap();
    // It is over, although it was not dropped.
    context.within(context.wait_readable(&ours)).await.unwrap();
    drop(last);
}

async fn a_wait_wakes_the_task_that_polled_it_last(context: Context) {
    let (ours, mut theirs) = pair();
    let mut wait = context.wait_readable(&ours);
    let (first, last) = (Arc::<Woken>::default(), Arc::<Woken>::default());
    assert!(poll_with(&mut wait, &first).is_pending());
    assert!(poll_with(&mut wait, &last).is_pending());
    context.settle().await;
    theirs.write_all(b"x").unwrap();
    context.until(|| last.was_called()).await;
    context.within(wait).await.unwrap();
}

async fn a_wait_holds_nobody_up_where_a_descriptor_is_always_ready(context: Context) {
    let (ours, mut theirs) = pair();
    theirs.write_all(b"x").unwrap();
    let runtime = context.runtime().clone();
    let busy = context.runtime().spawn(async move {
        loop {
            wait_readable_on(&runtime, &ours).await.unwrap();
        }
    });
    for _ in 0..10 {
        context.within(context.runtime().spawn(async {})).await;
    }
    drop(busy);
}

async fn a_thousand_waits_are_cancelled_together_without_delay(context: Context) -> Outcome {
    const WAITS: usize = 1000;
    const NEEDED: u64 = 8 * WAITS as u64; // other cases have some at the same time
    if getrlimit(Resource::Nofile)
        .current
        .is_some_and(|limit| limit < NEEDED)
    {
        return Err(NotApplicable("the process may not have so many descriptors"));
    }
    let (ours, mut theirs) = pair();
    let descriptors: Vec<_> = (0..WAITS).map(|_| ours.try_clone().unwrap()).collect();
    let wait = |fd| context.runtime().spawn(context.wait_readable(fd));
    let waits: Vec<_> = descriptors.iter().map(wait).collect();
    context.settle().await;
    let start = context.runtime().now();
    drop(waits);
    for fd in &descriptors {
        let free = || {
            !matches!(
                poll_once(&mut context.wait_readable(fd)),
                std::task::Poll::Ready(Err(_))
            )
        };
        context.until(free).await;
    }
    assert!(context.runtime().now() - start < Duration::from_secs(5));
    theirs.write_all(b"x").unwrap();
    context.within(context.wait_readable(&ours)).await.unwrap();
    Ok(())
}

async fn a_descriptor_that_a_socket_of_ours_owns_is_busy(context: Context) {
    let listener = context.listener().await;
    let (ours, theirs) = context.tcp_pair().await;
    let (receive, send) = theirs.into_split();
    for fd in [listener.as_fd(), ours.as_fd(), receive.as_fd(), send.as_fd()] {
        for wait in [context.wait_readable(fd), context.wait_writable(fd)] {
            let waited = context.within(wait).await;
            assert!(matches!(waited, Err(WaitError::Busy)), "{waited:?}");
        }
    }
}

async fn a_descriptor_of_ours_that_was_closed_is_closed(context: Context) {
    let (mut ours, _theirs) = context.tcp_pair().await;
    ours.close().await.unwrap();
    let waited = context.within(context.wait_readable(&ours)).await;
    assert!(matches!(waited, Err(WaitError::Closed)), "{waited:?}");
    context.notify_closing(&ours);
}

async fn a_descriptor_that_was_taken_out_of_its_socket_can_be_waited_for(context: Context) {
    let (ours, mut theirs) = context.tcp_pair().await;
    let fd = ours.into_fd().unwrap();
    let mut wait = context.wait_readable(&fd);
    context.assert_waits(&mut wait).await;
    theirs.send(b"x").await.unwrap();
    context.within(wait).await.unwrap();
    let ours = TcpStream::from_fd(context.runtime().clone(), fd).unwrap();
    let waited = context.within(context.wait_readable(&ours)).await;
    assert!(matches!(waited, Err(WaitError::Busy)), "{waited:?}");
}

async fn a_wait_on_a_runtime_that_was_shut_down_is_an_error_not_a_hang(context: Context) -> Outcome {
    let (there, shut_down) = context.second()?;
    let (ours, _theirs) = pair();
    let mut wait = there.wait_readable(&ours);
    context.assert_waits(&mut wait).await;
    shut_down();
    let waited = context.within(wait).await;
    assert!(matches!(waited, Err(WaitError::Broken(_))), "{waited:?}");
    let waited = context.within(there.wait_writable(&ours)).await;
    assert!(matches!(waited, Err(WaitError::Broken(_))), "{waited:?}");
    Ok(())
}

/// A task that waits, and says what came of it.
fn task(context: &Context, wait: Wait) -> BoxTask<Result<(), WaitError>> {
    context.runtime().spawn(wait)
}
