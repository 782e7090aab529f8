//! `gatekeeper label`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::output::out;
use super::run::{choice, workspace};
use crate::config::Config;
use crate::protocol::client::ask;
use crate::protocol::messages::{Answer, LabelCgroup, Request};

/// Arguments of `label`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The cgroup's folder, below /sys/fs/cgroup. It stays bound until it is removed.
    #[arg(long, value_name = "PATH")]
    cgroup: PathBuf,
    /// The policy: a name from the policy directories, or a file (with a / or ending in .toml).
    #[arg(long, short, value_name = "NAME|FILE")]
    policy: String,
    /// Whose ${home}, ${user} and ${uid} the policy means; root's where left out.
    #[arg(long, short, value_name = "USER")]
    user: Option<String>,
    /// The value of ${workspace} in the policy; the current directory where left out.
    #[arg(long, short, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// The session's purpose, for people.
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
}

/// Labels a cgroup.
///
/// # Errors
/// Where the policy or the workspace can't be read, the daemon does not answer or refuses, or standard output fails.
pub fn run(config: &Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let request = Request::Label(LabelCgroup {
        policy: choice(&arguments.policy)?,
        workspace: workspace(arguments.workspace.as_deref())?,
        cgroup: arguments.cgroup,
        user: arguments.user,
        purpose: arguments.purpose,
    });
    for answer in ask(&config.socket, request)? {
        if let Answer::Opened { session, processes } = answer? {
            let count = processes.unwrap_or(0);
            writeln!(out(), "session {session}: {count} processes bound, and whatever enters the cgroup")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
