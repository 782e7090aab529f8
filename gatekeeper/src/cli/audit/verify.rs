//! `gatekeeper audit verify`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::super::output::{BAD, DIM, GOOD, WARN, escaped, json, out};
use super::{key, key_or_lying};
use gatekeeper_trail::index::first_false_row;
use gatekeeper_trail::log::folder::{INDEX, notes};
use gatekeeper_trail::log::prove::Proof;
use gatekeeper_trail::log::signed_note::{Checkpoint, Verifier};
use gatekeeper_trail::log::verify::{Finding, Report, verify};

/// Findings shown; one is enough to act upon.
const SHOWN: usize = 20;
/// Further attempts at a trail that seems not whole.
const LOOKS: usize = 2;
/// The time between them.
const MOMENT: Duration = Duration::from_millis(200);

/// Arguments of `audit verify`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The public key, as text or as a file, from where nobody could have exchanged it; the one in the
    /// trail's folder where left out.
    #[arg(long, value_name = "KEY|FILE")]
    key: Option<String>,
    /// A checkpoint that was kept elsewhere: shows that nothing was taken from the end since.
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Check the proof of one record, as `audit prove` made it, instead of the trail.
    #[arg(long, value_name = "FILE", requires = "key")]
    proof: Option<PathBuf>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Whether it is about a proof alone.
    pub fn needs_no_trail(&self) -> bool {
        self.proof.is_some()
    }
}

/// Verifies; succeeds only where all is whole.
///
/// # Errors
/// Where the trail, a key, a checkpoint or a proof can't be read, or standard output fails. Findings are no error.
pub fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(path) = &arguments.proof {
        return check_proof(path, &key_or_lying(folder, arguments.key.as_deref())?, arguments.json);
    }
    let verifier = arguments.key.as_deref().map(key).transpose()?;
    let from = match &arguments.from {
        None => None,
        Some(path) => Some(checkpoint(path, &key_or_lying(folder, arguments.key.as_deref())?)?),
    };
    let look =
        || verify(folder, verifier.as_ref(), from.as_ref()).with_context(|| folder.display().to_string());
    let mut report = look()?;
    for _ in 0..LOOKS {
        if report.findings.is_empty() {
            break;
        }
        // In the middle of a write or of a new segment, a living trail is not whole for a moment.
        std::thread::sleep(MOMENT);
        report = look()?;
    }
    let mut false_row = first_false_row(folder)?;
    if false_row.is_some() {
        // Somebody may just have been searching, after retention.
        std::thread::sleep(MOMENT);
        false_row = first_false_row(folder)?;
    }
    if let Some(problem) = false_row {
        report.findings.push(Finding::file(INDEX, problem));
    }
    if arguments.json {
        let Report { origin, first, size, signed, checkpoints, findings } = &report;
        let object = json!({
            "intact": findings.is_empty(),
            "origin": origin,
            "first": first,
            "size": size,
            "signed": signed,
            "checkpoints": checkpoints,
            "findings": findings,
        });
        json(&mut out(), &object)?;
    } else {
        print(&report, arguments.key.is_some())?;
    }
    Ok(if report.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The last checkpoint in a file: a single one, or a copy of the trail's.
fn checkpoint(path: &Path, verifier: &Verifier) -> anyhow::Result<Checkpoint> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| name.to_string())?;
    let note = notes(&text).last().with_context(|| format!("{name}: there is no checkpoint in it"))?;
    Checkpoint::open(note, verifier).with_context(|| name.to_string())
}

fn print(report: &Report, key_given: bool) -> anyhow::Result<()> {
    let mut out = out();
    let Report { origin, first, size, signed, checkpoints, findings } = report;
    if findings.is_empty() {
        writeln!(out, "{GOOD}whole{GOOD:#}: records {first} to {}", size.saturating_sub(1))?;
    } else {
        writeln!(out, "{BAD}not whole{BAD:#}")?;
    }
    for finding in findings.iter().take(SHOWN) {
        writeln!(out, "  {BAD}{}{BAD:#}", escaped(&finding.to_string()))?;
    }
    if findings.len() > SHOWN {
        writeln!(out, "  and {} more", findings.len() - SHOWN)?;
    }
    writeln!(out, "{DIM}trail{DIM:#} {}", escaped(origin))?;
    writeln!(
        out,
        "{DIM}signed{DIM:#} up to record {} by {checkpoints} checkpoints",
        signed.saturating_sub(1)
    )?;
    if size > signed {
        let waiting = size - signed;
        writeln!(out, "{WARN}{waiting} records{WARN:#} after that are chained and not yet signed")?;
    }
    if !key_given {
        writeln!(
            out,
            "{DIM}with the key that lies beside the trail: give --key one that was kept elsewhere{DIM:#}"
        )?;
    }
    Ok(())
}

fn check_proof(path: &Path, verifier: &Verifier, as_json: bool) -> anyhow::Result<ExitCode> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| name.clone())?;
    let proof: Proof = serde_json::from_str(&text).with_context(|| name.clone())?;
    let checkpoint = proof.check(verifier).with_context(|| name)?;
    let Proof { index, record, .. } = &proof;
    let mut out = out();
    if as_json {
        let object =
            json!({ "intact": true, "index": index, "origin": checkpoint.origin, "size": checkpoint.size });
        json(&mut out, &object)?;
    } else {
        let origin = escaped(&checkpoint.origin);
        writeln!(
            out,
            "{GOOD}proved{GOOD:#}: record {index} is one of the first {} of {origin}",
            checkpoint.size
        )?;
        writeln!(out, "{}", escaped(record))?;
    }
    Ok(ExitCode::SUCCESS)
}
