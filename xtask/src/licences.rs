//! Whether everything we build with may be built with.

use serde_json::Value;
use xshell::Shell;

use crate::workspace::Scope;
use crate::{Result, spdx, workspace};

/// Permissive licences that ask for nothing but to be named.
const ALLOWED: [&str; 7] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// One line for each package, on every platform, whose licence is not among them.
pub(crate) fn complaints(sh: &Shell) -> Result<Vec<String>> {
    let metadata = workspace::metadata(sh, Scope::Everything)?;
    Ok(workspace::packages(&metadata)
        .iter()
        .filter_map(complaint)
        .collect())
}

fn complaint(package: &Value) -> Option<String> {
    let licence = package["license"].as_str().unwrap_or("");
    let allowed = spdx::satisfied(licence, &|name| ALLOWED.contains(&name));
    let (name, version) = (&package["name"], &package["version"]);
    (!allowed).then(|| format!("{name} {version}: licence `{licence}` is not on the list"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::complaint;

    #[test]
    fn a_package_needs_an_allowed_licence() {
        assert_eq!(
            complaint(&json!({"name": "a", "version": "1.0.0", "license": "MIT OR Apache-2.0"})),
            None
        );
        assert!(complaint(&json!({"name": "b", "version": "1.0.0", "license": "GPL-3.0"})).is_some());
        assert!(complaint(&json!({"name": "c", "version": "1.0.0", "license": null})).is_some());
    }
}
