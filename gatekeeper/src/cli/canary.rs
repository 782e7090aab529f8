//! `gatekeeper canary`: not for people.

use std::path::PathBuf;
use std::process::ExitCode;

use gatekeeper_kernel::canary::run as run_canary;

/// Arguments of `canary`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder of its own.
    folder: PathBuf,
    /// The cgroup it will be labelled in.
    cgroup: PathBuf,
}

/// Tries every hook and tells what it got.
///
/// # Errors
/// Where the canary can't be run.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    run_canary(&arguments.folder, &arguments.cgroup)?;
    Ok(ExitCode::SUCCESS)
}
