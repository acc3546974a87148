//! The rule for the mutants: each still applies, for one that does not proves nothing.

use std::path::Path;

use super::Text;
use crate::Result;
use crate::mutants::{FOLDER, Mutant};

pub(crate) fn complaints(texts: &[Text]) -> Vec<String> {
    let mutants = texts.iter().filter(|text| text.path.starts_with(FOLDER));
    let errors = mutants.filter_map(|text| Some((text, check(text, texts).err()?)));
    errors
        .map(|(text, error)| text.complaint(1, &error.to_string()))
        .collect()
}

fn check(text: &Text, texts: &[Text]) -> Result {
    let mutant = Mutant::parse(&text.path, &text.text)?;
    let changed = texts.iter().find(|text| text.path == Path::new(&mutant.file));
    let changed = changed.ok_or_else(|| format!("there is no {} to be changed", mutant.file))?;
    mutant.apply(&changed.text).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_applies_to_one_place_of_its_file() {
        let text = "why = ''\nbackend = 'smol'\nfile = 'a.rs'\nold = '1'\nnew = '2'\n";
        let complain = |changed: &str, code: &str| {
            let mutant = Text::new(&format!("{FOLDER}/a.toml"), text);
            complaints(&[mutant, Text::new(changed, code)]).len()
        };
        assert_eq!(complain("a.rs", "0 + 1"), 0);
        assert_eq!(complain("a.rs", "0 + 0"), 1);
        assert_eq!(complain("a.rs", "1 + 1"), 1);
        assert_eq!(complain("b.rs", "0 + 1"), 1);
    }

    #[test]
    fn what_is_in_the_folder_is_a_mutant() {
        assert_eq!(
            complaints(&[Text::new(&format!("{FOLDER}/a.patch"), "--- a/a.rs")]).len(),
            1
        );
        assert_eq!(complaints(&[Text::new("a.toml", "why = ''")]).len(), 0);
    }
}
