//! The conformance suite on tokio, in both of its flavours.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anynet_conformance::{Backend, Body, Second, Suite};
use anynet_core::{BoxRuntime, Runtime};
use anynet_tokio::Tokio;
use tokio::runtime::{Builder, Runtime as TokioRuntime};

fn main() -> ExitCode {
    let current = Backend {
        name: "tokio-current",
        run: on_current,
        second: Some(second),
        deviations: &[],
    };
    let multi = Backend {
        name: "tokio-multi",
        run: on_multi,
        second: Some(second),
        deviations: &[],
    };
    Suite::new(&[current, multi]).main()
}

fn on_current(case: Body) {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async { case(current()).await });
}

fn on_multi(case: Body) {
    let runtime = multi();
    let ran = runtime.block_on(async { tokio::spawn(case(current())).await });
    if let Err(failed) = ran {
        std::panic::resume_unwind(failed.into_panic());
    }
}

fn second() -> Second {
    let runtime = multi();
    let boxed = BoxRuntime::new(Tokio::new(runtime.handle().clone()));
    Second {
        runtime: boxed,
        // On a thread of its own: waiting for the end is not allowed within a runtime.
        shut_down: Box::new(move || {
            let ending = thread::spawn(move || runtime.shutdown_timeout(Duration::from_secs(10)));
            ending.join().expect("a shutdown does not panic");
        }),
    }
}

fn multi() -> TokioRuntime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made")
}

fn current() -> BoxRuntime {
    BoxRuntime::new(Tokio::current().expect("the case runs on tokio"))
}
