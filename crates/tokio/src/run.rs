//! Running a program on tokio.

use std::io;

use tokio::runtime::{Builder, Handle};

/// Runs `future` to its end on a multi-threaded tokio runtime of its own, with everything enabled.
///
/// When the future is done the runtime is shut down without waiting for tasks that it left behind.
///
/// # Errors
///
/// If the runtime cannot be made, or this is called inside a tokio runtime, which could not be blocked.
///
/// # Panics
///
/// With tokio's own message, if the system refuses a thread.
pub fn run<F: Future>(future: F) -> io::Result<F::Output> {
    if Handle::try_current().is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "a tokio runtime is running on this thread: await the future in it instead",
        ));
    }
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}
