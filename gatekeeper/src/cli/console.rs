//! `gatekeeper console`.

use std::process::ExitCode;

use crate::config::Config;

/// Shows the console until it is left.
#[cfg(feature = "console")]
pub fn run(config: &Config) -> anyhow::Result<ExitCode> {
    use anyhow::Context;

    crate::console::run(&config.socket).context("the console")?;
    Ok(ExitCode::SUCCESS)
}

/// Says that this build has no console.
#[cfg(not(feature = "console"))]
pub fn run(_: &Config) -> anyhow::Result<ExitCode> {
    anyhow::bail!(
        "this gatekeeper was built without its console\n  help: use `gatekeeper holds --follow`, or a build with the feature `console`"
    )
}
