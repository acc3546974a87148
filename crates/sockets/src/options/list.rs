//! The options of a socket that is yet to be made.

use std::fmt;
use std::io;
use std::sync::Arc;

use socket2::Socket;

use super::SocketOption;

/// What to set on a socket before it is bound, connected or listening, in the order given.
///
/// Given to a builder with `options`, as to [`TcpConnect`](crate::TcpConnect::options) and [`TcpBind`](crate::TcpBind::options).
/// The module's documentation has [an example](super).
#[derive(Clone, Default)]
#[must_use = "options do nothing before a socket is made with them"]
pub struct SocketOptions(Vec<Step>);

impl SocketOptions {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `option`; a socket on which it cannot be set is not made.
    pub fn required<T: SocketOption>(self, option: T) -> Self {
        self.then(Step::Required(Arc::new(option)))
    }

    /// Sets `option`, or goes on without it. Reading it back says which it was.
    pub fn best_effort<T: SocketOption>(self, option: T) -> Self {
        self.then(Step::BestEffort(Arc::new(option)))
    }

    /// Calls `hook` with the raw socket; a socket for which it fails is not made, and its error is passed on as it is.
    ///
    /// It is called once for every address that is tried, at this place in the order. It must not block, nor close the
    /// descriptor. The socket is non-blocking, and has to stay so; nor may it have a linger time (`SO_LINGER`), for which a
    /// close would block the thread.
    ///
    /// ```
    /// use anynet_sockets::options::SocketOptions;
    ///
    /// let options = SocketOptions::new().with(|socket| socket.set_out_of_band_inline(true));
    /// # let _ = options;
    /// ```
    pub fn with(self, hook: impl Fn(&Socket) -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.then(Step::Hook(Arc::new(hook)))
    }

    /// Sets the options of `others` after these.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Sets the options on a socket, in their order. Sockets of anynet do this by themselves.
    ///
    /// # Errors
    ///
    /// That of the first required option or hook that failed; those after it are not tried. Of an option it holds an
    /// [`OptionError`](super::OptionError).
    pub fn apply(&self, socket: &Socket) -> io::Result<()> {
        self.0.iter().try_for_each(|step| step.run(socket))
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

impl fmt::Debug for SocketOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

/// Shared, since a builder is cloned with its options.
#[derive(Clone)]
enum Step {
    Required(Arc<dyn Apply>),
    BestEffort(Arc<dyn Apply>),
    Hook(Arc<Hook>),
}

type Hook = dyn Fn(&Socket) -> io::Result<()> + Send + Sync;

impl Step {
    fn run(&self, socket: &Socket) -> io::Result<()> {
        match self {
            Self::Required(option) => option.apply(socket),
            Self::BestEffort(option) => {
                let _ = option.apply(socket);
                Ok(())
            }
            Self::Hook(hook) => hook(socket),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required(option) => f.debug_tuple("Required").field(option).finish(),
            Self::BestEffort(option) => f.debug_tuple("BestEffort").field(option).finish(),
            Self::Hook(_) => f.write_str("Hook"),
        }
    }
}

/// An option of any type: [`SocketOption`] names the type, and so cannot be boxed.
trait Apply: fmt::Debug + Send + Sync {
    fn apply(&self, socket: &Socket) -> io::Result<()>;
}

impl<T: SocketOption> Apply for T {
    fn apply(&self, socket: &Socket) -> io::Result<()> {
        super::set(socket, self)
    }
}
