//! An error with its causes in one line.

use std::error::Error;
use std::fmt;

/// Writes an error that prints only its own level, which `own` writes; where the format is `{:#}`, its causes behind it:
/// `cannot connect to 127.0.0.1:80: Connection refused (os error 111)`.
///
/// For the `Display` of an error, in crates that keep the same custom.
///
/// # Errors
///
/// Those of the formatter.
pub fn fmt_with_causes<E: Error + ?Sized>(
    error: &E,
    f: &mut fmt::Formatter<'_>,
    own: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    own(f)?;
    if !f.alternate() {
        return Ok(());
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(f, ": {error}")?;
        cause = error.source();
    }
    Ok(())
}
