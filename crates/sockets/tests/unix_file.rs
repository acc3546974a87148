//! The file of a UNIX listener where descriptors have run out.

use std::fs::File;
use std::process::Command;

use anynet_core::BindError;
use anynet_smol::Smol;
use anynet_sockets::UnixListener;

/// In a process of its own, for the limit is the process's, and so is the mask.
#[test]
fn a_bind_that_fails_without_descriptors_leaves_no_file() {
    const CHILD: &str = "ANYNET_WITHOUT_DESCRIPTORS";
    if std::env::var_os(CHILD).is_some() {
        return anynet_smol::run(bind_without_descriptors()).unwrap();
    }
    let script =
        "umask 77; ulimit -n 24; exec \"$0\" --exact a_bind_that_fails_without_descriptors_leaves_no_file";
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

async fn bind_without_descriptors() {
    const EMFILE: i32 = 24;
    let path = std::env::temp_dir().join(format!("anynet-file-{}", std::process::id()));
    let listener = UnixListener::<Smol>::bind(&*path).await.unwrap(); // the reactor has what it needs
    drop(listener);
    let mut open: Vec<File> = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        open.push(file);
    }
    open.pop(); // for the socket; a mode that the mask forbids needs one more
    let error = UnixListener::<Smol>::bind(&*path).mode(0o666).await.unwrap_err();
    match error {
        BindError::Failed { attempts, .. } => assert_eq!(attempts[0].cause.raw_os_error(), Some(EMFILE)),
        other => panic!("{other:?}"),
    }
    assert!(!path.exists(), "the file of a socket that was not made");
    let listener = UnixListener::<Smol>::bind(&*path).await.unwrap();
    assert!(path.exists());
    drop(listener);
    assert!(!path.exists());
}
