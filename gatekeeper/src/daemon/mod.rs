//! The daemon: starts up, takes over what runs, serves until a signal stops it. Enforcement outlives it.
//!
//! `state` is what all its tasks share, on one thread. `serve` starts the tasks: `control` (the socket), `events` (the
//! kernel's ring buffer), `hold::serve`, `tick`. `session`, `hook` and `hold` do what requests ask for.

pub mod control;
pub mod detach;
mod events;
mod handle;
mod hold;
mod hook;
mod policy_cache;
mod serve;
pub mod session;
pub mod state;
mod status;
mod supervise;
#[cfg(test)]
mod tests;
mod tick;
mod watchdog;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use gatekeeper_trail::files;
use tokio::task::LocalSet;

use crate::config::Config;
use crate::sys;

/// The reason that the daemon can't start.
#[derive(Debug, thiserror::Error)]
#[error("{context}: {source}")]
pub struct DaemonError {
    context: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl DaemonError {
    /// Adds the step or path that failed to an error.
    pub(crate) fn at<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        context: impl Into<String>,
    ) -> impl FnOnce(E) -> Self {
        let context = context.into();
        move |source| Self { context, source: source.into() }
    }
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// Where it can't start; see each cause.
pub fn run(config: Config) -> Result<(), DaemonError> {
    let _lock = alone(&config)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(8)
        .build()
        .map_err(DaemonError::at("starting the runtime"))?;
    runtime.block_on(LocalSet::new().run_until(serve::serve(config)))
}

/// Takes the daemon's lock, for root and one at a time; dropping the file releases it.
fn alone(config: &Config) -> Result<File, DaemonError> {
    if sys::process::effective_uid() != 0 {
        let source =
            io::Error::new(io::ErrorKind::PermissionDenied, "only root can: try `sudo gatekeeper daemon`");
        return Err(DaemonError::at("starting the daemon")(source));
    }
    sys::fd::umask(0o022);
    let state = config.state.display().to_string();
    files::make_folder(&config.state, 0o700).map_err(DaemonError::at(state))?;
    lock(&config.state)
}

/// The help where the lock's file can't be opened.
const LOCK_HELP: &str = "move what has its name out of the way: the lock is an empty file";

/// Locks the state folder: two daemons would undo each other's work.
fn lock(state: &Path) -> Result<File, DaemonError> {
    let path = state.join("lock");
    let name = path.display().to_string();
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(&path)
        .map_err(|error| io::Error::new(error.kind(), format!("{error}\nhelp: {LOCK_HELP}")))
        .map_err(DaemonError::at(name.clone()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            let source = io::Error::new(io::ErrorKind::AddrInUse, "another daemon is running");
            Err(DaemonError::at(name)(source))
        }
        Err(fs::TryLockError::Error(error)) => Err(DaemonError::at(name)(error)),
    }
}
