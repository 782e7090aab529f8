//! `gatekeeper doctor`.

use std::io::Write;
use std::process::ExitCode;

use super::output::{BAD, GOOD, HEAD, WARN, json, out};
use crate::config::Config;
use crate::doctor::{CheckStatus, examine, try_out};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON object a check.
    #[arg(long)]
    json: bool,
    /// Load the programs and try them: succeeds only where the kernel really refuses the test operations (root).
    #[arg(long)]
    probe: bool,
}

/// Examines the machine; succeeds only where nothing is in the way.
///
/// # Errors
/// Where standard output fails. Findings are no error.
pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = out();
    let mut findings = examine();
    if arguments.probe {
        findings.push(try_out(config));
    }
    for finding in &findings {
        if arguments.json {
            json(&mut out, finding)?;
            continue;
        }
        let (style, word) = match finding.status {
            CheckStatus::Pass => (GOOD, "good"),
            CheckStatus::Warn => (WARN, "mind"),
            CheckStatus::Fail => (BAD, "bad"),
        };
        writeln!(out, "{style}{word:4}{style:#}  {HEAD}{:10}{HEAD:#}  {}", finding.check, finding.detail)?;
        if let Some(help) = &finding.help {
            writeln!(out, "{:16}  → {help}", "")?;
        }
    }
    let bad = match findings.last() {
        // What was tried outweighs what was looked at.
        Some(tried) if arguments.probe => tried.status == CheckStatus::Fail,
        _ => findings.iter().any(|finding| finding.status == CheckStatus::Fail),
    };
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
