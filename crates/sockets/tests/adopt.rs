//! Adoption where descriptors have run out.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::Command;

use anynet_smol::Smol;
use anynet_sockets::AdoptFault;
use rustix::fs::{OFlags, fcntl_getfl};

/// In a process of its own, for the limit is the process's.
#[test]
fn without_descriptors_to_spare_a_socket_is_not_adopted_and_comes_back() {
    const CHILD: &str = "ANYNET_WITHOUT_DESCRIPTORS";
    if std::env::var_os(CHILD).is_some() {
        return adopt_without_descriptors();
    }
    let script = "ulimit -n 24; exec \"$0\" --exact without_descriptors_to_spare_a_socket_is_not_adopted_and_comes_back";
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

fn adopt_without_descriptors() {
    const EMFILE: i32 = 24;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let number = stream.as_raw_fd();
    let mut open: Vec<File> = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        open.push(file);
    }
    let adopt = |stream| anynet_sockets::TcpStream::from_std(Smol::new(), stream);
    let error = adopt(stream).unwrap_err();
    match error.fault() {
        AdoptFault::Failed(cause) => assert_eq!(cause.raw_os_error(), Some(EMFILE)),
        other => panic!("{other:?}"),
    }
    let stream = TcpStream::from(error.into_fd());
    assert_eq!(stream.as_raw_fd(), number);
    assert!(!fcntl_getfl(&stream).unwrap().contains(OFlags::NONBLOCK));
    open.clear(); // the reactor wants some of its own
    let adopted = adopt(stream).unwrap();
    while let Ok(file) = File::open("/dev/null") {
        open.push(file);
    }
    assert!(adopted.try_clone().is_err(), "there is none for a clone");
    let given = adopted.into_std().unwrap();
    assert_eq!(given.as_raw_fd(), number, "giving it away needs none");
}
