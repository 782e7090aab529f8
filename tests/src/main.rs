//! The guest suite: a real daemon, real sessions, a real kernel. `tests/README.md` says how it is built.

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::suite()
}
