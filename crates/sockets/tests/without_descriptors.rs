//! What needs a descriptor where they have run out. Each test runs in a process of its own, for the limit is the process's.

use std::env;
use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::Command;

use anynet_core::BindError;
use anynet_smol::{Smol, run};
use anynet_sockets::{
    AdoptFault, NameError, UnixListener, host_name, interface_index, interface_name, interfaces,
    protocol_number, service_port,
};
use rustix::fs::{OFlags, fcntl_getfl};

const EMFILE: i32 = 24;

#[test]
fn a_socket_is_not_adopted_and_comes_back() {
    without_descriptors("a_socket_is_not_adopted_and_comes_back", || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let number = stream.as_raw_fd();
        let taken = take_all();
        let adopt = |stream| anynet_sockets::TcpStream::from_std(Smol::new(), stream);
        let error = adopt(stream).unwrap_err();
        match error.fault() {
            AdoptFault::Failed(cause) => assert_eq!(cause.raw_os_error(), Some(EMFILE)),
            other => panic!("{other:?}"),
        }
        let stream = TcpStream::from(error.into_fd());
        assert_eq!(stream.as_raw_fd(), number);
        assert!(!fcntl_getfl(&stream).unwrap().contains(OFlags::NONBLOCK));
        drop(taken); // the reactor wants some of its own
        let adopted = adopt(stream).unwrap();
        let _taken = take_all();
        assert!(adopted.try_clone().is_err(), "there is none for a clone");
        let given = adopted.into_std().unwrap();
        assert_eq!(given.as_raw_fd(), number, "giving it away needs none");
    });
}

#[test]
fn a_bind_that_fails_leaves_no_file() {
    without_descriptors("a_bind_that_fails_leaves_no_file", || {
        run(async {
            let path = env::temp_dir().join(format!("anynet-file-{}", std::process::id()));
            let listener = UnixListener::<Smol>::bind(&*path).await.unwrap(); // the reactor has what it needs
            drop(listener);
            let mut taken = take_all();
            taken.pop(); // for the socket; a mode that the mask forbids needs one more
            let error = UnixListener::<Smol>::bind(&*path).mode(0o666).await.unwrap_err();
            match error {
                BindError::Failed { attempts, .. } => {
                    assert_eq!(attempts[0].cause.raw_os_error(), Some(EMFILE));
                }
                other => panic!("{other:?}"),
            }
            assert!(!path.exists(), "the file of a socket that was not made");
            let listener = UnixListener::<Smol>::bind(&*path).await.unwrap();
            assert!(path.exists());
            drop(listener);
            assert!(!path.exists());
        })
        .unwrap();
    });
}

/// A failure to ask is not an answer.
#[test]
fn a_look_up_of_a_number_fails_and_says_so() {
    without_descriptors("a_look_up_of_a_number_fails_and_says_so", || {
        // The library may read its configuration once, and keep what it read.
        let _ = (protocol_number("tcp"), service_port("http", "tcp"));
        let _taken = take_all();
        let list = interfaces().unwrap_err();
        assert_eq!(list.raw_os_error(), Some(EMFILE));
        let failed = |result: Result<(), NameError>| match result.unwrap_err() {
            NameError::Failed { query, cause } => assert_eq!(cause.raw_os_error(), Some(EMFILE), "{query}"),
            other => panic!("{other:?}"),
        };
        failed(interface_index("lo").map(drop));
        failed(interface_name(1).map(drop));
        if fs::exists("/etc/protocols").unwrap() {
            failed(protocol_number("tcp").map(drop));
        }
        if fs::exists("/etc/services").unwrap() {
            failed(service_port("http", "tcp").map(drop));
        }
        assert!(!host_name().is_empty(), "which needs no descriptor");
    });
}

/// Runs `body` in a process that has few descriptors, and that denies others everything in new files. `test` is the one that
/// calls this, which comes here again in that process.
fn without_descriptors(test: &str, body: impl FnOnce()) {
    const CHILD: &str = "ANYNET_WITHOUT_DESCRIPTORS";
    if env::var_os(CHILD).is_some() {
        return body();
    }
    let child = Command::new("sh")
        .args(["-c", "umask 77; ulimit -n 24; exec \"$0\" --exact \"$1\""])
        .arg(env::current_exe().unwrap())
        .arg(test)
        .env(CHILD, "1")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}

/// Every descriptor that is left.
fn take_all() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}
