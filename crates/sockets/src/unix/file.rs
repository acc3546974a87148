//! The file of a UNIX socket: made with its mode, taken over from the dead, removed by its owner only.

use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{self, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anynet_core::{Executor, UnixAddress};
use rustix::fs::{CWD, FileType, FlockOperation, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use socket2::{Socket, Type};

use super::address::to_system;
use super::pause::pause;
use super::socket;

/// How often binding starts over because another process was quicker to replace a stale file.
const ROUNDS: usize = 4;

/// How long a socket that refuses is given to begin to listen before its file counts as stale. Between bind(2) and
/// listen(2) a server refuses too.
const GRACE: Duration = Duration::from_millis(10);

/// How many files may be left where a stale one is to be moved aside.
const MOST_LEFT: usize = 1000;

/// How long another may look for a stale file in the same directory.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is in the way of a UNIX socket at its path. It is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathInUse {
    /// A socket that somebody has bound and still has open, or that may be: it could not be asked.
    Live,
    /// A file that is no socket.
    NotASocket,
    /// A file, which was not looked at: somebody holds the lock of its directory (flock(2)), under which stale files are
    /// removed.
    Locked,
}

impl fmt::Display for PathInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "the path belongs to a socket that is in use",
            Self::NotASocket => "the path belongs to a file that is no socket",
            Self::Locked => "the path is taken, and its directory is locked by somebody else",
        })
    }
}

impl Error for PathInUse {}

impl From<PathInUse> for io::Error {
    fn from(error: PathInUse) -> Self {
        let kind = match error {
            PathInUse::Live | PathInUse::Locked => io::ErrorKind::AddrInUse,
            PathInUse::NotASocket => io::ErrorKind::AlreadyExists,
        };
        Self::new(kind, error)
    }
}

/// How the file of a socket is made and kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileRules {
    /// Its permissions; what the process's mask leaves of all, if none are given.
    pub(crate) mode: Option<u32>,
    /// Whether it stays when the socket goes.
    pub(crate) keep: bool,
}

/// The file of a socket that we bound. Dropping this removes it, if it is still the one that we made.
///
/// Dropped before the descriptor is closed: while the socket is open nobody takes its file for a stale one, and its inode
/// cannot become another file's.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: Identity,
    kept: bool,
}

impl SocketFile {
    /// Lets go of the file without removing it: the socket lives on elsewhere.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let ours = |found: &Stat| Identity::of(found) == self.identity;
        if !self.kept && rustix::fs::lstat(&self.path).as_ref().is_ok_and(ours) {
            let _ = rustix::fs::unlink(&self.path); // nobody is left to tell; a file that stays is replaced
        }
    }
}

/// Which file it is, whatever its name.
#[derive(Debug, PartialEq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

