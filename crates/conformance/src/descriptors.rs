//! What the process has open: a suite that has run once must leave nothing behind when it runs again.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, io};

use libtest_mimic::{Completion, Failed};

/// How long tasks that were cancelled, and threads that end, may take to let go of what they have open.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long nothing must change until it is taken for the rest that it is.
const SETTLED: Duration = Duration::from_millis(200);

/// Runs `round` twice. An error if after the second time other descriptors are open than after the first; what a runtime
/// opens once and keeps was opened in the first.
pub(crate) fn compare_rounds(patience: Duration, mut round: impl FnMut()) -> Result<Completion, Failed> {
    round();
    let Ok(first) = settled(patience) else {
        return Ok(Completion::ignored_with("the system does not tell what is open"));
    };
    round();
    let deadline = Instant::now() + patience;
    loop {
        let second = open()?;
        if second == first {
            return Ok(Completion::Completed);
        }
        if Instant::now() > deadline {
            return Err(difference(&first, &second).into());
        }
        thread::sleep(SETTLED);
    }
}

/// A descriptor's number, and what it links to: a path, or the likes of `socket:[1234]`.
type Open = BTreeSet<(u32, PathBuf)>;

/// What is open once nothing changes any more.
fn settled(patience: Duration) -> io::Result<Open> {
    let deadline = Instant::now() + patience;
    let mut last = open()?;
    loop {
        thread::sleep(SETTLED);
        let now = open()?;
        if now == last || Instant::now() > deadline {
            return Ok(now);
        }
        last = now;
    }
}

fn open() -> io::Result<Open> {
    // All are listed before the first is looked at: the one that lists is closed by then and counts no more.
    let listed: Vec<PathBuf> = fs::read_dir("/proc/self/fd")?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    let with_number =
        |path: PathBuf| Some((path.file_name()?.to_str()?.parse().ok()?, path.read_link().ok()?));
    Ok(listed.into_iter().filter_map(with_number).collect())
}

fn difference(first: &Open, second: &Open) -> String {
    let mut text = "what is open after the second round is not what was after the first".to_owned();
    let opened = second.difference(first).map(|descriptor| ("new", descriptor));
    let closed = first.difference(second).map(|descriptor| ("gone", descriptor));
    for (what, (number, link)) in opened.chain(closed) {
        let _ = write!(text, "\n{what}: {number} -> {}", link.display());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::context::unique_name;

    /// A file that no other test has open, and whose descriptor is known by its path: they share the process.
    struct Scratch(File, PathBuf);

    impl Scratch {
        fn new() -> Self {
            let path = env::temp_dir().join(unique_name());
            Self(File::create(&path).unwrap(), path)
        }

        fn is_told(&self, what: &str, message: &str) -> bool {
            message.contains(&format!(
                "{what}: {} -> {}\n",
                self.0.as_raw_fd(),
                self.1.display()
            ))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.1);
        }
    }

    /// What is told, with a line break at its end too.
    fn message(compared: Result<Completion, Failed>) -> String {
        let failed = compared.err().expect("the rounds differ");
        format!("{}\n", failed.message().unwrap_or_default())
    }

    #[test]
    fn a_descriptor_that_a_round_leaves_open_is_named() {
        let mut kept = Vec::new();
        let message = message(compare_rounds(SETTLED, || kept.push(Scratch::new())));
        assert!(kept[1].is_told("new", &message), "{message}");
        assert!(!kept[0].is_told("new", &message), "{message}");
    }

    #[test]
    fn a_descriptor_that_is_gone_is_named() {
        let mut kept = Some(Scratch::new());
        let (number, path) = kept
            .as_ref()
            .map(|kept| (kept.0.as_raw_fd(), kept.1.clone()))
            .unwrap();
        let mut rounds = 0;
        let compared = compare_rounds(SETTLED, || {
            rounds += 1;
            kept.take_if(|_| rounds == 2);
        });
        let message = message(compared);
        let gone = format!("gone: {number} -> {}\n", path.display());
        assert!(message.contains(&gone), "{message}");
    }
}
