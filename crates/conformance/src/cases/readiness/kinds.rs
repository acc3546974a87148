//! What can be waited for, and what waiting does to it: nothing.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::net::UdpSocket;
use std::os::fd::AsFd;

use anynet_core::{ByteReceiveStreamExt, ByteSendStreamExt, ReceiveError, SendError, WaitError};
use rustix::fs::{Mode, OFlags, fcntl_getfl, open};
use rustix::io::ioctl_fionbio;

use super::pair;
use crate::case::{NotApplicable, Outcome, cases};
use crate::{Context, Suite};

cases![
    both_ends_of_a_pipe_can_be_waited_for,
    an_end_and_a_peer_that_is_gone_are_ready,
    an_error_wakes_a_reader,
    eventfds_timerfds_and_inotify_can_be_waited_for,
    a_regular_file_is_unsupported,
    the_mode_of_a_descriptor_is_left_alone,
    nothing_keeps_a_file_open_after_the_wait,
    a_dropped_stream_over_a_pipe_closes_its_descriptor,
    streams_over_pipes_keep_the_one_way_contract,
];

/// A pipe whose writer has filled it.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = pipe().expect("a pipe");
    ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[0; 4096]).is_ok() {}
    (reader, writer)
}

async fn both_ends_of_a_pipe_can_be_waited_for(context: Context) {
    let (mut reader, mut writer) = full_pipe();
    let mut write = context.wait_writable(&writer);
    context.assert_waits(&mut write).await;
    context.within(context.wait_readable(&reader)).await.unwrap();
    ioctl_fionbio(&reader, true).unwrap();
    while reader.read(&mut [0; 4096]).is_ok() {}
    context.within(write).await.unwrap();
    let mut read = context.wait_readable(&reader);
    context.assert_waits(&mut read).await;
    writer.write_all(b"x").unwrap();
    context.within(read).await.unwrap();
}

async fn an_end_and_a_peer_that_is_gone_are_ready(context: Context) {
    let (reader, writer) = pipe().unwrap();
    let mut read = context.wait_readable(&reader);
    context.assert_waits(&mut read).await;
    drop(writer);
    context.within(read).await.unwrap();

    let (reader, writer) = full_pipe();
    let mut write = context.wait_writable(&writer);
    context.assert_waits(&mut write).await;
    drop(reader);
    context.within(write).await.unwrap();

    let (ours, theirs) = pair();
    let mut read = context.wait_readable(&ours);
    context.assert_waits(&mut read).await;
    theirs.shutdown(std::net::Shutdown::Write).unwrap();
    context.within(read).await.unwrap();
}

async fn an_error_wakes_a_reader(context: Context) {
    let socket = UdpSocket::bind(context.loopback).unwrap();
    let nobody = UdpSocket::bind(context.loopback).unwrap().local_addr().unwrap();
    socket.connect(nobody).unwrap();
    let mut read = context.wait_readable(&socket);
    context.assert_waits(&mut read).await;
    socket.send(b"x").unwrap(); // and the answer is that nobody is there
    context.within(read).await.unwrap();
    socket.set_nonblocking(true).unwrap();
    let received = socket.recv(&mut [0; 8]);
    assert!(
        received.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused),
        "that was what there was to read"
    );
}

#[cfg(target_os = "linux")]
async fn eventfds_timerfds_and_inotify_can_be_waited_for(context: Context) -> Outcome {
    use rustix::event::{EventfdFlags, eventfd};
    use rustix::fs::inotify;
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    let counter = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let mut wait = context.wait_readable(&counter);
    context.assert_waits(&mut wait).await;
    rustix::io::write(&counter, &1_u64.to_ne_bytes()).unwrap();
    context.within(wait).await.unwrap();
    context.within(context.wait_writable(&counter)).await.unwrap();

    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).unwrap();
    let mut wait = context.wait_readable(&timer);
    context.assert_waits(&mut wait).await;
    let (never, soon) = (
        Timespec::default(),
        Timespec {
            tv_sec: 0,
            tv_nsec: 1,
        },
    );
    let once = Itimerspec {
        it_interval: never,
        it_value: soon,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once).unwrap();
    context.within(wait).await.unwrap();

    let changes = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    let folder = std::env::temp_dir().join(format!("anynet-{}-{:p}", std::process::id(), &raw const changes));
    std::fs::create_dir(&folder).unwrap();
    inotify::add_watch(&changes, &folder, inotify::WatchFlags::CREATE).unwrap();
    let mut wait = context.wait_readable(&changes);
    context.assert_waits(&mut wait).await;
    File::create(folder.join("new")).unwrap();
    context.within(wait).await.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    Ok(())
}

