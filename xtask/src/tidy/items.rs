//! The items of a runtime crate's source, by their headers.

use super::source::code_only;

/// The items of a file in their order, without what is the runtime's own in their names.
pub(crate) fn items(source: &str) -> Vec<String> {
    let code = code_only(source);
    let mut items = Vec::new();
    let mut start = 0;
    for line in code.split_inclusive('\n') {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            let rest = &code[start..];
            let header = &rest[..rest.find(['{', ';']).unwrap_or(rest.len())];
            items.extend(item(header));
        }
        start += line.len();
    }
    items
}

/// Names the item that starts with `header`; nothing for imports and test modules, which may differ.
fn item(header: &str) -> Option<String> {
    const QUALIFIERS: [&str; 4] = ["async", "unsafe", "extern", "default"];
    let mut words = header.split_whitespace().peekable();
    while words
        .next_if(|word| word.starts_with("pub") || QUALIFIERS.contains(word))
        .is_some()
    {}
    let mut keyword = words.next()?;
    if keyword == "const" && words.next_if(|word| *word == "fn").is_some() {
        keyword = "fn";
    }
    match keyword {
        "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "mod" => {
            let name: String = words
                .next()?
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            (name != "tests").then(|| neutral(&format!("{keyword} {name}")))
        }
        _ if keyword.starts_with("impl") => {
            let header: Vec<&str> = [keyword]
                .into_iter()
                .chain(words.take_while(|word| *word != "where"))
                .collect();
            Some(neutral(&last_segments(header.join(" "))))
        }
        _ => None,
    }
}

/// `impl From<a::b::C> for D` as `impl From<C> for D`: twins name the same things of different crates.
fn last_segments(mut text: String) -> String {
    while let Some(colons) = text.find("::") {
        let path_start = text[..colons]
            .rfind(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(0, |at| at + 1);
        text.replace_range(path_start..colons + 2, "");
    }
    text
}

/// Without the runtime's own name.
fn neutral(item: &str) -> String {
    ["Tokio", "Smol", "tokio", "smol"]
        .iter()
        .fold(item.to_owned(), |item, name| item.replace(name, "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKIO: &str = "
//! A twin.
use tokio::net;
pub struct Tokio(Handle);
impl Tokio {
    pub fn current() -> Self { Self }
}
impl From<tokio::net::TcpStream> for TcpStream<Tokio> {}
pub(crate) const fn budget() -> u32 { 1 }
const LIMIT: usize = 64;
#[cfg(test)]
mod tests {}
";

    #[test]
    fn items_are_named_without_the_runtime() {
        let expected = [
            "struct _",
            "impl _",
            "impl From<TcpStream> for TcpStream<_>",
            "fn budget",
            "const LIMIT",
        ];
        assert_eq!(items(TOKIO), expected);
    }

    #[test]
    fn a_header_may_take_several_lines() {
        let source =
            "impl<F> Future\n    for SmolTask<F>\nwhere\n    F: Send,\n{\n}\npub async fn\nrun() {}\n";
        assert_eq!(items(source), ["impl<F> Future for _Task<F>", "fn run"]);
    }
}
