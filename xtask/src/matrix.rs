//! Behaviours against backends, for reading.

use std::collections::BTreeMap;
use std::fmt;

use crate::libtest::{Mark, Tally};

/// The results of a conformance run. A behaviour that was checked on several kinds of stream is one row, which shows
/// the worst of them.
#[derive(Debug, Default)]
pub(crate) struct Matrix {
    rows: BTreeMap<String, BTreeMap<String, Mark>>,
    tallies: BTreeMap<String, Tally>,
}

impl Matrix {
    /// Takes in `backend::kind::module::case`, where the kind may be missing.
    pub(crate) fn add(&mut self, trial: &str, mark: Mark) {
        let (backend, rest) = trial.split_once("::").unwrap_or(("?", trial));
        let behaviour = match rest.rmatch_indices("::").nth(1) {
            Some((end_of_kind, separator)) => &rest[end_of_kind + separator.len()..],
            None => rest,
        };
        self.tallies.entry(backend.to_owned()).or_default().count(mark);
        let row = self.rows.entry(behaviour.to_owned()).or_default();
        let cell = row.entry(backend.to_owned()).or_insert(mark);
        *cell = mark.max(*cell);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn is_green(&self) -> bool {
        self.tallies.values().all(|tally| tally.failed == 0)
    }

    fn line(
        &self,
        f: &mut fmt::Formatter<'_>,
        label: &str,
        cell: impl Fn(&str, &Tally) -> String,
    ) -> fmt::Result {
        let label_width = self
            .rows
            .keys()
            .map(String::len)
            .max()
            .unwrap_or(0)
            .max("not applicable".len());
        write!(f, "{label:label_width$}")?;
        for (backend, tally) in &self.tallies {
            write!(
                f,
                "  {:>width$}",
                cell(backend, tally),
                width = backend.len().max("FAIL".len())
            )?;
        }
        writeln!(f)
    }

    /// What a row says about a backend, `-` where the case did not run.
    fn cell(row: &BTreeMap<String, Mark>, backend: &str) -> &'static str {
        match row.get(backend) {
            Some(Mark::Ok) => "ok",
            Some(Mark::Failed) => "FAIL",
            Some(Mark::Ignored) => "n/a",
            None => "-",
        }
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line(f, "", |backend, _| backend.to_owned())?;
        for (behaviour, row) in &self.rows {
            self.line(f, behaviour, |backend, _| Self::cell(row, backend).to_owned())?;
        }
        writeln!(f)?;
        self.line(f, "trials ok", |_, tally| tally.passed.to_string())?;
        self.line(f, "trials failed", |_, tally| tally.failed.to_string())?;
        self.line(f, "not applicable", |_, tally| tally.ignored.to_string())?;
        writeln!(
            f,
            "{} behaviours, {} backends",
            self.rows.len(),
            self.tallies.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_collapse_to_the_worst_of_them() {
        let mut matrix = Matrix::default();
        matrix.add("smol::tcp4::closing::twice", Mark::Failed);
        matrix.add("smol::tcp6::closing::twice", Mark::Ok);
        matrix.add("tokio-multi::tcp4::closing::twice", Mark::Ignored);
        matrix.add("tokio-multi::tcp6::closing::twice", Mark::Ok);
        matrix.add("smol::smoke::connect", Mark::Ignored);
        let expected = "
                smol  tokio-multi
closing::twice  FAIL           ok
smoke::connect   n/a            -

trials ok          1            1
trials failed      1            0
not applicable     1            1
2 behaviours, 2 backends
";
        assert_eq!(format!("\n{matrix}"), expected);
        assert!(!matrix.is_green());
    }

    #[test]
    fn a_matrix_without_a_failure_is_green() {
        let mut matrix = Matrix::default();
        assert!(matrix.is_empty());
        matrix.add("smol::tcp4::closing::twice", Mark::Ok);
        matrix.add("smol::tcp4::closing::once", Mark::Ignored);
        assert!(matrix.is_green() && !matrix.is_empty());
    }
}