#[cfg(not(target_os = "linux"))]
async fn eventfds_timerfds_and_inotify_can_be_waited_for(_: Context) -> Outcome {
    Err(NotApplicable("Linux has these"))
}

async fn a_regular_file_is_unsupported(context: Context) -> Outcome {
    if !cfg!(any(target_os = "linux", target_os = "android")) {
        return Err(NotApplicable("kqueue has readiness for files too"));
    }
    let file = File::open(std::env::current_exe().unwrap()).unwrap();
    let folder = File::open("/").unwrap();
    let path = open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let null = File::open("/dev/null").unwrap();
    for fd in [file.as_fd(), folder.as_fd(), path.as_fd(), null.as_fd()] {
        for wait in [context.wait_readable(fd), context.wait_writable(fd)] {
            let waited = context.within(wait).await;
            assert!(matches!(waited, Err(WaitError::Unsupported(_))), "{waited:?}");
        }
    }
    Ok(())
}

async fn the_mode_of_a_descriptor_is_left_alone(context: Context) {
    for nonblocking in [false, true] {
        let (ours, mut theirs) = pair();
        ours.set_nonblocking(nonblocking).unwrap();
        let mode = || fcntl_getfl(&ours).unwrap();
        let before = mode();
        let mut wait = context.wait_readable(&ours);
        context.assert_waits(&mut wait).await;
        assert_eq!(mode(), before);
        theirs.write_all(b"x").unwrap();
        context.within(wait).await.unwrap();
        assert_eq!(mode(), before);
        drop(context.wait_writable(&ours));
        assert_eq!(mode(), before);
    }
}

async fn nothing_keeps_a_file_open_after_the_wait(context: Context) {
    // Over, though not dropped.
    let (ours, mut theirs) = pair();
    let mut over = context.wait_writable(&ours);
    context.within(&mut over).await.unwrap();
    drop(ours);
    theirs.set_nonblocking(true).unwrap();
    assert_eq!(theirs.read(&mut [0; 8]).expect("the end"), 0);
    drop(over);

    // Given up.
    let (ours, mut theirs) = pair();
    let mut wait = context.wait_readable(&ours);
    context.assert_waits(&mut wait).await;
    drop(wait);
    drop(ours);
    theirs.set_nonblocking(true).unwrap();
    assert_eq!(theirs.read(&mut [0; 8]).expect("the end"), 0);
}

async fn a_dropped_stream_over_a_pipe_closes_its_descriptor(context: Context) {
    let (send, mut receive) = crate::pipe::pipe(context.runtime());
    let mut buf = [0; 8];
    let mut receiving = receive.receive(&mut buf);
    context.assert_waits(&mut receiving).await;
    drop(send);
    let received = context.within(receiving).await;
    assert!(matches!(received, Err(ReceiveError::EndOfStream)), "{received:?}");

    let (mut send, mut receive) = crate::pipe::pipe(context.runtime());
    context.assert_waits(&mut receive.receive(&mut buf)).await;
    drop(receive);
    let sent = context.within(send.send(b"x")).await;
    assert!(matches!(sent, Err(SendError::Broken(_))), "{sent:?}");
}

async fn streams_over_pipes_keep_the_one_way_contract(context: Context) {
    let suite = Suite::new(&[context.backend]);
    context.assert_run_on(&suite, &["pipe"], super::super::of_streams());
}
