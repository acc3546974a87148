//! Links between pages, some of which the published documentation has too: there they have other places than in the
//! repository, and both must lead somewhere.
//!
//! So a page that documentation includes links to another one by its name, `[text][names.md#errors]`, and says at its end
//! where that is in the repository. The documentation puts `links.md` before the page, where the same names are items; what
//! is defined first counts.

use std::collections::HashSet;
use std::path::Path;

use super::Text;
use super::links::{included, is_code, is_included, prose, targets};

/// Where the published pages are, and who else has links to them.
const PAGES: &str = "docs";
const FRONT_PAGE: &str = "README.md";
/// Where each of them is in the published documentation.
const PLACES: &str = "crates/anynet/src/links.md";

pub(crate) fn complaints(root: &Path, texts: &[Text]) -> Vec<String> {
    let mut complaints = Vec::new();
    let places = texts.iter().find(|text| text.path == Path::new(PLACES));
    let places: HashSet<&str> = places.map_or_else(HashSet::new, |text| {
        let (known, wrong) = places_of(text);
        complaints.extend(wrong);
        known
    });
    let included = included(root, texts);
    for text in texts.iter().filter(|text| text.is("md")) {
        complaints.extend(missing_headings(text, texts));
        if (text.path.starts_with(PAGES) || text.path == Path::new(FRONT_PAGE))
            && is_included(root, &included, text)
        {
            complaints.extend(one_sided_links(text, &places));
        }
    }
    complaints
}

/// The names in `links.md`, and a complaint for each that is not that of its item.
fn places_of(text: &Text) -> (HashSet<&str>, Vec<String>) {
    let mut wrong = Vec::new();
    let known = definitions(&text.text).map(|(line, name, target)| {
        if target != item_of(name) {
            wrong.push(text.complaint(
                line,
                &format!("`{name}` is `{}` in the documentation", item_of(name)),
            ));
        }
        name
    });
    (known.collect(), wrong)
}

/// The item that is the page `name`, which may have a heading in it.
fn item_of(name: &str) -> String {
    let (page, heading) = split(name);
    let module = page.trim_end_matches(".md").replace('-', "_");
    match heading {
        Some(heading) => format!("crate::guide::{module}#{heading}"),
        None => format!("crate::guide::{module}"),
    }
}

/// Links of a published page that lead somewhere only in the repository, or only in the documentation.
fn one_sided_links(text: &Text, places: &HashSet<&str>) -> Vec<String> {
    let definitions: Vec<_> = definitions(&text.text).collect();
    let mut complaints = Vec::new();
    let mut complain = |line, message: String| complaints.push(text.complaint(line, &message));
    for (line, content) in prose(&text.text) {
        for target in inline(content) {
            if target.contains("::") || split(target).0.ends_with(".md") {
                complain(
                    line,
                    format!("`{target}` is to be linked by a name: `[text][page.md]`, or `` [`Item`] ``"),
                );
            }
        }
        for name in uses(content) {
            if !definitions.iter().any(|(_, defined, _)| *defined == name) {
                complain(
                    line,
                    format!("the end of this page does not say where `{name}` is"),
                );
            }
            if !places.contains(name) {
                complain(line, format!("`{PLACES}` does not say where `{name}` is"));
            }
        }
    }
    for (line, name, target) in definitions {
        if target != name && !target.ends_with(&format!("/{name}")) {
            complain(line, format!("`{name}` leads to another page, `{target}`"));
        }
    }
    complaints
}

/// Links to headings that are not there.
fn missing_headings(text: &Text, texts: &[Text]) -> Vec<String> {
    let folder = text.path.parent().unwrap_or(Path::new(""));
    let all =
        prose(&text.text).flat_map(|(line, content)| targets(content).map(move |target| (line, target)));
    let missing = all.filter(|(_, target)| {
        let (page, Some(heading)) = split(target) else {
            return false;
        };
        let page = if page.is_empty() {
            Some(text)
        } else {
            texts.iter().find(|other| other.path == folder.join(page))
        };
        page.is_some_and(|page| page.is("md") && !headings(&page.text).any(|there| there == heading))
    });
    let message = |target| format!("the link to `{target}` leads to no heading");
    missing
        .map(|(line, target)| text.complaint(line, &message(target)))
        .collect()
}

