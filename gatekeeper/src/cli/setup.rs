//! `gatekeeper setup`: hooks into an assistant's own configuration.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::output::{escaped_lines, out};
use crate::assistant::Assistant;
use crate::assistant::setup::{Change, Scope};
use crate::sys::process::effective_uid;

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Arguments {
    /// Whose hooks.
    #[arg(value_name = "ASSISTANT")]
    assistant: Assistant,
    /// For everybody, in the assistant's administrative file, which users can't change: for root, who gets it
    /// by default.
    #[arg(long, group = "scope")]
    system: bool,
    /// For yourself.
    #[arg(long, group = "scope")]
    user: bool,
    /// For whoever works in the current folder; what other users than root get by default.
    #[arg(long, group = "scope")]
    project: bool,
    /// Take gatekeeper's own hooks out again, and nothing else.
    #[arg(long)]
    remove: bool,
    /// Show what would be changed, and change nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Sets up hooks, or takes them back.
///
/// # Errors
/// Where the assistant's file can't be changed, gatekeeper's path needs quoting, or standard output fails.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { assistant, system, user, project, remove, dry_run } = *arguments;
    let scope = if system || (effective_uid() == 0 && !user && !project) {
        Scope::System { root: "/".into() }
    } else if user {
        Scope::User(home()?)
    } else {
        Scope::Project(std::env::current_dir().context("the current folder")?)
    };
    let program = std::env::current_exe().context("the path of this program")?;
    if program.to_str().is_none_or(|path| path.contains(|c: char| c.is_whitespace() || "'\"\\$`".contains(c)))
    {
        bail!("{}: install gatekeeper where its path needs no quoting", program.display());
    }
    let change = Change::plan(assistant, &scope, &program, remove)?;
    let mut out = out();
    if change.is_none() {
        writeln!(out, "{}: nothing to change", change.path.display())?;
        return Ok(ExitCode::SUCCESS);
    }
    write!(out, "{}", escaped_lines(&change.diff()))?;
    if !dry_run {
        change.make()?;
        let words = if change.after.is_some() { "written" } else { "removed" };
        writeln!(out, "{}: {words}", change.path.display())?;
    }
    if assistant == Assistant::Codex && !remove && !matches!(scope, Scope::System { .. }) {
        writeln!(out, "Codex runs these hooks once you have trusted them: type /hooks in it.")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn home() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    home.context("HOME is not set: which user's hooks?")
}
