//! Rules about what a file refers to: everything it needs is in the repository.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::Text;

/// Folders of somebody's machine, in pieces so that this file does not name them.
const MACHINE_FOLDERS: [&str; 5] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/fa", "rm/"),
    concat!("/Us", "ers/"),
];

/// The folder next to the repository where notes may lie.
const NEXT_DOOR: &str = concat!("../sha", "red");

pub(crate) fn complaints(root: &Path, texts: &[Text]) -> Vec<String> {
    let mut complaints = Vec::new();
    for text in texts {
        for (at, line) in text.text.lines().enumerate() {
            if refers_outside(line) {
                complaints.push(text.complaint(at + 1, &format!("refers to another place: {}", line.trim())));
            }
        }
    }
    for text in texts.iter().filter(|text| text.is("md")) {
        complaints.extend(broken_links(root, text));
    }
    complaints.extend(unchecked_items(root, texts));
    complaints
}

fn refers_outside(line: &str) -> bool {
    line.contains(NEXT_DOOR) || MACHINE_FOLDERS.iter().any(|folder| is_absolute_in(line, folder))
}

/// Whether `folder` stands in `line` as the start of a path, and not as the middle of one or of an address.
fn is_absolute_in(line: &str, folder: &str) -> bool {
    let starts_path =
        |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~*}>)".contains(c));
    let goes_on =
        |at: usize| line[at + folder.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '.');
    line.match_indices(folder)
        .any(|(at, _)| starts_path(at) && goes_on(at))
}

/// Links to files that are not there, or not in the repository.
fn broken_links(root: &Path, text: &Text) -> Vec<String> {
    let folder = root.join(&text.path);
    let folder = folder.parent().unwrap_or(root);
    let exists = |target: &str| {
        folder
            .join(target)
            .canonicalize()
            .is_ok_and(|path| path.starts_with(root))
    };
    let broken = links(&text.text)
        .into_iter()
        .filter(|(_, target)| !exists(target));
    broken
        .map(|(line, target)| text.complaint(line, &format!("the link to `{target}` leads nowhere")))
        .collect()
}

/// Links to items of the documentation on a page that no crate's documentation includes: rustdoc, which would check
/// them, never sees them.
fn unchecked_items(root: &Path, texts: &[Text]) -> Vec<String> {
    let included = included(root, texts);
    let pages = texts
        .iter()
        .filter(|text| text.is("md") && !is_included(root, &included, text));
    pages
        .flat_map(|page| {
            items(&page.text).into_iter().map(|(line, item)| {
                page.complaint(
                    line,
                    &format!("nothing checks the link to `{item}`: no documentation includes this page"),
                )
            })
        })
        .collect()
}

/// The pages that the documentation of the crates includes.
pub(super) fn included(root: &Path, texts: &[Text]) -> HashSet<PathBuf> {
    texts.iter().flat_map(|text| included_pages(root, text)).collect()
}

/// Whether `text` is one of those `included` pages.
pub(super) fn is_included(root: &Path, included: &HashSet<PathBuf>, text: &Text) -> bool {
    let path = root.join(&text.path).canonicalize();
    path.is_ok_and(|path| included.contains(&path))
}

/// The pages that a Rust file takes into its documentation.
fn included_pages(root: &Path, text: &Text) -> Vec<PathBuf> {
    let folder = root.join(&text.path);
    let folder = folder.parent().unwrap_or(root);
    let lines = text
        .text
        .lines()
        .filter(|line| text.is("rs") && line.contains("doc"));
    lines
        .filter_map(|line| line.split_once("include_str!(\"")?.1.split_once('"'))
        .filter_map(|(path, _)| folder.join(path).canonicalize().ok())
        .collect()
}

/// The files that a markdown text links to, with the lines of the links. Neither addresses, places on the same page nor
/// items of the documentation (`crate::Item`) are files.
fn links(text: &str) -> Vec<(usize, &str)> {
    prose(text)
        .flat_map(|(at, line)| targets(line).filter_map(file).map(move |target| (at, target)))
        .collect()
}

/// The items of the documentation that a markdown text links to: those that have a path, and those whose name is the
/// link.
fn items(text: &str) -> Vec<(usize, &str)> {
    prose(text)
        .flat_map(|(at, line)| {
            let with_path = targets(line).filter(|target| target.contains("::"));
            with_path.chain(names(line)).map(move |item| (at, item))
        })
        .collect()
}

