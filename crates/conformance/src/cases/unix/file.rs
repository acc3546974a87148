//! The files of UNIX listeners.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram as StdDatagram, UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, thread};

use anynet_core::{BindError, BoxRuntime, ConnectError};
use anynet_sockets::{PathInUse, UnixBind, UnixListener, UnixStream};
use rustix::fs::{FlockOperation, flock};
use rustix::process::Uid;
use rustix::thread::set_thread_res_uid;
use socket2::{Domain, Socket, Type};

use crate::Context;
use crate::case::{NotApplicable, Outcome, cases};
use crate::context::{poll_once, unique_name};
use crate::steps::assert_is;

cases![
    a_file_that_a_dead_socket_left_is_replaced,
    a_path_that_somebody_listens_on_is_refused_and_left_alone,
    a_path_whose_listener_has_a_full_queue_is_refused,
    a_path_of_a_socket_of_another_type_is_refused,
    a_file_that_is_no_socket_is_refused_and_left_alone,
    of_many_that_claim_one_path_exactly_one_gets_it,
    a_directory_that_stays_locked_is_an_error_not_a_hang,
    the_file_is_removed_with_the_listener_if_it_is_still_its_own,
    the_file_is_kept_if_asked,
    a_file_removed_while_serving_harms_no_connection,
    the_file_has_the_mode_asked_for_and_never_more,
    a_path_that_may_not_be_written_is_permission_denied,
];

const NO_FILE: NotApplicable = NotApplicable("an abstract name has no file");

async fn a_file_that_a_dead_socket_left_is_replaced(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    drop(StdListener::bind(&path).unwrap());
    assert!(path.exists(), "the standard library leaves it");
    let listener = context.within(bind(&context, &path).into_future()).await.unwrap();
    let connect = UnixStream::connect_on(context.runtime(), listener.local_address());
    context.within(connect.into_future()).await.unwrap();
    assert_eq!(dir.files(), 1, "nothing else is left behind");
    Ok(())
}

async fn a_path_that_somebody_listens_on_is_refused_and_left_alone(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let live = StdListener::bind(&path).unwrap();
    assert_eq!(refusal(&context, &path).await, PathInUse::Live);
    // Its own listener is no exception.
    let own = dir.file();
    let _listener = context.within(bind(&context, &own).into_future()).await.unwrap();
    assert_eq!(refusal(&context, &own).await, PathInUse::Live);
    live.accept().expect("the question whether it is alive");
    let mut client = StdStream::connect(&path).expect("it listens still");
    client.write_all(b"x").unwrap();
    Ok(())
}

async fn a_path_whose_listener_has_a_full_queue_is_refused(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let full = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    full.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    full.listen(0).unwrap();
    let _first = StdStream::connect(&path).unwrap();
    assert_eq!(refusal(&context, &path).await, PathInUse::Live);
    Ok(())
}

async fn a_path_of_a_socket_of_another_type_is_refused(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let datagrams = StdDatagram::bind(&path).unwrap();
    assert_eq!(refusal(&context, &path).await, PathInUse::Live);
    drop(datagrams);
    context.within(bind(&context, &path).into_future()).await.unwrap();
    Ok(())
}

async fn a_file_that_is_no_socket_is_refused_and_left_alone(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let file = dir.file();
    fs::write(&file, "precious").unwrap();
    assert_eq!(refusal(&context, &file).await, PathInUse::NotASocket);
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    let directory = dir.file();
    fs::create_dir(&directory).unwrap();
    assert_eq!(refusal(&context, &directory).await, PathInUse::NotASocket);
    let (link, target) = (dir.file(), dir.file());
    drop(StdListener::bind(&target).unwrap());
    symlink(&target, &link).unwrap();
    assert_eq!(refusal(&context, &link).await, PathInUse::NotASocket);
    assert!(target.exists() && link.is_symlink());
    Ok(())
}

async fn of_many_that_claim_one_path_exactly_one_gets_it(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    for _ in 0..10 {
        let path = dir.file();
        drop(StdListener::bind(&path).unwrap());
        let claims: Vec<_> = (0..8)
            .map(|_| context.spawn(bind(&context, &path).into_future()))
            .collect();
        let mut won = Vec::new();
        for claim in claims {
            match context.within(claim).await {
                Ok(listener) => won.push(listener),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error:?}"),
            }
        }
        assert_eq!(won.len(), 1);
        let connect = UnixStream::connect_on(context.runtime(), path.clone());
        context
            .within(connect.into_future())
            .await
            .expect("the winner has the path");
        drop(won);
        assert_eq!(dir.files(), 0);
    }
    Ok(())
}

async fn a_directory_that_stays_locked_is_an_error_not_a_hang(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    drop(StdListener::bind(&path).unwrap());
    let directory = fs::File::open(&dir.0).unwrap();
    flock(&directory, FlockOperation::LockExclusive).unwrap();
    assert_eq!(refusal(&context, &path).await, PathInUse::Locked);
    let mut waiting = bind(&context, &path).into_future();
    context.assert_waits(&mut waiting).await;
    drop(directory);
    context.within(waiting).await.expect("the lock is free");
    Ok(())
}

