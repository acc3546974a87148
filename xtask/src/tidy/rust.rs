//! Rules for a source file by itself.

use std::path::Path;

use super::Text;
use super::source::code_only;

/// The only files that may hold `unsafe`.
const UNSAFE: [&str; 2] = ["crates/tokio/src/source.rs", "crates/sockets/src/sys.rs"];

/// How long a file may be without a reason.
const MANY_LINES: usize = 400;

/// Longer files, each with its reason.
const LONG: &[(&str, &str)] = &[];

/// Words for what is not finished, in pieces so that this file does not hold them.
const UNFINISHED: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("db", "g!"),
];

pub(crate) fn complaints(texts: &[Text]) -> Vec<String> {
    let mut complaints = Vec::new();
    for text in texts.iter().filter(|text| text.is("rs")) {
        complaints.extend(leading_doc_line(text));
        complaints.extend(length(text));
        complaints.extend(misplaced_unsafe(text));
    }
    for text in texts
        .iter()
        .filter(|text| ["rs", "toml", "yml", "sh"].iter().any(|end| text.is(end)))
    {
        complaints.extend(unfinished(text));
    }
    complaints.extend(stale_reasons(texts));
    complaints
}

/// Whoever opens a file learns first what it is for. A crate may say it in its README.
fn leading_doc_line(text: &Text) -> Option<String> {
    let starts_well = ["//! ", "#![doc = include_str!("]
        .iter()
        .any(|start| text.text.starts_with(start));
    (!starts_well).then(|| text.complaint(1, "the file does not start with a `//!` line"))
}

fn length(text: &Text) -> Option<String> {
    let lines = text.text.lines().count();
    let excused = LONG.iter().any(|(path, _)| Path::new(path) == text.path);
    (lines > MANY_LINES && !excused).then(|| text.complaint(lines, "the file is too long to be one concept"))
}

fn stale_reasons(texts: &[Text]) -> Vec<String> {
    let needed = |path| {
        texts
            .iter()
            .any(|text| text.path == Path::new(path) && text.text.lines().count() > MANY_LINES)
    };
    let stale = LONG.iter().filter(|(path, _)| !needed(path));
    stale
        .map(|(path, _)| format!("{path}: excused for its length, and does not need it"))
        .collect()
}

fn misplaced_unsafe(text: &Text) -> Vec<String> {
    if UNSAFE.iter().any(|path| Path::new(path) == text.path) {
        return Vec::new();
    }
    let code = code_only(&text.text);
    let found = code.lines().enumerate().filter(|(_, line)| allows_unsafe(line));
    found
        .map(|(at, _)| text.complaint(at + 1, "`unsafe` belongs into two files, and this is neither"))
        .collect()
}

/// Whether a line of code is unsafe, or lifts the ban on it.
fn allows_unsafe(line: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    line.split(|c| !is_word(c)).any(|word| match word {
        "unsafe" => true,
        "unsafe_code" => !line.contains("deny(") && !line.contains("forbid("),
        _ => false,
    })
}

fn unfinished(text: &Text) -> Vec<String> {
    let lines = text.text.lines().enumerate();
    let found =
        lines.filter_map(|(at, line)| Some((at, UNFINISHED.iter().find(|word| line.contains(*word))?)));
    found
        .map(|(at, word)| text.complaint(at + 1, &format!("`{word}`: finish it, or leave it out")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_starts_with_what_it_is_for() {
        assert_eq!(leading_doc_line(&Text::new("a.rs", "//! What.\n")), None);
        assert_eq!(
            leading_doc_line(&Text::new("a.rs", "#![doc = include_str!(\"../README.md\")]\n")),
            None
        );
        assert!(leading_doc_line(&Text::new("a.rs", "// What.\n")).is_some());
        assert!(leading_doc_line(&Text::new("a.rs", "\n//! What.\n")).is_some());
    }

    #[test]
    fn a_file_is_not_too_long() {
        assert_eq!(length(&Text::new("a.rs", &"\n".repeat(MANY_LINES))), None);
        assert!(length(&Text::new("a.rs", &"\n".repeat(MANY_LINES + 1))).is_some());
    }

    #[test]
    fn unsafe_code_is_found_and_words_about_it_are_not() {
        let lines = |source| misplaced_unsafe(&Text::new("a.rs", source)).len();
        assert_eq!(
            lines("fn f() { unsafe { g() } }\nunsafe fn h() {}\nunsafe impl T for S {}"),
            3
        );
        assert_eq!(
            lines("#![allow(unsafe_code)]\n#[expect(unsafe_code, reason = \"why\")]"),
            2
        );
        assert_eq!(
            lines("#![forbid(unsafe_code)]\n// unsafe {\nlet s = \"unsafe {\"; unsafe_ish();"),
            0
        );
    }

    #[test]
    fn unsafe_code_has_its_two_files() {
        assert!(misplaced_unsafe(&Text::new("crates/sockets/src/sys.rs", "unsafe {}")).is_empty());
        assert!(!misplaced_unsafe(&Text::new("crates/sockets/src/tcp/sys.rs", "unsafe {}")).is_empty());
    }

    #[test]
    fn unfinished_work_is_found() {
        for (start, end) in [
            ("to", "do!()"),
            ("// TO", "DO: later"),
            ("db", "g!(x)"),
            ("unimple", "mented!()"),
        ] {
            assert_eq!(
                unfinished(&Text::new("a.rs", &format!("fn f() {{\n{start}{end}\n}}\n"))).len(),
                1
            );
        }
        assert!(unfinished(&Text::new("a.rs", "fn f() { dbg(); }")).is_empty());
    }
}
