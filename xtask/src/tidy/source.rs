//! Rust source without what is not code.

/// The same text with comments, strings and characters blanked out, line for line.
///
/// Not a full lexer: it knows just enough of the language not to take a word in a string for code, or code for a
/// word in a string.
pub(crate) fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = blank_length(rest);
        let (taken, after) = rest.split_at(length.unwrap_or(first.len_utf8()));
        if length.is_some() {
            code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(taken);
        }
        rest = after;
    }
    code
}

/// How many bytes at the start of `rest` are not code, if any.
fn blank_length(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted(rest, '"'));
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    if rest.starts_with('r') {
        raw_string(rest)
    } else {
        None
    }
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of `"…"` or `'…'`, where a backslash shields what follows it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// A character, or nothing where the quote starts a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.chars().skip(1);
    let (first, second) = (chars.next()?, chars.next()?);
    (first == '\\' || second == '\'').then(|| quoted(rest, '\''))
}

/// `r"…"` or `r#"…"#` with any number of hashes; nothing where the `r` is a letter of a word, which no quote may
/// follow.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest[1..].chars().take_while(|&c| c == '#').count();
    let opened = 1 + hashes;
    if !rest[opened..].starts_with('"') {
        return None;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let closed = rest[opened + 1..].find(&end);
    Some(closed.map_or(rest.len(), |at| opened + 1 + at + end.len()))
}

#[cfg(test)]
mod tests {
    use super::code_only;

    /// The words that are left.
    fn words(source: &str) -> String {
        code_only(source).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_go() {
        assert_eq!(words("a // b\nc /* d /* e */ f */ g"), "a c g");
        assert_eq!(words("a / b"), "a / b");
    }

    #[test]
    fn strings_go() {
        assert_eq!(words(r#"f("a // b", b"c", 'd') g"#), "f( , b , ) g");
        assert_eq!(words(r#"x "a \" b" y "\\" z"#), "x y z");
        assert_eq!(words(r###"x r"a\" y r#"b " c"# z br"d" e"###), "x y z b e");
    }

    #[test]
    fn characters_go_and_lifetimes_stay() {
        assert_eq!(words(r"a '\'' b '\u{1f600}' c '/' d"), "a b c d");
        assert_eq!(
            words("fn f<'a>(x: &'a str) 'b: loop"),
            "fn f<'a>(x: &'a str) 'b: loop"
        );
        assert_eq!(words("'\"' x '\"' y"), "x y");
    }

    #[test]
    fn words_that_only_look_like_raw_strings_stay() {
        assert_eq!(words("for r in r#type"), "for r in r#type");
    }

    #[test]
    fn lines_keep_their_numbers() {
        let code = code_only("a\n/* b\nc */\n\"d\ne\" f");
        assert_eq!(code.lines().count(), 5);
        assert_eq!(code.lines().last().map(str::trim), Some("f"));
    }
}
