//! `gatekeeper audit show`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::super::output::{escaped_lines, out};
use gatekeeper_trail::index::Index;

/// Arguments of `audit show`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The record's number.
    #[arg(value_name = "ID")]
    record: u64,
    /// On one line, byte for byte as it is stored.
    #[arg(long)]
    json: bool,
}

/// Prints one record whole.
///
/// # Errors
/// Where the trail or its index can't be read, or standard output fails.
pub fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = out();
    for (text, _) in Index::open(folder)?.lines(&[arguments.record])? {
        if arguments.json {
            writeln!(out, "{text}")?;
        } else {
            let value: serde_json::Value = serde_json::from_str(&text)?;
            writeln!(out, "{}", escaped_lines(&serde_json::to_string_pretty(&value)?))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
