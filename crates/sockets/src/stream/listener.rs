//! Listening for connections, of any kind of stream socket.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::pin;

use anynet_core::{
    AcceptError, Attributes, Closer, Direction, Listener, Request, Result, Runtime, Source, Step,
};
use anynet_util::{Serve, serve};
use rustix::io::Errno;

use super::StreamSocket;
use super::reserve::{Reserve, taking};
use crate::kind::{Kind, KindAddress};
use crate::link::Link;
use crate::options::live_option_methods;
use crate::shared::{Ends, Shared};
use crate::socket;
use crate::unix::SocketFile;

/// Accepts connections of the kind `K` on the runtime `R`: a [`TcpListener`](crate::TcpListener) or a
/// [`UnixListener`](crate::UnixListener).
///
/// Any number of tasks may accept on one listener. Dropping it, or [`close`](Self::close), stops the listening and
/// frees the address; a [`Closer`] closes it from another task.
pub struct StreamListener<R: Runtime, K: Kind> {
    pub(super) link: Link<R, K>,
    reserve: Reserve,
}

crate::link::debug_by_link!(StreamListener);

impl<R: Runtime, K: Kind> StreamListener<R, K> {
    /// Registers a descriptor that is known to be listening, non-blocking and close-on-exec, and to have bound `file`.
    pub(crate) fn from_listening(runtime: R, fd: OwnedFd, file: Option<Box<SocketFile>>) -> io::Result<Self> {
        let local = socket::local_address(&fd)?;
        let source = runtime.register(fd)?;
        let ends = Ends::new(runtime, Some(local), None);
        Ok(Self::from_link(Link::with_file(source, ends, file)))
    }

    pub(super) fn from_link(link: Link<R, K>) -> Self {
        Self {
            link,
            reserve: Reserve::new(),
        }
    }

    live_option_methods!();

    /// Waits for the next connection. Cancel-safe: a connection is never taken and lost.
    ///
    /// When no descriptor is left for the client that waits, it is told by a close, and with it whoever waits behind it,
    /// up to 64 ([`AcceptError::TurnedAway`]): the listener keeps one descriptor in reserve, in whose place it accepts
    /// them. Where it has none it leaves them in the queue ([`AcceptError::Exhausted`]), and the first descriptor that comes
    /// free is the reserve's: whoever was accepted with it is told, too.
    ///
    /// # Errors
    ///
    /// [`AcceptError`] says which of them end the listener and which do not.
    pub async fn accept(&self) -> Result<StreamSocket<R, K>, AcceptError> {
        accept(&self.link, &self.reserve, accepted).await
    }

    /// Accepts connections and runs `handler` on each, in a task of its own; see [`anynet_util::serve()`].
    ///
    /// Structured: dropping what it returns cancels the connections. A handler that fails or panics is reported to
    /// [`on_error`](Serve::on_error) and harms neither its siblings nor the loop.
    pub fn serve<H, F>(&self, handler: H) -> Serve<'_, Self, H>
    where
        H: Fn(StreamSocket<R, K>) -> F,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        serve(self, handler)
    }

    /// Stops listening and frees the address. Connections that wait to be accepted are reset by the system.
    pub fn close(&mut self) {
        self.link.close();
        self.reserve.release();
    }

    /// What closes this listener from another task. The address is free once the listener is dropped.
    pub fn closer(&self) -> Closer {
        self.link.closer()
    }

    /// The address that it listens on. Known after a close.
    pub fn local_address(&self) -> K::Address {
        self.link.local()
    }

    /// The runtime that the listener is on.
    pub fn runtime(&self) -> &R {
        &self.link.ends().runtime
    }
}

/// Waits for the next connection of a listener of any kind, and has `accepted` make something of it.
pub(crate) async fn accept<R: Runtime, K: Kind, S>(
    link: &Link<R, K>,
    reserve: &Reserve,
    accepted: impl FnOnce(&Shared<R, K>, OwnedFd, K::Address) -> io::Result<S>,
) -> Result<S, AcceptError> {
    let Some(shared) = link.open() else {
        return Err(AcceptError::Closed);
    };
    if let Some(cause) = shared.latch.broken() {
        return Err(AcceptError::Broken(cause));
    }
    let accept = pin!(accept_or_tell(shared, reserve));
    match shared.bell.unless_closed(&shared.latch, accept).await {
        Some(Ok((fd, peer))) => {
            // On an error it was taken, and is closed with its descriptor.
            accepted(shared, fd, peer).map_err(|error| failed(shared, error, |_| 1))
        }
        Some(Err(error)) => Err(error),
        None => Err(AcceptError::Closed),
    }
}

