//! A measured process: forked, put under what it is measured under, and then this program afresh.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::work::{Figures, OPERATIONS};

/// Returns the figures that a process under `enter` measures. `enter` runs between fork and exec.
pub fn measured(enter: impl Fn() -> Result<()> + Send + Sync + 'static) -> Result<Figures> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("measure").stdout(Stdio::piped());
    // SAFETY: the parent has one thread, so the child may do all that the parent may.
    unsafe { command.pre_exec(move || enter().map_err(|error| std::io::Error::other(format!("{error:#}")))) };
    let output = command.spawn().context("starting a measured process")?.wait_with_output()?;
    if !output.status.success() {
        bail!("the measured process ended with {}", output.status);
    }
    let text = String::from_utf8(output.stdout)?;
    let figures: Vec<u64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    Figures::try_from(figures).ok().with_context(|| format!("wanted {} figures: {text}", OPERATIONS.len()))
}
