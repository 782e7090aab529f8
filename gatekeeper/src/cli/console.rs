//! `gatekeeper console`.

use std::process::ExitCode;

use anyhow::Context;

use crate::config::Config;
use crate::console;

/// Shows the console until it is left.
///
/// # Errors
/// Where there is no terminal, or it is gone.
pub fn run(config: &Config) -> anyhow::Result<ExitCode> {
    console::run(&config.socket).context("the console")?;
    Ok(ExitCode::SUCCESS)
}
