//! Who is at the other end of a UNIX socket.

/// Attribute: the process and the user at the other end of a connected UNIX socket, as they were when it connected, or
/// listened, or made the pair (unix(7), `SO_PEERCRED`: Linux and Android). The system vouches for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PeerCredentials {
    /// The process. `None` where the system does not tell, and where it has no number here (pid_namespaces(7)).
    pub pid: Option<u32>,
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
}

impl PeerCredentials {
    /// The credentials of a process, by their numbers.
    pub fn new(pid: Option<u32>, uid: u32, gid: u32) -> Self {
        Self { pid, uid, gid }
    }
}