/// The headings of a text, as links name them: without punctuation, in lower case, `-` for each space.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let titles = prose(text).filter_map(|(_, line)| line.strip_prefix('#'));
    titles.map(|title| {
        let title = title.trim_start_matches('#').trim();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
        kept.flat_map(char::to_lowercase)
            .map(|c| if c == ' ' { '-' } else { c })
            .collect()
    })
}

/// The names of pages that are defined, with their lines and targets.
fn definitions(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    prose(text).filter_map(|(line, content)| {
        let (name, target) = content.strip_prefix('[')?.split_once("]: ")?;
        split(name)
            .0
            .ends_with(".md")
            .then_some((line, name, target.trim()))
    })
}

/// What stands behind `](`.
fn inline(line: &str) -> impl Iterator<Item = &str> {
    targets(line).filter(|target| line.contains(&format!("]({target}")))
}

/// The names of pages that a line links to: what stands between `][` and `]`.
fn uses(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("][")
        .filter(move |(at, _)| !is_code(line, *at))
        .filter_map(|(at, open)| Some(line[at + open.len()..].split_once(']')?.0))
        .filter(|name| split(name).0.ends_with(".md"))
}

/// A page and the heading in it.
fn split(target: &str) -> (&str, Option<&str>) {
    match target.split_once('#') {
        Some((page, heading)) => (page, Some(heading)),
        None => (target, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str, places: &str) -> Vec<String> {
        let root = crate::workspace::root().canonicalize().unwrap();
        let texts = [
            Text::new("docs/names.md", page),
            Text::new("docs/serving.md", "# A page\n\n## What `it` costs, and why\n"),
            Text::new(PLACES, places),
            Text::new(
                "crates/anynet/src/guide.rs",
                "#![doc = include_str!(\"../docs/names.md\")]",
            ),
        ];
        complaints(&root, &texts)
    }

    const PLACE: &str = "[serving.md]: crate::guide::serving";

    #[test]
    fn a_link_that_leads_somewhere_on_both_sides_is_well() {
        let page = "see [it][serving.md] and `[code][nowhere.md]`\n\n[serving.md]: serving.md";
        assert_eq!(found(page, PLACE), [""; 0]);
    }

    #[test]
    fn a_link_that_leads_nowhere_on_one_side_is_found() {
        for (page, places) in [
            ("[it](serving.md)", PLACE),
            ("[it](guide::serving)", PLACE),
            ("[it][serving.md]", PLACE),
            ("[it][serving.md]\n\n[serving.md]: serving.md", ""),
            ("[it][serving.md]\n\n[serving.md]: names.md", PLACE),
            ("no link", "[serving.md]: crate::guide::names"),
        ] {
            assert_eq!(found(page, places).len(), 1, "{page}: {:?}", found(page, places));
        }
    }

    #[test]
    fn a_link_to_a_heading_that_is_not_there_is_found() {
        let page = |heading: &str| {
            format!("[it][serving.md#{heading}]\n\n[serving.md#{heading}]: serving.md#{heading}")
        };
        let place = |heading: &str| format!("[serving.md#{heading}]: crate::guide::serving#{heading}");
        let there = "what-it-costs-and-why";
        assert_eq!(found(&page(there), &place(there)), [""; 0]);
        assert_eq!(found(&page("what-it-costs"), &place("what-it-costs")).len(), 1);
        assert_eq!(found("[it](#names)\n\n# Names", PLACE), [""; 0]);
        assert_eq!(found("[it](#serving)\n\n# Names", PLACE).len(), 1);
    }
}
