//! `gatekeeper audit stats`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::super::output::{DIM, HEAD, escaped, json, out};
use super::search::Which;
use gatekeeper_trail::index::{Count, Index};

/// Arguments of `audit stats`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Prints what there is most of; `--last` says how many of each.
///
/// # Errors
/// Where the trail or its index can't be read, or standard output fails.
pub fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let stats = Index::open(folder)?.stats(&arguments.which.query())?;
    let mut out = out();
    if arguments.json {
        json(&mut out, &stats)?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "{} records", stats.records)?;
    for (heading, counts) in [
        ("KINDS", &stats.kinds),
        ("OPERATIONS", &stats.operations),
        ("RULES THAT REFUSED", &stats.rules),
        ("REFUSED MOST", &stats.refused),
        ("DECISIONS", &stats.decisions),
        ("SESSIONS", &stats.sessions),
        ("PROGRAMS", &stats.programs),
    ] {
        if counts.is_empty() {
            continue;
        }
        writeln!(out, "\n{HEAD}{heading}{HEAD:#}")?;
        for Count { value, count } in counts {
            writeln!(out, "{DIM}{count:>8}{DIM:#}  {}", escaped(value))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