/// Takes a connection. When no descriptor is left for it, whoever waits is told.
async fn accept_or_tell<R: Runtime, K: Kind>(
    shared: &Shared<R, K>,
    reserve: &Reserve,
) -> Result<(OwnedFd, K::Address), AcceptError> {
    let turn_away = |errno| match errno {
        Errno::MFILE | Errno::NFILE => {
            let fd = shared.source.as_fd();
            reserve.turn_away(|| socket::accept::<K::Address>(fd).map(drop))
        }
        _ => 0, // a descriptor does not help
    };
    loop {
        let accept = |fd: BorrowedFd<'_>| taking(|| socket::accept(fd)).map(Step::Done);
        let error = match shared.source.io(Direction::Read, accept).await {
            Ok(accepted) => match reserve.replenish() {
                Ok(()) => return Ok(accepted),
                Err(error) => {
                    drop(accepted); // it has the place that the reserve needs
                    let _ = reserve.replenish();
                    return Err(failed(shared, error, |_| 1));
                }
            },
            Err(error) => error,
        };
        let somebody_waits = || socket::ready(shared.source.as_fd(), Direction::Read).is_ok();
        if classify(Errno::from_io_error(&error)) != Fault::Capacity || somebody_waits() {
            return Err(failed(shared, error, turn_away));
        }
        // Linux takes a descriptor first and looks for a client then. Nobody waits, so nobody is to be told.
        let arrival = |fd: BorrowedFd<'_>| socket::ready(fd, Direction::Read).map(Step::Done);
        if let Err(error) = shared.source.io(Direction::Read, arrival).await {
            return Err(failed(shared, error, turn_away));
        }
    }
}

/// Makes a stream of what was accepted. IPv4 peers of an IPv6 listener are reported as what they are.
fn accepted<R: Runtime, K: Kind>(
    listener: &Shared<R, K>,
    fd: OwnedFd,
    peer: K::Address,
) -> io::Result<StreamSocket<R, K>> {
    let reported = peer.canonical();
    // A listener on one address accepts on that address; only a wildcard has to ask.
    let local = if reported == peer {
        Some(listener.local()).filter(|local| !local.is_wildcard())
    } else {
        socket::local_address(&fd)
            .ok()
            .map(|local: K::Address| local.canonical())
    };
    let runtime = listener.ends.runtime.clone();
    StreamSocket::from_connected(runtime, fd, local, reported, true)
}

/// What an accept says about an error. `turn_away` tells clients that capacity is short, and says how many.
fn failed<R: Runtime, K: Kind>(
    listener: &Shared<R, K>,
    error: io::Error,
    turn_away: impl FnOnce(Errno) -> usize,
) -> AcceptError {
    let errno = Errno::from_io_error(&error);
    match (classify(errno), errno) {
        (Fault::Capacity, Some(errno)) => {
            let clients = turn_away(errno);
            let cause = error.into();
            match clients {
                0 => AcceptError::Exhausted(cause),
                _ => AcceptError::TurnedAway { clients, cause },
            }
        }
        (Fault::Connection, _) => AcceptError::Connection(error.into()),
        _ => AcceptError::Broken(listener.latch.break_with(error.into())),
    }
}

/// Whose fault a failed accept is.
#[derive(Debug, PartialEq)]
enum Fault {
    Listener,
    Capacity,
    Connection,
}

/// On Linux accept(2) passes on what befell the connection that it was about to give, whatever that was. So what is not
/// known to be about the listener is not the end of it.
fn classify(errno: Option<Errno>) -> Fault {
    match errno {
        // Not a system call's error: the runtime is gone.
        None => Fault::Listener,
        Some(Errno::BADF | Errno::NOTSOCK | Errno::INVAL | Errno::FAULT | Errno::OPNOTSUPP) => {
            Fault::Listener
        }
        // Too many descriptors, here or in the system; too many watches in the reactor; no memory.
        Some(Errno::MFILE | Errno::NFILE | Errno::NOSPC | Errno::NOBUFS | Errno::NOMEM) => Fault::Capacity,
        Some(_) => Fault::Connection,
    }
}

impl<R: Runtime, K: Kind> Listener for StreamListener<R, K> {
    type Stream = StreamSocket<R, K>;
    type Executor = R;

    fn executor(&self) -> &R {
        self.runtime()
    }

    async fn accept(&self) -> Result<StreamSocket<R, K>, AcceptError> {
        StreamListener::accept(self).await
    }
}

/// Answers its local address, the family, the raw socket and a [`Closer`].
impl<R: Runtime, K: Kind> Attributes for StreamListener<R, K> {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        self.link.facts(request);
        request.provide(|| self.link.closer());
    }
}

/// The descriptor; after a close, a value that every system call answers with `EBADF`.
impl<R: Runtime, K: Kind> AsFd for StreamListener<R, K> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_about_the_listener_ends_it() {
        let per_connection = [
            Errno::CONNABORTED,
            Errno::PROTO,
            Errno::PERM,
            Errno::NETDOWN,
            Errno::HOSTUNREACH,
            Errno::TIMEDOUT,
            Errno::CONNRESET,
        ];
        for errno in per_connection {
            assert_eq!(classify(Some(errno)), Fault::Connection, "{errno:?}");
        }
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(classify(Some(errno)), Fault::Capacity, "{errno:?}");
        }
        for errno in [Errno::BADF, Errno::NOTSOCK, Errno::INVAL] {
            assert_eq!(classify(Some(errno)), Fault::Listener, "{errno:?}");
        }
        assert_eq!(classify(None), Fault::Listener);
    }
}
