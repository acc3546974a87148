//! The catalogue: every behaviour that was observed elsewhere, and what stands for it here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Deserialize;

use crate::{cases, refused};

const TEXT: &str = include_str!("../catalogue.toml");

/// The tables, in their order: the key, what it is, and how many numbers it has.
const TABLES: &[(&str, &str, u32)] = &[
    ("anyio", "AnyIO's tests, and what they leave open", 219),
    ("one_way", "Trio's checks of a one-way stream (OW)", 47),
    ("two_way", "Trio's checks of a two-way stream (TW)", 7),
    ("half_close", "Trio's checks of a half-closeable stream (HC)", 10),
    ("beyond", "What Trio's checks leave open (N)", 15),
    ("trio_twisted", "Trio's and Twisted's tests", 244),
];

/// anynet's own behaviours, which nobody's list asks for. Their numbers are ours, so there may be any number of them.
const OWN: (&str, &str) = ("own", "anynet's own");

/// The catalogue.
#[derive(Debug)]
pub struct Catalogue {
    /// The tables, in the order of the document.
    pub tables: Vec<Table>,
}

/// One list of behaviours.
#[derive(Debug)]
pub struct Table {
    /// Its key in the file.
    pub key: &'static str,
    /// What it lists.
    pub title: &'static str,
    /// The behaviours by number.
    pub entries: BTreeMap<u32, Entry>,
}

/// One behaviour.
#[derive(Debug)]
pub struct Entry {
    /// The behaviour, in a sentence.
    pub about: String,
    /// What stands for it.
    pub standing: Standing,
}

/// What stands for a behaviour.
#[derive(Debug)]
#[non_exhaustive]
pub enum Standing {
    /// These cases.
    Cases(Vec<String>),
    /// It comes with this subject.
    Later(String),
    /// It cannot exist here, or is deliberately not adopted: the reason.
    NotApplicable(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    about: String,
    case: Option<OneOrMany>,
    later: Option<String>,
    not_applicable: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Catalogue {
    /// Reads the catalogue that the suite was built with.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn read() -> Result<Self, String> {
        let mut raw: BTreeMap<String, BTreeMap<String, Raw>> =
            toml::from_str(TEXT).map_err(|error| error.to_string())?;
        let mut tables = Vec::new();
        for (key, title) in TABLES.iter().map(|(key, title, _)| (*key, *title)).chain([OWN]) {
            let table = raw
                .remove(key)
                .ok_or_else(|| format!("there is no table {key}"))?;
            let entries = table.into_iter().map(|(number, raw)| entry(key, &number, raw));
            tables.push(Table {
                key,
                title,
                entries: entries.collect::<Result<_, _>>()?,
            });
        }
        match raw.keys().next() {
            Some(unknown) => Err(format!("nobody knows the table {unknown}")),
            None => Ok(Self { tables }),
        }
    }

    /// What is wrong with the catalogue as a whole: numbers that are missing or too many, cases that do not exist, and
    /// cases that stand for nothing.
    pub fn faults(&self) -> Vec<String> {
        let known: BTreeSet<String> = known_cases().collect();
        let mut faults = Vec::new();
        let mut used = BTreeSet::new();
        for table in &self.tables {
            if let Some((key, _, count)) = TABLES.iter().find(|(key, ..)| *key == table.key) {
                let missing = (1..=*count).filter(|number| !table.entries.contains_key(number));
                faults.extend(missing.map(|number| format!("{key} {number} is missing")));
                let extra = table
                    .entries
                    .keys()
                    .filter(|number| !(1..=*count).contains(*number));
                faults.extend(extra.map(|number| format!("{key} has no number {number}")));
            }
            for (number, entry) in &table.entries {
                let Standing::Cases(cases) = &entry.standing else {
                    continue;
                };
                for case in cases {
                    if !known.contains(case) {
                        faults.push(format!("{} {number}: there is no case {case}", table.key));
                    }
                    used.insert(case.clone());
                }
            }
        }
        faults.extend(
            known
                .difference(&used)
                .map(|case| format!("{case} stands for no number")),
        );
        faults
    }

    /// The catalogue as a document.
    pub fn markdown(&self) -> String {
        let mut text = String::from(HEADER);
        for Table { key, title, entries } in &self.tables {
            let _ = write!(
                text,
                "\n## {title} (`{key}`)\n\n| # | behaviour | what stands for it |\n|---|---|---|\n"
            );
            for (number, Entry { about, standing }) in entries {
                let standing = match standing {
                    Standing::Cases(cases) => cases
                        .iter()
                        .map(|case| format!("`{case}`"))
                        .collect::<Vec<_>>()
                        .join(", "),
                    Standing::Later(subject) => format!("*later: {subject}*"),
                    Standing::NotApplicable(reason) => format!("not applicable: {reason}"),
                };
                let _ = writeln!(text, "| {number} | {} | {} |", escaped(about), escaped(&standing));
            }
        }
        text
    }
}

const HEADER: &str = "\
# The conformance suite

<!-- Written from crates/conformance/catalogue.toml; change that, and run the tests with ANYNET_BLESS=1. -->

Every behaviour that the test suites of AnyIO, Trio and Twisted assert about networking, and every gap that was found in
them, by number, with what stands for it in anynet: the case of the suite that every backend must pass, the subject that
it comes with, or the reason why it does not apply. Cases under `refused` are programs that the compiler must refuse:
they are documentation tests in `anynet_conformance::refused`. *Later* names the subject that a behaviour comes with.

`cargo xtask conformance` prints which backend passes which case; `--backend NAME` and `--case PATTERN` select.
With `--fds` it runs everything twice in one process, and fails if the second time leaves other descriptors open than the
first.
";

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}

