//! Licence expressions: names joined by `OR` and `AND`, in brackets or not.

/// Whether `expression` can be satisfied with licences for which `allowed` answers `true`. What cannot be read is
/// not satisfied.
pub(crate) fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut parser = Parser {
        words: words(expression),
        allowed,
    };
    let answer = parser.any();
    answer == Some(true) && parser.words.is_empty()
}

/// The words of an expression, last one first. A slash is how `OR` was written once.
fn words(expression: &str) -> Vec<String> {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    spaced.split_whitespace().rev().map(str::to_owned).collect()
}

struct Parser<'a> {
    words: Vec<String>,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl Parser<'_> {
    /// `all OR all OR …`
    fn any(&mut self) -> Option<bool> {
        let mut answer = self.all()?;
        while self.take("OR") {
            answer |= self.all()?;
        }
        Some(answer)
    }

    /// `one AND one AND …`, which binds tighter.
    fn all(&mut self) -> Option<bool> {
        let mut answer = self.one()?;
        while self.take("AND") {
            answer &= self.one()?;
        }
        Some(answer)
    }

    /// A name, a name `WITH` an exception, or an expression in brackets.
    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let answer = self.any()?;
            return self.take(")").then_some(answer);
        }
        let mut name = self
            .words
            .pop()
            .filter(|word| !matches!(word.as_str(), "OR" | "AND" | "WITH" | ")"))?;
        if self.take("WITH") {
            name = format!("{name} WITH {}", self.words.pop()?);
        }
        Some((self.allowed)(&name))
    }

    fn take(&mut self, word: &str) -> bool {
        self.words.pop_if(|next| next == word).is_some()
    }
}

#[cfg(test)]
mod tests {
    fn satisfied(expression: &str) -> bool {
        super::satisfied(expression, &|name| {
            matches!(name, "MIT" | "Apache-2.0" | "Unicode-3.0")
        })
    }

    #[test]
    fn one_allowed_alternative_is_enough() {
        assert!(satisfied("MIT"));
        assert!(satisfied("GPL-3.0 OR MIT"));
        assert!(satisfied("GPL-3.0/MIT"));
        assert!(satisfied("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT"));
        assert!(!satisfied("GPL-3.0"));
        assert!(!satisfied("Apache-2.0 WITH LLVM-exception"));
    }

    #[test]
    fn everything_joined_by_and_must_be_allowed() {
        assert!(satisfied("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!satisfied("MIT AND GPL-3.0"));
        assert!(!satisfied("(MIT OR Apache-2.0) AND GPL-3.0"));
    }

    #[test]
    fn and_binds_tighter_than_or() {
        assert!(satisfied("MIT OR Apache-2.0 AND GPL-3.0"));
        assert!(satisfied("GPL-3.0 AND Apache-2.0 OR MIT"));
        assert!(!satisfied("GPL-3.0 AND (Apache-2.0 OR MIT)"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for expression in [
            "", "MIT OR", "(MIT", "MIT)", "MIT MIT", "OR MIT", "MIT WITH", "AND",
        ] {
            assert!(!satisfied(expression), "{expression}");
        }
    }
}
