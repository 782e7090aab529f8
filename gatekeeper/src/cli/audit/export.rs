//! `gatekeeper audit export`: records for analysis, as JSON Lines or as Parquet.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::super::output::out;
use super::search::Which;
use gatekeeper_trail::index::Index;
use gatekeeper_trail::index::parquet::Table;

/// Records read and written at a time.
const PORTION: usize = 10_000;

/// The form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One record a line, as stored.
    Jsonl,
    /// A table: one row a record, the fields one asks for as columns, the whole record in the last.
    Parquet,
}

/// Arguments of `audit export`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The form.
    #[arg(long, value_enum)]
    format: Format,
    /// Where to; left out: standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    which: Which,
}

/// Writes the records that fit, oldest first.
///
/// # Errors
/// Where the trail or its index can't be read, or the output can't be written.
pub fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let index = Index::open(folder)?;
    let found = index.search(&arguments.which.query())?;
    let mut target: Box<dyn Write + Send> = match &arguments.output {
        None if arguments.format == Format::Parquet
            && std::io::IsTerminal::is_terminal(&std::io::stdout()) =>
        {
            bail!("Parquet is nothing to look at\n  say where to: --output FILE")
        }
        None => Box::new(BufWriter::new(std::io::stdout())),
        Some(path) => {
            let file = File::create(path).with_context(|| path.display().to_string())?;
            Box::new(BufWriter::new(file))
        }
    };
    match arguments.format {
        Format::Jsonl => {
            for ids in found.chunks(PORTION) {
                for (text, _) in index.lines(ids)? {
                    writeln!(target, "{text}")?;
                }
            }
            target.flush()?;
        }
        Format::Parquet => {
            let mut table = Table::begin(target)?;
            for ids in found.chunks(PORTION) {
                let lines = index.lines(ids)?;
                table.write(lines.iter().map(|(text, line)| (text.as_str(), line)))?;
            }
            table.finish()?;
        }
    }
    if let Some(path) = &arguments.output {
        writeln!(out(), "{} records to {}", found.len(), path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}
