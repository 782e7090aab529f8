//! `gatekeeper sessions`.

use std::process::ExitCode;

use anstyle::Style;

use super::output::{DIM, GOOD, Table, json, out};
use crate::config::Config;
use crate::protocol::client::ask;
use crate::protocol::messages::{Answer, Request};
use crate::protocol::summary::Summary;

/// Arguments of `sessions`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Lists the sessions.
///
/// # Errors
/// Where the daemon does not answer, refuses the request, or standard output fails.
pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut found = Vec::new();
    for answer in ask(&config.socket, Request::Sessions {})? {
        if let Answer::Session(session) = answer? {
            found.push(*session);
        }
    }
    let mut out = out();
    if arguments.json {
        for session in &found {
            json(&mut out, session)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if found.is_empty() {
        writeln!(out, "no session is open")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&[
        "SESSION",
        "NAME",
        "USER",
        "SINCE",
        "LEFT",
        "PROCESSES",
        "POLICIES",
        "WORKSPACE",
        "PURPOSE",
    ]);
    found.sort_by_key(|session| session.opened);
    for session in &found {
        table.row(row(session));
    }
    table.print(&mut out)?;
    Ok(ExitCode::SUCCESS)
}

/// Time left, in the two largest units that tell something.
fn left(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

fn row(session: &Summary) -> [(String, Style); 9] {
    let plain = Style::new();
    let policies: Vec<String> =
        session.policies.iter().map(|policy| format!("{}@{}", policy.name, policy.generation)).collect();
    let inside = session.parent.map(|parent| format!(" in {parent}")).unwrap_or_default();
    [
        (session.session.to_string(), GOOD),
        (session.name.clone().unwrap_or_else(|| "-".into()), plain),
        (session.user.clone(), plain),
        (session.opened.day_and_minute(), DIM),
        (session.seconds_left.map_or_else(|| "-".into(), left), plain),
        (session.processes.as_ref().map_or_else(|| "?".into(), |found| found.len().to_string()), plain),
        (format!("{}{inside}", policies.join(" + ")), plain),
        (session.workspace.display().to_string(), plain),
        (session.purpose.clone().unwrap_or_else(|| "-".into()), plain),
    ]
}
use std::io::Write as _;
