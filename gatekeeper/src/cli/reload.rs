//! `gatekeeper reload`.

use std::io::Write;
use std::process::ExitCode;

use super::output::{BAD, escaped_lines, json, out};
use crate::config::Config;
use crate::protocol::client::ask;
use crate::protocol::messages::{Answer, Request};

/// Arguments of `reload`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON object a session.
    #[arg(long)]
    json: bool,
}

/// Reloads; succeeds only where every session took its policies.
///
/// # Errors
/// Where the daemon does not answer, refuses the request, or standard output fails.
pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = out();
    let mut code = ExitCode::SUCCESS;
    for answer in ask(&config.socket, Request::Reload {})? {
        let Answer::Reloaded { session, generation, error } = answer? else { continue };
        if error.is_some() {
            code = ExitCode::FAILURE;
        }
        if arguments.json {
            let object = serde_json::json!({ "session": session, "generation": generation, "error": error });
            json(&mut out, &object)?;
        } else if let Some(error) = error {
            let error = escaped_lines(&error);
            writeln!(out, "{session}  {BAD}keeps its policies{BAD:#}: {error}")?;
        } else {
            writeln!(out, "{session}  generation {}", generation.unwrap_or(0))?;
        }
    }
    Ok(code)
}
