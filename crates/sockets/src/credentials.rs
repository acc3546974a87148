//! Who is at the other end of a UNIX socket.

use std::io;
use std::os::fd::AsFd;

use anynet_core::PeerCredentials;

/// `SO_PEERCRED`: unix(7). Not by rustix, whose type has no room for a process that has no number here.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn of_peer(fd: impl AsFd) -> io::Result<PeerCredentials> {
    // A `struct ucred`: three 32-bit numbers, without padding.
    let mut peer = [0; size_of::<libc::ucred>()];
    crate::sys::option::get(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, &mut peer)?;
    let number = |index: usize| {
        let bytes = peer.as_chunks().0.get(index).copied();
        bytes.map_or(0, u32::from_ne_bytes)
    };
    let (pid, uid, gid) = (number(0), number(1), number(2));
    if uid == u32::MAX {
        return Err(nobody());
    }
    Ok(PeerCredentials::new(Some(pid).filter(|pid| *pid != 0), uid, gid))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn of_peer(_fd: impl AsFd) -> io::Result<PeerCredentials> {
    Err(nobody())
}

/// The system says "nobody", which is no user: a datagram socket that connected to an address.
fn nobody() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "the system does not know who is at the other end",
    )
}
