//! The conformance suite on `Current`, with both runtimes compiled in: inside tokio, and inside smol.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anynet::{BoxRuntime, Current, Runtime, runtime};
use anynet_conformance::{Backend, Body, Second, Suite};
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let in_tokio = Backend {
        name: "current-tokio",
        run: in_tokio,
        second: Some(second),
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

/// `Current` inside a tokio runtime of its own, which ends before the case does.
fn second() -> Second {
    let tokio = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let entered = tokio.enter();
    let runtime = current("tokio");
    drop(entered);
    // On a thread of its own: waiting for the end is not allowed within a runtime.
    let shut_down = move || {
        let ending = thread::spawn(move || tokio.shutdown_timeout(Duration::from_secs(10)));
        ending.join().expect("a shutdown does not panic");
    };
    Second {
        runtime,
        shut_down: Box::new(shut_down),
    }
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
