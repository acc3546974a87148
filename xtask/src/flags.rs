//! The command line.

use std::process::ExitCode;

xflags::xflags! {
    /// The project's chores.
    cmd xtask {
        /// Run every check: formatting, lints, docs, licences, house rules, tests, examples, packaging.
        cmd test {
            /// Treat what had to be skipped as failed.
            optional --strict
        }
        /// Install the outside programs that the tests use (Debian), then `test --strict`.
        cmd ci {}
        /// Run the conformance suite and print behaviours against backends.
        cmd conformance {
            /// Only this backend: the first part of a trial's name, or the first words of that.
            optional --backend name: String
            /// Only cases whose name contains this.
            optional --case pattern: String
            /// Run it twice on each backend, and fail if the second time leaves other descriptors open than the first.
            optional --fds
        }
        /// Check the house rules.
        cmd tidy {}
        /// Check that the suite fails on every mistake in crates/conformance/mutants.
        cmd mutants {
            /// Only those whose name contains one of these.
            repeated name: String
        }
        /// Run the conformance suite under AddressSanitizer, where the toolchain has its runtime.
        cmd asan {
            /// Fail where it has none.
            optional --strict
        }
        /// Compare with the native sockets: times, or with --counts system calls, instructions and allocations.
        cmd bench {
            optional --counts
        }
    }
}

/// Says what is wrong with the command line and what it may be. Asking for help is not wrong.
pub(crate) fn explain(error: &xflags::Error) -> ExitCode {
    if error.is_help() {
        println!("{error}");
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error}\n");
    if let Err(usage) = Xtask::from_vec(vec!["--help".into()]) {
        eprintln!("{usage}");
    }
    ExitCode::from(2)
}
