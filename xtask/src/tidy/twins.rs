//! The runtime crates are twins: the same files with the same items in the same order, so that a comparison of the
//! two shows nothing but the runtimes.

use super::Text;
use super::items::items;

const TWINS: [&str; 2] = ["crates/tokio/src", "crates/smol/src"];

/// Items that only one of them has: file, item as a complaint words it, reason.
const LONE: &[Lone] = &[
    (
        "executor.rs",
        "impl<T> Drop for _Task<T>",
        "a dropped task of async-task cancels itself, and tokio's detaches",
    ),
    (
        "source.rs",
        "fn yield_once",
        "smol has one, and tokio's needs its scheduler",
    ),
    (
        "source.rs",
        "enum Waiter",
        "async-io waits with a future, which a slot keeps between polls",
    ),
    ("source.rs", "impl Waiter", "as above"),
    ("source.rs", "impl _Slot", "as above"),
];

type Lone = (&'static str, &'static str, &'static str);

pub(crate) fn complaints(texts: &[Text]) -> Vec<String> {
    compare(texts, LONE)
}

fn compare(texts: &[Text], lone: &[Lone]) -> Vec<String> {
    let [left, right] = TWINS.map(|folder| sources(texts, folder));
    let mut complaints = Vec::new();
    let mut excuses = lone.to_vec();
    for (file, ours) in &left {
        if let Some((_, theirs)) = right.iter().find(|(name, _)| name == file) {
            complaints.extend(differences(file, &items(ours), &items(theirs), &mut excuses));
        }
    }
    for (folder, here, there) in [(TWINS[0], &left, &right), (TWINS[1], &right, &left)] {
        let lone = here
            .iter()
            .filter(|(file, _)| there.iter().all(|(name, _)| name != file));
        complaints.extend(lone.map(|(file, _)| format!("{folder}/{file}: its twin crate has no such file")));
    }
    for (file, item, _) in excuses {
        complaints.push(format!("{file}: `{item}` needs no excuse (any more)"));
    }
    complaints
}

/// The sources under `folder`, by their path below it.
fn sources<'a>(texts: &'a [Text], folder: &str) -> Vec<(String, &'a str)> {
    let below = |text: &Text| Some(text.path.strip_prefix(folder).ok()?.display().to_string());
    let rust = texts.iter().filter(|text| text.is("rs"));
    rust.filter_map(|text| Some((below(text)?, text.text.as_str())))
        .collect()
}

/// How two files differ. An excuse that was needed is taken from `excuses`.
fn differences(file: &str, left: &[String], right: &[String], excuses: &mut Vec<Lone>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (folder, here, there) in [(TWINS[0], left, right), (TWINS[1], right, left)] {
        for item in here.iter().filter(|item| !there.contains(item)) {
            let before = excuses.len();
            excuses.retain(|(path, lone, _)| !(*path == file && lone == item));
            if excuses.len() == before {
                complaints.push(format!("{folder}/{file}: its twin has no `{item}`"));
            }
        }
    }
    let shared = |here: &[String], there: &[String]| -> Vec<String> {
        here.iter().filter(|item| there.contains(item)).cloned().collect()
    };
    let (left, right) = (shared(left, right), shared(right, left));
    if let Some((ours, theirs)) = left.iter().zip(&right).find(|(ours, theirs)| ours != theirs) {
        complaints.push(format!(
            "{file}: `{ours}` in {} stands where `{theirs}` does in {}",
            TWINS[0], TWINS[1]
        ));
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(files: &[(&str, &str)]) -> Vec<Text> {
        files.iter().map(|(path, text)| Text::new(path, text)).collect()
    }

    #[test]
    fn twins_are_alike() {
        const TOKIO: &str = "pub struct Tokio;\nimpl From<tokio::net::TcpStream> for TcpStream<Tokio> {}\n";
        let smol = TOKIO
            .replace("tokio::net::", "async_net::")
            .replace("Tokio", "Smol");
        let texts = texts(&[("crates/tokio/src/a.rs", TOKIO), ("crates/smol/src/a.rs", &smol)]);
        assert_eq!(compare(&texts, &[]), Vec::<String>::new());
    }

    #[test]
    fn what_only_one_has_is_found() {
        let texts = texts(&[
            ("crates/tokio/src/a.rs", "fn a() {}\nfn b() {}"),
            ("crates/smol/src/a.rs", "fn b() {}\nfn c() {}"),
            ("crates/tokio/src/b.rs", ""),
            ("crates/smol/src/c.rs", ""),
        ]);
        let expected = [
            "crates/tokio/src/a.rs: its twin has no `fn a`",
            "crates/smol/src/a.rs: its twin has no `fn c`",
            "crates/tokio/src/b.rs: its twin crate has no such file",
            "crates/smol/src/c.rs: its twin crate has no such file",
        ];
        assert_eq!(compare(&texts, &[]), expected);
    }

    #[test]
    fn another_order_is_found() {
        let texts = texts(&[
            ("crates/tokio/src/a.rs", "fn a() {}\nfn b() {}"),
            ("crates/smol/src/a.rs", "fn b() {}\nfn a() {}"),
        ]);
        let expected = "a.rs: `fn a` in crates/tokio/src stands where `fn b` does in crates/smol/src";
        assert_eq!(compare(&texts, &[]), [expected]);
    }

    #[test]
    fn a_difference_may_be_excused_and_an_excuse_must_be_needed() {
        let texts = texts(&[
            ("crates/tokio/src/a.rs", "fn a() {}\nfn b() {}"),
            ("crates/smol/src/a.rs", "fn b() {}"),
        ]);
        assert!(compare(&texts, &[("a.rs", "fn a", "why")]).is_empty());
        let expected = ["a.rs: `fn b` needs no excuse (any more)"];
        assert_eq!(
            compare(&texts, &[("a.rs", "fn a", "why"), ("a.rs", "fn b", "why")]),
            expected
        );
        assert_eq!(compare(&texts, &[("b.rs", "fn a", "why")]).len(), 2);
    }
}
