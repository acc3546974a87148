//! The conformance suite on smol, with its global executor.

use std::process::ExitCode;

use anynet_conformance::{Backend, Body, Suite};
use anynet_core::BoxRuntime;
use anynet_smol::Smol;

fn main() -> ExitCode {
    // smol's reactor is never shut down, so there is no second one.
    Suite::new(&[Backend {
        name: "smol",
        run,
        second: None,
        deviations: &[],
    }])
    .main()
}

fn run(case: Body) {
    smol::block_on(smol::spawn(case(BoxRuntime::new(Smol::new()))));
}
