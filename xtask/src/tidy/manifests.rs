//! Rules for the manifests: which crate may use which, and what each must say.

use std::path::Path;

use serde_json::Value;

use super::Text;

/// The arrows between the crates. Development dependencies are free.
const ARROWS: [(&str, &[&str]); 7] = [
    ("anynet-core", &[]),
    ("anynet-util", &["anynet-core"]),
    ("anynet-sockets", &["anynet-core", "anynet-util"]),
    ("anynet-tokio", &["anynet-core", "anynet-sockets"]),
    ("anynet-smol", &["anynet-core", "anynet-sockets"]),
    (
        "anynet-conformance",
        &["anynet-core", "anynet-util", "anynet-sockets"],
    ),
    (
        "anynet",
        &[
            "anynet-core",
            "anynet-util",
            "anynet-sockets",
            "anynet-tokio",
            "anynet-smol",
        ],
    ),
];

/// The crates that know no runtime, not even in their tests.
const WITHOUT_RUNTIME: [&str; 2] = ["anynet-core", "anynet-util"];

const RUNTIMES: [&str; 12] = [
    "anynet-smol",
    "anynet-tokio",
    "async-executor",
    "async-global-executor",
    "async-io",
    "async-net",
    "async-std",
    "compio",
    "mio",
    "monoio",
    "smol",
    "tokio",
];

pub(crate) fn complaints(packages: &[Value], texts: &[Text]) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in packages {
        complaints.extend(wrong_arrows(package));
        complaints.extend(runtimes(package));
        complaints.extend(missing_facts(package));
    }
    let members = texts.iter().filter(|text| is_member_manifest(text));
    complaints.extend(members.flat_map(inherited));
    complaints
}

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap_or("")
}

fn dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    package["dependencies"].as_array().into_iter().flatten()
}

fn wrong_arrows(package: &Value) -> Vec<String> {
    let from = name(package);
    // The tests and benchmarks may use everything, and nothing else that is never published may use anything.
    let allowed = match ARROWS.iter().find(|(crate_name, _)| *crate_name == from) {
        Some((_, allowed)) => *allowed,
        None if ["anynet-tests", "anynet-benches"].contains(&from) => return Vec::new(),
        None => &[],
    };
    let ours = dependencies(package).filter(|to| to["kind"] != "dev" && is_ours(name(to)));
    let wrong = ours.filter(|to| !allowed.contains(&name(to)));
    wrong
        .map(|to| format!("{from} may not depend on {}", name(to)))
        .collect()
}

fn is_ours(name: &str) -> bool {
    name == "anynet" || name.starts_with("anynet-")
}

fn runtimes(package: &Value) -> Vec<String> {
    let from = name(package);
    if !WITHOUT_RUNTIME.contains(&from) {
        return Vec::new();
    }
    let found = dependencies(package).filter(|to| RUNTIMES.contains(&name(to)) && !only_its_traits(from, to));
    found
        .map(|to| format!("{from} knows no runtime, and so not {}", name(to)))
        .collect()
}

/// Adapters in util need tokio's I/O traits, which are there without any of its features.
fn only_its_traits(from: &str, to: &Value) -> bool {
    let bare = to["uses_default_features"] == false && to["features"].as_array().is_some_and(Vec::is_empty);
    from == "anynet-util" && name(to) == "tokio" && to["optional"] == true && bare
}

/// What a registry shows of a crate.
fn missing_facts(package: &Value) -> Vec<String> {
    let never_published = package["publish"].as_array().is_some_and(Vec::is_empty);
    if never_published {
        return Vec::new();
    }
    let facts = ["/description", "/license", "/readme", "/metadata/docs/rs"];
    let missing = facts
        .into_iter()
        .filter(|fact| package.pointer(fact).is_none_or(Value::is_null));
    missing
        .map(|fact| format!("{} says nothing about its {}", name(package), &fact[1..]))
        .collect()
}

fn is_member_manifest(text: &Text) -> bool {
    let is_root = text.path == Path::new("Cargo.toml");
    text.path.ends_with("Cargo.toml") && !is_root && !text.path.starts_with("tests/downstream")
}

/// What every member takes from the root.
fn inherited(text: &Text) -> Vec<String> {
    let lines = [
        "rust-version.workspace = true",
        "edition.workspace = true",
        "[lints]\nworkspace = true",
    ];
    let missing = lines.into_iter().filter(|line| !text.text.contains(line));
    missing
        .map(|line| text.complaint(1, &format!("`{}` is missing", line.replace('\n', " "))))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependencies: &Value) -> Value {
        json!({"name": name, "dependencies": dependencies})
    }

    #[test]
    fn an_arrow_must_be_drawn() {
        let on_core = json!([{"name": "anynet-core", "kind": null}, {"name": "socket2", "kind": null}]);
        assert!(wrong_arrows(&package("anynet-util", &on_core)).is_empty());
        assert_eq!(wrong_arrows(&package("anynet-core", &on_core)).len(), 1);
        assert_eq!(wrong_arrows(&package("anynet-new", &on_core)).len(), 1);
        let build = json!([{"name": "anynet", "kind": "build"}]);
        assert_eq!(wrong_arrows(&package("anynet-util", &build)).len(), 1);
    }

    #[test]
    fn development_and_the_workspace_tests_are_free() {
        let dev = json!([{"name": "anynet", "kind": "dev"}]);
        assert!(wrong_arrows(&package("anynet-core", &dev)).is_empty());
        let all = json!([{"name": "anynet", "kind": null}, {"name": "anynet-conformance", "kind": null}]);
        assert!(wrong_arrows(&package("anynet-tests", &all)).is_empty());
    }

    #[test]
    fn the_lower_crates_know_no_runtime() {
        let dev = json!([{"name": "tokio", "kind": "dev", "optional": false}]);
        assert_eq!(runtimes(&package("anynet-core", &dev)).len(), 1);
        assert!(runtimes(&package("anynet-sockets", &dev)).is_empty());
        let mut traits =
            json!([{"name": "tokio", "optional": true, "uses_default_features": false, "features": []}]);
        assert!(runtimes(&package("anynet-util", &traits)).is_empty());
        assert_eq!(runtimes(&package("anynet-core", &traits)).len(), 1);
        traits[0]["features"] = json!(["rt"]);
        assert_eq!(runtimes(&package("anynet-util", &traits)).len(), 1);
    }

    #[test]
    fn a_published_crate_describes_itself() {
        let described = json!({
            "name": "a", "publish": null, "description": "What.", "license": "MIT", "readme": "README.md",
            "metadata": {"docs": {"rs": {"all-features": true}}},
        });
        assert!(missing_facts(&described).is_empty());
        assert_eq!(
            missing_facts(&json!({"name": "a", "publish": null, "license": null})).len(),
            4
        );
        assert!(missing_facts(&json!({"name": "a", "publish": []})).is_empty());
    }

    #[test]
    fn members_inherit() {
        let good = "edition.workspace = true\nrust-version.workspace = true\n[lints]\nworkspace = true\n";
        let missing = |manifest: &str| inherited(&Text::new("a/Cargo.toml", manifest)).len();
        assert_eq!(missing(good), 0);
        assert_eq!(missing("edition = \"2024\"\n"), 3);
        assert_eq!(
            missing(&good.replace("[lints]\nworkspace", "[lints]\nrust.warnings")),
            1
        );
    }
}
