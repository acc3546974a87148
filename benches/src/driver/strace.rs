//! System calls, as strace sees them.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use anynet_benches::work::{Candidate, Ends, Figures, Work};

use crate::Result;
use crate::flavour::{Flavour, output};

/// How many operations the shorter of two runs does; the longer one does three times as many.
const OPS: u64 = 300;

/// System calls of one operation.
#[derive(Default)]
pub(crate) struct Calls {
    /// By whom and what, as in `client recvfrom` and `epoll_wait`.
    pub(crate) by_name: BTreeMap<String, f64>,
    /// Those that were made in vain: there was nothing to do yet (`EAGAIN`).
    pub(crate) in_vain: f64,
}

impl Calls {
    pub(crate) fn total(&self) -> f64 {
        self.by_name.values().sum()
    }

    pub(crate) fn of(&self, name: &str) -> f64 {
        self.by_name.get(name).copied().unwrap_or_default()
    }
}

/// The calls of one operation: the difference of two runs, so that what happens once does not count.
pub(crate) fn per_operation(flavour: &Flavour, candidate: Candidate, work: Work) -> Result<Calls> {
    let ops = work.instead_of(OPS);
    let short = traced(flavour, candidate, work, ops)?;
    let long = traced(flavour, candidate, work, 3 * ops)?;
    let ops = (2 * ops) as f64;
    let mut calls = Calls {
        by_name: BTreeMap::new(),
        in_vain: (long.in_vain - short.in_vain) / ops,
    };
    for (name, count) in &long.by_name {
        calls.by_name.insert(name.clone(), (count - short.of(name)) / ops);
    }
    // What happens once, or once in a long while.
    calls.by_name.retain(|_, count| count.abs() > 0.005);
    Ok(calls)
}

fn traced(flavour: &Flavour, candidate: Candidate, work: Work, ops: u64) -> Result<Calls> {
    let trace = std::env::temp_dir().join(format!("anynet-benches-{}.strace", std::process::id()));
    let mut command = Command::new("strace");
    command
        .args(["--follow-forks", "--signal=none", "--output"])
        .arg(&trace)
        .arg("--")
        .args(flavour.command_line(candidate, work, ops)?);
    let ran = output(command);
    let text = fs::read_to_string(&trace);
    let _ = fs::remove_file(&trace);
    let figures: Figures = ran?.0.parse()?;
    Ok(count(&text?, figures.ends))
}

/// Counts the lines of a trace. A call that another thread interrupts takes two: one ends in `<unfinished ...>`, the
/// other begins with `<... name resumed>` and has the result.
fn count(trace: &str, ends: Option<Ends>) -> Calls {
    let mut calls = Calls::default();
    for line in trace.lines() {
        let Some((_thread, call)) = line.split_once(' ') else {
            continue;
        };
        if call.contains("= -1 EAGAIN") {
            calls.in_vain += 1.0;
        }
        if let Some((name, arguments)) = call.trim_start().split_once('(')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            let name = format!("{}{name}", side(arguments, ends));
            *calls.by_name.entry(name).or_default() += 1.0;
        }
    }
    calls
}

/// Whose descriptor a call is about.
fn side(arguments: &str, ends: Option<Ends>) -> &'static str {
    let end = arguments.find([',', ')']).unwrap_or(arguments.len());
    match (arguments[..end].parse::<i32>(), ends) {
        (Ok(fd), Some(ends)) if fd == ends.client => "client ",
        (Ok(fd), Some(ends)) if fd == ends.server => "server ",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_side_and_name() {
        let trace = "\
7 recvfrom(9, 0x1, 4096, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)
7  recvfrom(9, \"x\", 4096, 0, NULL, NULL) = 64
8 epoll_wait(3,  <unfinished ...>
7 sendto(10, \"(=\", 64, MSG_NOSIGNAL, NULL, 0) = 64
8 <... epoll_wait resumed>[{events=EPOLLIN}], 1024, -1) = 1
7 +++ exited with 0 +++
";
        let ends = "0 0 9 10 0".parse::<Figures>().unwrap().ends;
        let calls = count(trace, ends);
        assert_eq!(calls.of("client recvfrom"), 2.0);
        assert_eq!(calls.of("server sendto"), 1.0);
        assert_eq!(calls.of("epoll_wait"), 1.0);
        assert_eq!((calls.total(), calls.in_vain), (4.0, 1.0));
    }
}
