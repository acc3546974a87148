//! Sending where descriptors have run out.

use std::fs::File;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anynet_sockets::{ConnectedUnixDatagram, UnixDatagram};
use anynet_tokio::Tokio;
use tokio::runtime::{Builder, Handle};
use tokio::time::sleep;

/// In a process of its own, for the limit is the process's.
#[test]
fn without_descriptors_to_spare_senders_wait_for_room_all_the_same() {
    const CHILD: &str = "ANYNET_WITHOUT_DESCRIPTORS";
    if std::env::var_os(CHILD).is_some() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(send_without_descriptors());
    }
    let script =
        "ulimit -n 32; exec \"$0\" --exact without_descriptors_to_spare_senders_wait_for_room_all_the_same";
    let child = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .env(CHILD, "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}

async fn send_without_descriptors() {
    let path = std::env::temp_dir().join(format!("anynet-without-{}", std::process::id()));
    let runtime = Tokio::new(Handle::current());
    let receiver = UnixDatagram::bind_on(&runtime, &*path).await.unwrap();
    let sender = Arc::new(ConnectedUnixDatagram::connect_on(&runtime, &*path).await.unwrap());
    let mut open: Vec<File> = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        open.push(file);
    }
    while sender.try_send(b"x").unwrap() {}
    // One of them at most finds the room that a receive makes; the others would have to wait a second time.
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let sender = sender.clone();
            tokio::spawn(async move { sender.send(b"y").await })
        })
        .collect();
    while !senders.iter().all(tokio::task::JoinHandle::is_finished) {
        sleep(Duration::from_millis(2)).await;
        receiver.try_receive(&mut [0]).unwrap();
    }
    for sender in senders {
        sender.await.unwrap().unwrap();
    }
    assert!(
        UnixDatagram::unbound_on(&runtime).is_err(),
        "there was none to spare"
    );
}