async fn the_file_is_removed_with_the_listener_if_it_is_still_its_own(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let mut listener = context.within(bind(&context, &path).into_future()).await.unwrap();
    assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    listener.close();
    assert!(!path.exists(), "closed");
    drop(context.within(bind(&context, &path).into_future()).await.unwrap());
    assert!(!path.exists(), "dropped");
    let listener = context.within(bind(&context, &path).into_future()).await.unwrap();
    fs::remove_file(&path).unwrap();
    let successor = StdListener::bind(&path).unwrap();
    drop(listener);
    StdStream::connect(&path).expect("the file of another stays");
    drop(successor);
    Ok(())
}

async fn the_file_is_kept_if_asked(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let kept = bind(&context, &path).keep_file();
    drop(context.within(kept.into_future()).await.unwrap());
    assert!(path.exists());
    Ok(())
}

async fn a_file_removed_while_serving_harms_no_connection(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let listener = context.within(bind(&context, &path).into_future()).await.unwrap();
    let connect = UnixStream::connect_on(context.runtime(), path.clone());
    let mut client = context.within(connect.into_future()).await.unwrap();
    fs::remove_file(&path).unwrap();
    let mut accepted = context.within(listener.accept()).await.unwrap();
    context.assert_talks(&mut client, &mut accepted).await;
    drop(listener);
    context.assert_talks(&mut client, &mut accepted).await;
    Ok(())
}

async fn the_file_has_the_mode_asked_for_and_never_more(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    for mode in [0o600, 0o660, 0o666, 0o777] {
        let path = dir.file();
        let (watched, done) = (path.clone(), Arc::new(AtomicBool::new(false)));
        let told = done.clone();
        let watching = thread::spawn(move || {
            let mut seen = 0;
            while !told.load(Ordering::Relaxed) {
                seen |= fs::symlink_metadata(&watched).map_or(0, |found| found.mode());
            }
            seen & 0o7777
        });
        for _ in 0..50 {
            let bind = bind(&context, &path).mode(mode);
            let listener = context.within(bind.into_future()).await.unwrap();
            let found = fs::symlink_metadata(&path).unwrap().permissions().mode();
            assert_eq!(found & 0o7777, mode, "{found:o}");
            drop(listener);
        }
        done.store(true, Ordering::Relaxed);
        let seen = watching.join().unwrap();
        assert_eq!(seen & !mode, 0, "{seen:o} was seen where {mode:o} was asked for");
    }
    Ok(())
}

async fn a_path_that_may_not_be_written_is_permission_denied(context: Context) -> Outcome {
    let dir = Directory::new(&context)?;
    let path = dir.file();
    let closed = bind(&context, &path).mode(0o600);
    let listener = context.within(closed.into_future()).await.unwrap();
    let connect = UnixStream::connect_on(context.runtime(), path).into_future();
    let mut connect = Box::pin(connect);
    let free = dir.file();
    let mut bind = Box::pin(bind(&context, &free).into_future());
    fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o555)).unwrap();
    // Both are decided by the first call, and so by the thread that polls.
    let (connected, bound) = thread::spawn(move || {
        let nobody = Uid::from_raw(65534);
        let _ = set_thread_res_uid(nobody, nobody, nobody); // fails where we are nobody special already
        (
            poll_once(&mut connect).map_ok(drop),
            poll_once(&mut bind).map_ok(drop),
        )
    })
    .join()
    .unwrap();
    let std::task::Poll::Ready(Err(connected)) = connected else {
        panic!("not decided")
    };
    assert_is!(&connected, ConnectError::Failed { .. });
    assert_eq!(connected.kind(), io::ErrorKind::PermissionDenied);
    let std::task::Poll::Ready(Err(bound)) = bound else {
        panic!("not decided")
    };
    assert_is!(&bound, BindError::Failed { .. });
    assert_eq!(bound.kind(), io::ErrorKind::PermissionDenied);
    fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o755)).unwrap();
    drop(listener);
    Ok(())
}

fn bind(context: &Context, path: &Path) -> UnixBind<BoxRuntime> {
    UnixListener::bind_on(context.runtime(), path)
}

/// What is in the way of a listener on `path`.
async fn refusal(context: &Context, path: &Path) -> PathInUse {
    let error = context.within(bind(context, path).into_future()).await;
    let BindError::Failed { attempts, .. } = error.expect_err("the path is taken") else {
        panic!("an attempt failed")
    };
    assert_eq!(
        attempts[0].address.unix().and_then(|unix| unix.path()),
        Some(path)
    );
    let cause = attempts[0].cause.get_ref().expect("the cause has a source");
    *cause.downcast_ref().expect("the cause is typed")
}

/// A directory of a case's own, which goes with it.
pub(in crate::cases) struct Directory(PathBuf);

impl Directory {
    pub(in crate::cases) fn new(context: &Context) -> Result<Self, NotApplicable> {
        if context.abstract_names {
            return Err(NO_FILE);
        }
        let path = env::temp_dir().join(unique_name());
        fs::create_dir(&path).expect("a directory for temporary files");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Ok(Self(path))
    }

    /// A path in it that nobody has.
    pub(in crate::cases) fn file(&self) -> PathBuf {
        self.0.join(unique_name())
    }

    pub(in crate::cases) fn files(&self) -> usize {
        fs::read_dir(&self.0).expect("it is there").count()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
