//! The suite on a runtime that nobody ships, and on a network that is not made of descriptors. `docs/backends.md` walks
//! through the former.

mod backend;
mod memory;

use std::process::ExitCode;
use std::thread::{self, JoinHandle};

use anynet_conformance::{Backend, Body, Second, Suite};
use anynet_core::{BoxRuntime, Executor};
use backend::Mio;

fn main() -> ExitCode {
    let mio = Backend {
        name: "mio",
        run,
        second: Some(second),
        deviations: &[],
    };
    Suite::new(&[mio])
        .with_network(memory::MEMORY)
        .with_network(memory::FAULTY)
        .main()
}

fn run(case: Body) {
    let running = Running::start();
    let runtime = BoxRuntime::new(running.runtime.clone());
    futures_lite::future::block_on(runtime.spawn(case(runtime.clone())));
}

fn second() -> Second {
    let running = Running::start();
    Second {
        runtime: BoxRuntime::new(running.runtime.clone()),
        shut_down: Box::new(move || drop(running)),
    }
}

/// A runtime on a thread of its own, until this is dropped.
struct Running {
    runtime: Mio,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start() -> Self {
        let (runtime, drive) = Mio::new().expect("an epoll instance");
        Self {
            runtime,
            thread: Some(thread::spawn(drive)),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.runtime.shut_down();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
