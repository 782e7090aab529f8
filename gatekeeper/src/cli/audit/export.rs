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

/// Writes these records of the index to the target.
type Writer = fn(Box<dyn Write + Send>, &Index, &[u64]) -> anyhow::Result<()>;

impl Format {
    /// Returns the function that writes this form.
    ///
    /// # Errors
    /// Where this build has none.
    #[cfg_attr(
        feature = "parquet",
        expect(clippy::unnecessary_wraps, reason = "a build without a form refuses it")
    )]
    fn writer(self) -> anyhow::Result<Writer> {
        match self {
            Self::Jsonl => Ok(write_lines),
            #[cfg(feature = "parquet")]
            Self::Parquet => Ok(write_table),
            #[cfg(not(feature = "parquet"))]
            Self::Parquet => bail!(
                "this gatekeeper was built without `--format parquet`\n  help: use `--format jsonl`, or a build with the feature `parquet`"
            ),
        }
    }
}

/// Writes the records that fit, oldest first.
///
/// # Errors
/// Where this build can't write the form, the trail or its index can't be read, or the output can't be written.
pub fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let write = arguments.format.writer()?;
    let index = Index::open(folder)?;
    let found = index.search(&arguments.which.query())?;
    let target: Box<dyn Write + Send> = match &arguments.output {
        None if arguments.format == Format::Parquet
            && std::io::IsTerminal::is_terminal(&std::io::stdout()) =>
        {
            bail!("Parquet is nothing to look at\n  help: --output FILE")
        }
        None => Box::new(BufWriter::new(std::io::stdout())),
        Some(path) => {
            let file = File::create(path).with_context(|| path.display().to_string())?;
            Box::new(BufWriter::new(file))
        }
    };
    write(target, &index, &found)?;
    if let Some(path) = &arguments.output {
        writeln!(out(), "{} records to {}", found.len(), path.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes one record a line.
fn write_lines(mut target: Box<dyn Write + Send>, index: &Index, found: &[u64]) -> anyhow::Result<()> {
    for ids in found.chunks(PORTION) {
        for (text, _) in index.lines(ids)? {
            writeln!(target, "{text}")?;
        }
    }
    Ok(target.flush()?)
}

/// Writes a table.
#[cfg(feature = "parquet")]
fn write_table(target: Box<dyn Write + Send>, index: &Index, found: &[u64]) -> anyhow::Result<()> {
    let mut table = gatekeeper_trail::index::parquet::Table::begin(target)?;
    for ids in found.chunks(PORTION) {
        let lines = index.lines(ids)?;
        table.write(lines.iter().map(|(text, line)| (text.as_str(), line)))?;
    }
    Ok(table.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_is_not_built_in_is_refused_by_the_name_of_its_feature() {
        assert!(Format::Jsonl.writer().is_ok());
        let refusal = Format::Parquet.writer().err().map(|error| error.to_string());
        assert_eq!(refusal.is_none(), cfg!(feature = "parquet"));
        assert!(
            refusal.is_none_or(|text| text.contains("\n  help: ") && text.contains("the feature `parquet`"))
        );
    }
}
