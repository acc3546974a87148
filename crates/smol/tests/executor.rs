//! An executor of one's own is its owner's: what was made with it does not keep it.

use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::Arc;
use std::time::Duration;

use anynet_core::{Executor, ReceiveError};
use anynet_smol::Smol;
use anynet_sockets::UnixStream;
use smol::future::{or, poll_once};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn one_that_is_dropped_takes_its_tasks_and_their_sockets_with_it() {
    let executor = Arc::new(smol::Executor::new());
    let runtime = Smol::with_executor(&executor);
    let (ours, theirs) = StdUnixStream::pair().unwrap();
    let mut theirs = UnixStream::from_fd(runtime.clone(), theirs.into()).unwrap();
    let waits = async move { theirs.receive(&mut [0; 1]).await };
    runtime.spawn(waits).detach();
    while executor.try_tick() {}
    drop(executor);

    let mut ours = UnixStream::from_fd(Smol::new(), ours.into()).unwrap();
    let mut buf = [0; 1];
    let received = async { Some(ours.receive(&mut buf).await) };
    let late = async {
        Smol::new().sleep(LIMIT).await;
        None
    };
    let ended = smol::block_on(or(received, late));
    assert!(matches!(ended, Some(Err(ReceiveError::EndOfStream))), "{ended:?}");
}

#[test]
fn what_is_spawned_when_it_is_gone_is_dropped_and_never_completes() {
    let executor = Arc::new(smol::Executor::new());
    let runtime = Smol::with_executor(&executor);
    assert!(runtime.executor().is_some_and(|own| Arc::ptr_eq(&own, &executor)));
    drop(executor);
    assert!(runtime.executor().is_none());
    let held = Arc::new(());
    let holds = held.clone();
    let task = runtime.spawn(async move { drop(holds) });
    assert_eq!(Arc::strong_count(&held), 1);
    assert!(smol::block_on(poll_once(task)).is_none());
}
