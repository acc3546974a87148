//! The oldest compiler that must do is a fact, and a fact lives in one place.

use std::path::Path;

use super::Text;

/// The oldest compiler is named in the root manifest and nowhere else. A changelog may: it tells what was.
pub(crate) fn complaints(texts: &[Text]) -> Vec<String> {
    const MAY_NAME_IT: [&str; 2] = ["Cargo.toml", "CHANGELOG.md"];
    let root = texts.iter().find(|text| text.path == Path::new("Cargo.toml"));
    let version = root.and_then(|root| {
        let line = root
            .text
            .lines()
            .find_map(|line| line.strip_prefix("rust-version = "))?;
        Some(line.trim_matches('"'))
    });
    let Some(version) = version else {
        return vec!["Cargo.toml: names no rust-version".to_owned()];
    };
    let mut complaints = Vec::new();
    for text in texts
        .iter()
        .filter(|text| !MAY_NAME_IT.iter().any(|path| text.path == Path::new(path)))
    {
        for (at, line) in text
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| names(line, version))
        {
            let message = format!(
                "`{}`: the oldest compiler is a fact of the root manifest",
                line.trim()
            );
            complaints.push(text.complaint(at + 1, &message));
        }
    }
    complaints
}

/// Whether a line speaks of Rust and of this version, as a number of its own.
fn names(line: &str, version: &str) -> bool {
    let lower = line.to_lowercase();
    let about_rust = lower.contains("rust") || lower.contains("msrv");
    let part_of_number = |c: char| c.is_ascii_digit() || c == '.';
    let number = |(at, _): (usize, &str)| {
        let (before, after) = (&line[..at], &line[at + version.len()..]);
        !before.ends_with(part_of_number) && !after.starts_with(|c: char| c.is_ascii_digit())
    };
    about_rust && line.match_indices(version).any(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_compiler_is_named_once() {
        let root = || Text::new("Cargo.toml", "[workspace.package]\nrust-version = \"9.87\"\n");
        let found = |other: &str| complaints(&[root(), Text::new("README.md", other)]).len();
        assert_eq!(found("Rust 9.87 or later"), 1);
        assert_eq!(found("msrv = \"9.87.0\""), 1);
        assert_eq!(found("Rust 9.870, 19.87 and 0.9.87\nit takes 9.87 seconds"), 0);
        assert_eq!(complaints(&[Text::new("Cargo.toml", "")]).len(), 1);
    }
}
