//! `gatekeeper daemon`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::daemon;

/// Runs the daemon until it is told to stop.
pub fn run(config: &Path, socket: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let filter = EnvFilter::try_from_env("GATEKEEPER_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    let mut config = Config::load(config)?;
    if let Some(socket) = socket {
        config.socket = socket;
    }
    daemon::run(config)?;
    Ok(ExitCode::SUCCESS)
}