fn known_cases() -> impl Iterator<Item = String> {
    let refused = refused::ALL.iter().map(|name| format!("refused::{name}"));
    cases::all().chain(refused)
}

fn entry(table: &str, number: &str, raw: Raw) -> Result<(u32, Entry), String> {
    let place = || format!("{table} {number}");
    let standing = match (raw.case, raw.later, raw.not_applicable) {
        (Some(OneOrMany::One(case)), None, None) => Standing::Cases(vec![case]),
        (Some(OneOrMany::Many(cases)), None, None) if !cases.is_empty() => Standing::Cases(cases),
        (None, Some(subject), None) => Standing::Later(subject),
        (None, None, Some(reason)) => Standing::NotApplicable(reason),
        _ => {
            return Err(format!(
                "{}: exactly one of case, later and not_applicable",
                place()
            ));
        }
    };
    let number = number.parse().map_err(|_| format!("{}: not a number", place()))?;
    Ok((
        number,
        Entry {
            about: raw.about,
            standing,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_accounted_for_and_every_case_has_one() {
        let faults = Catalogue::read().expect("the file is well-formed").faults();
        assert!(
            faults.is_empty(),
            "{} faults:\n{}",
            faults.len(),
            faults.join("\n")
        );
    }

    #[test]
    fn an_entry_stands_for_exactly_one_thing() {
        let raw = |case: bool, later: bool| Raw {
            about: String::new(),
            case: case.then(|| OneOrMany::One("a::b".into())),
            later: later.then(|| "tls".into()),
            not_applicable: None,
        };
        assert!(entry("own", "1", raw(true, false)).is_ok());
        assert!(entry("own", "1", raw(true, true)).is_err());
        assert!(entry("own", "1", raw(false, false)).is_err());
        assert!(entry("own", "one", raw(true, false)).is_err());
    }

    #[test]
    fn a_missing_number_an_unknown_case_and_an_unlisted_one_are_faults() {
        let mut catalogue = Catalogue::read().expect("the file is well-formed");
        catalogue.tables[0].entries.remove(&1);
        let unknown = Entry {
            about: String::new(),
            standing: Standing::Cases(vec!["no::such".into()]),
        };
        catalogue.tables[0].entries.insert(2, unknown);
        for table in &mut catalogue.tables {
            for entry in table.entries.values_mut() {
                if matches!(&entry.standing, Standing::Cases(cases) if cases.iter().any(|case| case == "refused::two_receives_at_once"))
                {
                    entry.standing = Standing::Later("nothing".into());
                }
            }
        }
        let faults = catalogue.faults();
        for expected in [
            "anyio 1 is missing",
            "anyio 2: there is no case no::such",
            "refused::two_receives_at_once stands for no number",
        ] {
            assert!(
                faults.iter().any(|fault| fault == expected),
                "{expected:?} is not among {faults:?}"
            );
        }
    }
}
