//! Waiting for what the system gives no sign of.

use std::io;
use std::time::Duration;

use anynet_core::Executor;

/// Waits for `duration`, before the caller asks again.
///
/// # Errors
///
/// If the runtime is gone: its sleeps are over at once then, and who goes on asking would never end.
pub(super) async fn pause(executor: &impl Executor, duration: Duration) -> io::Result<()> {
    let begun = executor.now();
    executor.sleep(duration).await;
    if executor.now().saturating_duration_since(begun) < duration / 2 {
        return Err(io::Error::other("the runtime was shut down"));
    }
    Ok(())
}
