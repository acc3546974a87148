//! Both ends of a pipe as streams, by waiting for their readiness: what a stream of one's own asks of anynet.

use std::io::{self, IoSlice};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll, ready};

use anynet_core::{
    Attributes, BoxRuntime, ByteReceiveStream, ByteSendStream, Cause, Close, Closer, Direction, Latch,
    ReceiveError, Request, SendError, WaitError,
};
use anynet_sockets::{Wait, notify_closing_on, wait_readable_on, wait_writable_on};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{ioctl_fionbio, read, retry_on_intr, write};

use crate::ends::CloseReceive;

/// A pipe: the end that bytes go into, and the one that they come out of.
pub(crate) fn pipe(runtime: &BoxRuntime) -> (PipeEnd, PipeEnd) {
    let (reader, writer) = io::pipe().expect("a pipe");
    (
        PipeEnd::new(runtime, writer.into(), Direction::Write),
        PipeEnd::new(runtime, reader.into(), Direction::Read),
    )
}

/// One end of a pipe.
pub(crate) struct PipeEnd {
    shared: Arc<Shared>,
    direction: Direction,
    wait: Option<Wait>,
    /// Whether the end of the stream was sent, or received.
    ended: bool,
}

/// What an end shares with its closers.
struct Shared {
    runtime: BoxRuntime,
    latch: Latch,
    fd: Mutex<Option<OwnedFd>>,
}

impl PipeEnd {
    fn new(runtime: &BoxRuntime, fd: OwnedFd, direction: Direction) -> Self {
        ioctl_fionbio(&fd, true).expect("a pipe can be non-blocking");
        Self {
            shared: Arc::new(Shared {
                runtime: runtime.clone(),
                latch: Latch::new(),
                fd: Mutex::new(Some(fd)),
            }),
            direction,
            wait: None,
            ended: false,
        }
    }

    /// Calls `op` until it does not say "would block", and waits in between. `None`: closed by us.
    fn poll_with<T>(
        &mut self,
        cx: &mut TaskContext<'_>,
        mut op: impl FnMut(BorrowedFd<'_>) -> io::Result<T>,
    ) -> Poll<Option<Result<T, Cause>>> {
        loop {
            if let Some(wait) = &mut self.wait {
                let waited = ready!(Pin::new(wait).poll(cx));
                self.wait = None;
                match waited {
                    Ok(()) => {}
                    Err(WaitError::Closed) => return Poll::Ready(None),
                    Err(error) => return Poll::Ready(Some(Err(self.broken(error.into())))),
                }
            }
            let fd = self.shared.fd();
            let Some(fd) = fd.as_ref() else {
                return Poll::Ready(None);
            };
            match op(fd.as_fd()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wait = Some(match self.direction {
                        Direction::Read => wait_readable_on(&self.shared.runtime, fd),
                        Direction::Write => wait_writable_on(&self.shared.runtime, fd),
                    });
                }
                Err(error) => return Poll::Ready(Some(Err(self.broken(error)))),
                Ok(done) => return Poll::Ready(Some(Ok(done))),
            }
        }
    }

    fn broken(&self, error: io::Error) -> Cause {
        self.shared.latch.break_with(error.into())
    }

    /// Why the state alone refuses to send.
    fn refusal(&self) -> Option<SendError> {
        if self.ended || self.shared.latch.is_closed() {
            Some(SendError::Closed)
        } else {
            self.shared.latch.broken().map(SendError::Broken)
        }
    }
}

/// What a send says about it.
fn sent<T>(result: Option<Result<T, Cause>>) -> Result<T, SendError> {
    result.ok_or(SendError::Closed)?.map_err(SendError::Broken)
}

impl Shared {
    fn fd(&self) -> MutexGuard<'_, Option<OwnedFd>> {
        self.fd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marked, announced, closed: in this order.
    fn end(&self) {
        let fd = self.fd().take();
        if let Some(fd) = fd {
            notify_closing_on(&self.runtime, &fd);
        }
    }
}

impl Close for Shared {
    fn close(self: Arc<Self>) {
        self.latch.close();
        self.end();
    }

    /// A pipe knows no reset.
    fn abort(self: Arc<Self>) {
        self.close();
    }
}

impl Attributes for PipeEnd {
    fn attributes<'a>(&'a self, request: &mut Request<'_, 'a>) {
        request.provide(|| {
            let shared: Arc<dyn Close> = self.shared.clone();
            Closer::new(Arc::downgrade(&shared))
        });
    }
}

impl ByteReceiveStream for PipeEnd {
    fn poll_receive(
        &mut self,
        cx: &mut TaskContext<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<NonZeroUsize, ReceiveError>> {
        if self.shared.latch.is_closed() {
            return Poll::Ready(Err(ReceiveError::Closed));
        }
        if buf.is_empty() {
            return Poll::Ready(Err(ReceiveError::EmptyBuffer));
        }
        if self.ended {
            return Poll::Ready(Err(ReceiveError::EndOfStream));
        }
        let received = ready!(self.poll_with(cx, |fd| Ok(retry_on_intr(|| read(fd, &mut *buf))?)));
        Poll::Ready(match received {
            None => Err(ReceiveError::Closed),
            Some(Err(cause)) => Err(ReceiveError::Broken(cause)),
            Some(Ok(n)) => NonZeroUsize::new(n).ok_or_else(|| {
                self.ended = true;
                ReceiveError::EndOfStream
            }),
        })
    }
}

impl ByteSendStream for PipeEnd {
    fn poll_send(
        &mut self,
        cx: &mut TaskContext<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize, SendError>> {
        if let Some(error) = self.refusal() {
            return Poll::Ready(Err(error));
        }
        let Some(data) = bufs.iter().find(|buf| !buf.is_empty()) else {
            return Poll::Ready(Ok(0));
        };
        self.poll_with(cx, |fd| Ok(retry_on_intr(|| write(fd, data))?))
            .map(sent)
    }

    fn poll_send_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        if let Some(error) = self.refusal() {
            return Poll::Ready(Err(error));
        }
        let is_ready = |fd: BorrowedFd<'_>| {
            let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::OUT)];
            match poll(&mut fds, Some(&Timespec::default()))? {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                _ => Ok(()),
            }
        };
        self.poll_with(cx, is_ready).map(sent)
    }

    fn poll_flush(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        let closed = self.shared.latch.is_closed();
        Poll::Ready(if closed { Err(SendError::Closed) } else { Ok(()) })
    }

    fn poll_send_eof(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        match self.refusal() {
            Some(error) if !self.ended || self.shared.latch.is_closed() => Poll::Ready(Err(error)),
            _ => {
                self.ended = true;
                self.shared.end();
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_close(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        Close::close(self.shared.clone());
        Poll::Ready(Ok(()))
    }
}

impl CloseReceive for PipeEnd {
    fn poll_close(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), SendError>> {
        ByteSendStream::poll_close(self, cx)
    }
}
