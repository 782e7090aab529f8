//! `cargo xtask demo`: a session as a person would see it, here or in a guest.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;

use crate::build::Profile;
use crate::cmd::{cmd, is_root};
use crate::guest::{Echo, GuestRun};
use crate::{build, paths, setup, vm};

/// Where the demo runs.
#[derive(Args)]
pub struct Demo {
    /// Here, even if it looks as though the kernel would refuse
    #[arg(long, conflicts_with = "guest")]
    host: bool,
    /// In a guest, even if this kernel could do it
    #[arg(long)]
    guest: bool,
    /// The guest's kernel
    #[arg(long, default_value = "6.12")]
    kernel: String,
}

/// Runs it; the exit status is the demo's.
pub fn run(demo: &Demo, profile: Profile) -> Result<i32> {
    let script = paths::root().join("tests/demo/demo.sh");
    if !script.is_file() {
        bail!("there is no {}", script.display());
    }
    setup::build()?;
    build::run(profile)?;
    if demo.host || (!demo.guest && host_can_enforce(profile)) {
        eprintln!("demo: on this machine");
        let gatekeeper = build::out_dir(profile).join("gatekeeper");
        let passed = cmd("bash").arg(&script).env("GATEKEEPER", gatekeeper).dir(paths::root()).ok()?;
        return Ok(i32::from(!passed));
    }
    eprintln!("demo: in a guest, kernel {}", demo.kernel);
    setup::guest()?;
    let run = GuestRun {
        copies: vec![paths::root().join("tests/demo")],
        timeout: Duration::from_secs(900),
        echo: Echo::Plain,
        ..GuestRun::new(
            &demo.kernel,
            profile,
            "export GATEKEEPER=/usr/bin/gatekeeper\nexec bash /mnt/copy/demo/demo.sh",
        )
    };
    let outcome = run.run()?;
    vm::report(&demo.kernel, &outcome);
    Ok(outcome.status())
}

/// Whether a BPF LSM program really loads and denies here: the LSM list alone does not show it.
fn host_can_enforce(profile: Profile) -> bool {
    is_root() && cmd(build::out_dir(profile).join("gatekeeper")).args(["doctor", "--probe"]).quiet().is_ok()
}
