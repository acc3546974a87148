//! `cargo xtask test`: everything that must hold, stage by stage.
//!
//! The stages are ordered by what they tell soonest, and cut so that they share artefacts: the same profile and
//! flags throughout, and one build of the whole workspace for the tests.

use xshell::{Shell, cmd};

use crate::flags::Conformance;
use crate::ledger::Ledger;
use crate::suite::Suite;
use crate::{Result, conformance, licences, packages, programs, tidy};

/// The runtime features of the facade in every combination.
const FEATURE_SETS: [&str; 4] = ["", "tokio", "smol", "tokio,smol"];

pub(crate) fn run(sh: &Shell, strict: bool) -> Result<bool> {
    let mut suite = Suite::new(sh, strict)?;
    suite.stage("outside programs", |_| outside_programs(strict));
    suite.stage("formatting", formatting);
    suite.stage("house rules", |suite| no_complaints(tidy::complaints(suite.sh)?));
    suite.stage("licences", |suite| no_complaints(licences::complaints(suite.sh)?));
    suite.stage("lints", lints);
    suite.stage("documentation", documentation);
    suite.stage("tests", tests);
    suite.stage("descriptors", descriptors);
    suite.stage("documentation tests", documentation_tests);
    suite.stage("facade features", facade_features);
    suite.stage("examples", examples);
    suite.stage("downstream", downstream);
    suite.stage("packages", packages::run);
    suite.finish()
}

/// Names what is missing. Tests that need it skip themselves, which a strict run does not accept.
fn outside_programs(strict: bool) -> Result {
    let mut missing = false;
    for program in programs::missing() {
        println!("missing: {} ({})", program.name, program.purpose);
        missing = true;
    }
    if strict && missing {
        Err("outside programs are missing".into())
    } else {
        Ok(())
    }
}

fn no_complaints(complaints: Vec<String>) -> Result {
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n").into())
    }
}

fn formatting(suite: &mut Suite<'_>) -> Result {
    suite.run(cmd!(suite.sh, "cargo fmt --all --check"))?;
    suite.run(cmd!(
        suite.sh,
        "cargo fmt --all --check --manifest-path tests/downstream/Cargo.toml"
    ))
}

fn lints(suite: &mut Suite<'_>) -> Result {
    let sh = suite.sh;
    suite.run(cmd!(
        sh,
        "cargo clippy --workspace --all-targets --all-features -- -D warnings"
    ))?;
    for features in FEATURE_SETS {
        let facade = cmd!(
            sh,
            "cargo clippy --package anynet --all-targets --no-default-features"
        );
        suite.run(facade.args(["--features", features, "--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn documentation(suite: &mut Suite<'_>) -> Result {
    let sh = suite.sh;
    let _warnings = sh.push_env("RUSTDOCFLAGS", "-D warnings");
    suite.run(cmd!(sh, "cargo doc --no-deps --workspace --all-features"))?;
    suite.run(cmd!(
        sh,
        "cargo doc --no-deps --package anynet --no-default-features"
    ))
}

/// Unit tests, integration tests, and the conformance suite on every backend.
fn tests(suite: &mut Suite<'_>) -> Result {
    suite.run(cmd!(
        suite.sh,
        "cargo test --workspace --all-features --tests --no-fail-fast"
    ))
}

/// The conformance suite twice in one process: what one run opens, it closes. Its trials have been counted before.
fn descriptors(suite: &mut Suite<'_>) -> Result {
    let flags = Conformance {
        backend: None,
        case: None,
        fds: true,
    };
    let mut ledger = Ledger::default();
    let is_green = conformance::run_and_tell(suite.sh, &flags, &mut ledger);
    suite.add_failures(ledger);
    if is_green? {
        Ok(())
    } else {
        Err("a case failed or left a descriptor open".into())
    }
}

fn documentation_tests(suite: &mut Suite<'_>) -> Result {
    suite.run(cmd!(
        suite.sh,
        "cargo test --workspace --all-features --doc --no-fail-fast"
    ))
}

/// The facade with fewer features than the whole workspace gave it in the stages before; and what is allocated without
/// `tracing`, which is to be the same as with it.
fn facade_features(suite: &mut Suite<'_>) -> Result {
    suite.run(cmd!(
        suite.sh,
        "cargo test --package anynet-util --test allocations"
    ))?;
    for features in ["", "tokio", "smol"] {
        let facade = cmd!(
            suite.sh,
            "cargo test --package anynet --no-default-features --no-fail-fast"
        );
        suite.run(facade.args(["--features", features]))?;
    }
    Ok(())
}

/// The first program of the README, on the only runtime there is and on one chosen by an argument. It must name
/// the runtime it ran on, and no other. Then its likes for other kinds of sockets.
fn examples(suite: &mut Suite<'_>) -> Result {
    for (features, argument, runtime) in [
        ("smol", None, "smol"),
        ("tokio", None, "tokio"),
        ("tokio,smol", Some("tokio"), "tokio"),
        ("tokio,smol", Some("smol"), "smol"),
    ] {
        let sh = suite.sh;
        let output = cmd!(
            sh,
            "cargo run --quiet --example hello --features {features} -- {argument...}"
        )
        .read()?;
        println!("{output}");
        for name in ["tokio", "smol"] {
            if output.contains(name) != (name == runtime) {
                return Err(format!("the example should have run on {runtime} alone and said so").into());
            }
        }
    }
    for (example, argument, says) in [
        ("unix_hello", None, "Hello, Ada"),
        ("udp_hello", None, "Hello, Ada"),
        ("unix_datagram_hello", None, "Hello, Ada"),
        ("pass_descriptor", None, "the file begins with"),
        ("server", Some("--once"), "finished: 3"),
    ] {
        for features in ["smol", "tokio"] {
            let sh = suite.sh;
            let output = cmd!(
                sh,
                "cargo run --quiet --example {example} --features {features} -- {argument...}"
            )
            .read()?;
            println!("{output}");
            if !output.contains(says) {
                return Err(format!("{example} did not say {says:?} on {features}").into());
            }
        }
    }
    Ok(())
}

/// Crates that use ours, in a workspace of their own, where their features meet.
fn downstream(suite: &mut Suite<'_>) -> Result {
    let sh = suite.sh;
    let target = sh.current_dir().join("target");
    let _shared = sh.push_env("CARGO_TARGET_DIR", target);
    let _folder = sh.push_dir("tests/downstream");
    suite.run(cmd!(sh, "cargo build --workspace"))?;
    suite.run(cmd!(sh, "cargo test --workspace --no-fail-fast"))
}
