//! `cargo xtask assistants`: real assistants in real sessions, with a scripted model instead of a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::build::Profile;
use crate::cmd::{cmd, have};
use crate::guest::{Echo, GuestRun};
use crate::{build, paths, setup, vm};

/// The oldest Node.js that Gemini CLI runs on.
const NODE: u32 = 20;

/// Where they run.
#[derive(Args)]
pub struct Assistants {
    /// The guest's kernel
    #[arg(long, default_value = "6.12")]
    kernel: String,
    /// Seconds until the guest is stopped
    #[arg(long, default_value_t = 2400)]
    timeout: u64,
}

/// Runs them; 0 when their hook reports were joined with what the kernel saw.
pub fn run(assistants: &Assistants, profile: Profile) -> Result<i32> {
    let stage = stage()?;
    setup::build()?;
    setup::guest()?;
    build::run(profile)?;
    let run = GuestRun {
        copies: vec![stage, paths::root().join("tests/assistants")],
        memory: 4096,
        timeout: Duration::from_secs(assistants.timeout),
        echo: Echo::Plain,
        ..GuestRun::new(&assistants.kernel, profile, "exec bash /mnt/copy/assistants/run.sh")
    };
    let outcome = run.run()?;
    vm::report(&assistants.kernel, &outcome);
    Ok(outcome.status())
}

/// The assistants as npm has them, and a Node.js that is new enough for them, in a folder for the guest.
fn stage() -> Result<PathBuf> {
    let stage = paths::target().join("assistants/stage");
    let wanted = fs::read(paths::root().join("tests/assistants/package.json"))
        .context("tests/assistants/package.json")?;
    let done = stage.with_file_name("staged.json");
    if fs::read(&done).is_ok_and(|found| found == wanted) {
        return Ok(stage);
    }
    let node = node()?;
    let install = paths::target().join("assistants/npm");
    fs::create_dir_all(&install).context("cannot make a folder for npm")?;
    fs::write(install.join("package.json"), &wanted).context("cannot write package.json")?;
    cmd("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
        .dir(&install)
        .help("can npm reach its registry?")
        .run()?;
    cmd("rm").arg("-rf").arg(&stage).quiet()?;
    fs::create_dir_all(&stage).context("cannot make the staging folder")?;
    let modules = install.join("node_modules");
    let codex = "@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";
    for from in [modules.join(codex), modules.join("@google/gemini-cli"), node] {
        cmd("cp").arg("-rL").arg(&from).arg(&stage).quiet()?;
    }
    fs::write(&done, &wanted).context("cannot note what is staged")?;
    Ok(stage)
}

fn node() -> Result<PathBuf> {
    let help = format!("  help: install Node.js {NODE} or newer, with npm");
    if !have("node") || !have("npm") {
        bail!("node and npm are needed to fetch the assistants\n{help}");
    }
    let found = cmd("node").args(["-p", "process.execPath + ' ' + process.versions.node"]).read()?;
    let (path, version) = found.trim().rsplit_once(' ').context("node printed no version")?;
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
    if major < NODE {
        bail!("node {version} is too old for Gemini CLI\n{help}");
    }
    Ok(Path::new(path).to_path_buf())
}
