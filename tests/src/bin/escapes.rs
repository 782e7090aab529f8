//! The escape suite: attacks on a session, each with its proof. `tests/README.md` says how it is built.

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::escapes()
}
