//! Running a program on smol.

use std::io;

/// Runs `future` to its end on this thread, with smol's global executor for what it spawns.
///
/// Tasks that it left behind go on until the process ends.
///
/// # Errors
///
/// None; the result is that of the other runtimes' `run`.
pub fn run<F: Future>(future: F) -> io::Result<F::Output> {
    Ok(smol::block_on(future))
}
