//! `gatekeeper man`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

/// Arguments of `man`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The page of this subcommand, such as `run`; the page of gatekeeper itself where left out.
    subcommand: Option<String>,
    /// Write all pages into this folder instead.
    #[arg(long, value_name = "DIR", conflicts_with = "subcommand")]
    all: Option<PathBuf>,
}

/// Prints a page, or writes all.
///
/// # Errors
/// Where there is no such subcommand, or the pages can't be written.
pub fn run(arguments: &Arguments, mut command: clap::Command) -> anyhow::Result<ExitCode> {
    command.build();
    if let Some(folder) = &arguments.all {
        clap_mangen::generate_to(command, folder).with_context(|| folder.display().to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let page = match &arguments.subcommand {
        None => command,
        Some(name) => command
            .find_subcommand(name)
            .with_context(|| format!("there is no subcommand \"{name}\""))?
            .clone(),
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text)?;
    std::io::stdout().write_all(&text)?;
    Ok(ExitCode::SUCCESS)
}
