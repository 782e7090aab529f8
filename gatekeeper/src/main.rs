//! gatekeeper's one binary: the daemon and the command line.

#![warn(clippy::pedantic)]

use std::process::ExitCode;

fn main() -> ExitCode {
    gatekeeper::cli::main()
}