/// The lines outside of blocks of code, which hold no links, counted from 1.
pub(super) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        (!in_code && !is_fence).then_some((at + 1, line))
    })
}

/// Whether the place `at` is inside of code in a line.
pub(super) fn is_code(line: &str, at: usize) -> bool {
    line[..at].matches('`').count() % 2 == 1
}

/// What stands between ``[` `` and `` `]`` and is a link by that alone.
fn names(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("[`")
        .filter(move |(at, _)| !is_code(line, *at))
        .filter_map(|(at, open)| line[at + open.len()..].split_once("`]"))
        .filter(|(_, rest)| !rest.starts_with(['(', '[', ':']))
        .map(|(name, _)| name)
}

/// What stands behind `](` and, for links named elsewhere, behind `]: `.
pub(super) fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line
        .match_indices("](")
        .filter(move |(at, _)| !is_code(line, *at))
        .map(|(at, open)| {
            let target = &line[at + open.len()..];
            &target[..target.find([')', ' ']).unwrap_or(target.len())]
        });
    let label = line.strip_prefix('[').and_then(|line| line.split_once(']'));
    let named = label.and_then(|(_, rest)| rest.strip_prefix(": ")).map(str::trim);
    inline.chain(named)
}

/// The file in a link, without the place in it.
fn file(target: &str) -> Option<&str> {
    let path = target.split('#').next().unwrap_or("");
    let is_item = path.contains("::") || path.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_address = path.contains("://") || path.starts_with("mailto:");
    (!is_item && !is_address).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_machine_are_found() {
        for folder in MACHINE_FOLDERS {
            assert!(
                refers_outside(&format!("see `{folder}someone/notes`")),
                "{folder}"
            );
            assert!(refers_outside(&format!("{folder}x")), "{folder}");
            assert!(
                !refers_outside(&format!("https://example.com{folder}x")),
                "{folder}"
            );
            assert!(!refers_outside(&format!("crates{folder}x")), "{folder}");
            assert!(!refers_outside(&format!("the folder `{folder}`")), "{folder}");
        }
        assert!(refers_outside(&format!("see {NEXT_DOOR}/notes.md")));
    }

    #[test]
    fn links_to_files_are_found_and_others_are_not() {
        let text = "[a](docs/a.md#part) and [b](https://b) [c](#c) `[d](d.md)`\n```\n[e](e.md)\n```\n\
                    [f](crate::F) [g](Gg)\n[h]: ../h.md\n[j](k::J) [`l`]: m.md\n![i](i.png \"title\")";
        assert_eq!(links(text), [(1, "docs/a.md"), (6, "../h.md"), (8, "i.png")]);
    }

    #[test]
    fn links_to_items_are_found_and_others_are_not() {
        let text = "[a](crate::A) and [`B::b`], [`C`](k::C) [`d`](d.md) `[`e`]` [f](f.md)\n```\n[`G`]\n```\n[`h`]: h.md";
        assert_eq!(items(text), [(1, "crate::A"), (1, "k::C"), (1, "B::b")]);
    }

    #[test]
    fn items_are_linked_only_where_the_documentation_checks_it() {
        let root = crate::workspace::root().canonicalize().unwrap();
        let page = || Text::new("README.md", "[`Item`]");
        let found = |source: &str| {
            let texts = [page(), Text::new("crates/anynet/src/lib.rs", source)];
            unchecked_items(&root, &texts).len()
        };
        assert_eq!(found("#![doc = include_str!(\"../README.md\")]"), 0);
        assert_eq!(found("const PAGE: &str = include_str!(\"../README.md\");"), 1);
        assert_eq!(found(""), 1);
    }

    #[test]
    fn a_link_leads_to_a_file_of_the_repository() {
        let root = crate::workspace::root().canonicalize().unwrap();
        let broken = |path: &str, link: &str| {
            let text = Text {
                path: path.into(),
                text: format!("[a]({link})"),
            };
            broken_links(&root, &text).len()
        };
        assert_eq!(broken("README.md", "Cargo.toml"), 0);
        assert_eq!(broken("xtask/README.md", "../Cargo.toml"), 0);
        assert_eq!(broken("xtask/README.md", "../Cargo.nowhere"), 1);
        assert_eq!(broken("README.md", ".."), 1);
    }
}
