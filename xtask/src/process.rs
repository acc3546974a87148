//! Running other programs and reading along.

use std::io::{self, BufRead, BufReader, Write};
use std::process::Command;

use xshell::Cmd;

use crate::Result;

/// Runs `cmd`, hands every line of its output to `each` and prints those for which it answers `true`.
///
/// Standard output and standard error share one pipe: cargo says on the one which test target comes next, the
/// target answers on the other, and only in their true order do the lines make sense.
pub(crate) fn tee(cmd: Cmd<'_>, mut each: impl FnMut(&str) -> bool) -> Result {
    let shown = cmd.to_string();
    println!("$ {shown}");
    let (reader, writer) = io::pipe()?;
    let mut command = Command::from(cmd);
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    drop(command); // it holds our copies of the writing end, and the reader waits for the last of them

    let mut lines = BufReader::new(reader);
    let mut bytes = Vec::new();
    let mut out = io::stdout().lock();
    while lines.read_until(b'\n', &mut bytes)? != 0 {
        let line = String::from_utf8_lossy(&bytes);
        if each(line.trim_end_matches('\n')) {
            out.write_all(&bytes)?;
            out.flush()?;
        }
        bytes.clear();
    }
    let status = child.wait()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{shown}`: {status}").into())
    }
}
