//! The conformance suite on `Current`, with both runtimes compiled in: inside tokio, and inside smol.

use std::process::ExitCode;

use anynet::{BoxRuntime, Current, Runtime, runtime};
use anynet_conformance::{Backend, Body, Suite};

fn main() -> ExitCode {
    let in_tokio = Backend {
        name: "current-tokio",
        run: in_tokio,
        second: None,
        deviations: &[],
    };
    let in_smol = Backend {
        name: "current-smol",
        run: in_smol,
        second: None,
        deviations: &[],
    };
    Suite::new(&[in_tokio, in_smol]).main()
}

fn in_tokio(case: Body) {
    let ran = runtime::tokio::run(async {
        runtime::tokio::spawn(case(current("tokio")))
            .expect("tokio is here")
            .await;
    });
    ran.expect("tokio can be started");
}

fn in_smol(case: Body) {
    let ran = runtime::smol::run(async {
        runtime::smol::spawn(case(current("smol")))
            .expect("smol is everywhere")
            .await;
    });
    ran.expect("smol can be started");
}

fn current(expected: &str) -> BoxRuntime {
    let current = Current::current().expect("a runtime is here");
    assert_eq!(current.name(), expected);
    BoxRuntime::new(current)
}