/// Binds `socket` to `address`. Where that is a path, a stale file is replaced, and what comes back is to be kept with
/// the socket.
pub(crate) async fn bind(
    executor: &impl Executor,
    socket: &Socket,
    address: &UnixAddress,
    rules: FileRules,
) -> io::Result<Option<Box<SocketFile>>> {
    let to = to_system(address)?;
    let Some(path) = address.path() else {
        rustix::net::bind(socket, &to)?;
        return Ok(None);
    };
    if let Some(mode) = rules.mode {
        // The file gets the mode of the socket's own inode, less the process's mask: so it never has more.
        rustix::fs::fchmod(socket, Mode::from_raw_mode(mode))?;
    }
    let absolute = path::absolute(path)?; // the process may change its directory meanwhile
    let mut lock = None;
    for _ in 0..ROUNDS {
        match rustix::net::bind(socket, &to) {
            Ok(()) => return bound(path, absolute, rules),
            Err(Errno::ADDRINUSE) => {}
            Err(errno) => return Err(errno.into()),
        }
        if lock.is_none() {
            lock = Some(lock_directory(executor, path).await?);
        }
        remove_stale(executor, path, address, socket.r#type()?).await?;
    }
    Err(PathInUse::Live.into())
}

/// Keeps others from looking for stale files where `path` is, until what comes back is dropped: of two that find the same
/// one, the second would take the first's new file away. `None` where the directory may not be read, and so not be locked.
async fn lock_directory(executor: &impl Executor, path: &Path) -> io::Result<Option<OwnedFd>> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = match rustix::fs::open(directory, flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(Errno::ACCESS) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let until = executor.now() + PATIENCE;
    loop {
        match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Some(directory)),
            Err(Errno::AGAIN) if executor.now() < until => pause(executor, GRACE).await?,
            Err(Errno::AGAIN) => return Err(PathInUse::Locked.into()),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// The file at `path` that `bind` has just made. It goes if this fails.
fn bound(path: &Path, absolute: PathBuf, rules: FileRules) -> io::Result<Option<Box<SocketFile>>> {
    let file = Box::new(SocketFile {
        path: absolute,
        identity: Identity::of(&rustix::fs::lstat(path)?),
        kept: false,
    });
    if let Some(mode) = rules.mode {
        Pinned::open(path)?.add_permissions(mode)?;
    }
    if rules.keep {
        file.keep();
        return Ok(None);
    }
    Ok(Some(file))
}

/// Removes the file at `path` if it is a socket that nobody has any more.
async fn remove_stale(
    executor: &impl Executor,
    path: &Path,
    address: &UnixAddress,
    kind: Type,
) -> io::Result<()> {
    let file = match Pinned::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if FileType::from_raw_mode(file.stat.st_mode) != FileType::Socket {
        return Err(PathInUse::NotASocket.into());
    }
    for grace in [GRACE, Duration::ZERO] {
        match rustix::net::connect(&socket::new(kind)?, &to_system(address)?) {
            Err(Errno::CONNREFUSED) => pause(executor, grace).await?,
            Err(Errno::NOENT) => return Ok(()),
            // It answered. So does one of another type (`EPROTOTYPE`), and one whose queue is full (`EAGAIN`). One that may
            // not be asked (`EACCES`) may be alive.
            _ => return Err(PathInUse::Live.into()),
        }
    }
    file.remove(path)
}

/// A file, held by a descriptor so that no other file can get its inode.
struct Pinned {
    fd: OwnedFd,
    stat: Stat,
}

impl Pinned {
    fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&fd)?;
        Ok(Self { fd, stat })
    }

    /// Adds what the process's mask has taken from `mode`. By descriptor: another file may have the path by now.
    fn add_permissions(&self, mode: u32) -> io::Result<()> {
        if mode & !self.stat.st_mode & 0o7777 != 0 {
            let path = format!("/proc/self/fd/{}", self.fd.as_fd().as_raw_fd());
            rustix::fs::chmod(path, Mode::from_raw_mode(mode))?;
        }
        Ok(())
    }

    /// Removes the file, but no other that has its path by now: it is moved away, looked at, and put back if it is another.
    fn remove(&self, path: &Path) -> io::Result<()> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut left = 0;
        let aside = loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let aside = path.with_file_name(format!(".stale-{}-{count}", std::process::id()));
            match rustix::fs::renameat_with(CWD, path, CWD, &aside, RenameFlags::NOREPLACE) {
                Ok(()) => break aside,
                Err(Errno::NOENT) => return Ok(()), // another process was quicker
                // Left by a process that was killed in the midst of this, and had our number: in a container all have 1.
                Err(Errno::EXIST) if left < MOST_LEFT => left += 1,
                Err(errno) => return Err(errno.into()),
            }
        };
        if Identity::of(&rustix::fs::lstat(&aside)?) == Identity::of(&self.stat) {
            return Ok(rustix::fs::unlink(&aside)?);
        }
        match rustix::fs::renameat_with(CWD, &aside, CWD, path, RenameFlags::NOREPLACE) {
            Ok(()) | Err(Errno::EXIST) => Err(PathInUse::Live.into()),
            Err(errno) => Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::net::UnixListener as StdListener;

    use anynet_smol::Smol;
    use futures_lite::future::block_on;

    use crate::UnixListener;

    #[test]
    fn what_a_killed_process_of_our_number_left_is_not_in_the_way() {
        let directory = std::env::temp_dir().join(format!("anynet-left-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        for count in 0..20 {
            let left = directory.join(format!(".stale-{}-{count}", std::process::id()));
            fs::write(left, "").unwrap();
        }
        let path = directory.join("socket");
        drop(StdListener::bind(&path).unwrap()); // leaves its file
        let bound = block_on(UnixListener::<Smol>::bind(&path).into_future());
        drop(bound.unwrap());
        assert!(!path.exists());
        fs::remove_dir_all(&directory).unwrap();
    }
}
