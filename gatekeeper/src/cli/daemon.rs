//! `gatekeeper daemon`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::daemon::{self, detach};

/// Arguments of `daemon`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Instead, take all programs out of the kernel; the daemon must be stopped and no session open. It is recorded
    #[arg(long)]
    detach_all: bool,
}

/// Runs the daemon until a signal or a command stops it, or undoes what daemons leave.
///
/// # Errors
/// Where the configuration is wrong, the programs can't be detached, or the daemon can't start or go on.
pub fn run(
    config: Option<&Path>,
    socket: Option<PathBuf>,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
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
    if arguments.detach_all {
        let count = detach::detach(&config)?;
        println!("{count} programs are detached; nothing is enforced until a daemon starts");
        return Ok(ExitCode::SUCCESS);
    }
    daemon::run(config)?;
    Ok(ExitCode::SUCCESS)
}
