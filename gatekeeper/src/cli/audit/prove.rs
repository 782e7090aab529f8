//! `gatekeeper audit prove`.

use std::path::Path;
use std::process::ExitCode;

use super::super::output::{json, out};
use super::key_or_lying;
use gatekeeper_trail::log::prove::Proof;

/// Arguments of `audit prove`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The record's number.
    #[arg(value_name = "ID")]
    record: u64,
}

/// Prints the proof: one JSON object, for `audit verify --proof`.
///
/// # Errors
/// Where the key or the trail can't be read, the record is not provable, or standard output fails.
pub fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let verifier = key_or_lying(folder, None)?;
    json(&mut out(), &Proof::of(folder, &verifier, arguments.record)?)?;
    Ok(ExitCode::SUCCESS)
}
