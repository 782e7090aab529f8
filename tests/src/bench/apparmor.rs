//! AppArmor with a profile of the same rules as the small policy.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

const NAME: &str = "gatekeeper-bench";

const PROFILE: &str = "
profile gatekeeper-bench {
  network,
  signal,
  ptrace,
  capability,
  unix,
  /usr/** mrix,
  /etc/hosts r,
  /etc/** r,
  /dev/** rw,
  /proc/** r,
  /tmp/** rw,
  /run/** rw,
  deny /**/.env rw,
}
";

/// Loads the profile into the kernel.
pub fn load() -> Result<()> {
    let mut parser = Command::new("apparmor_parser")
        .args(["--replace", "--skip-cache"])
        .stdin(Stdio::piped())
        .spawn()
        .context("starting apparmor_parser")?;
    parser.stdin.take().context("no pipe")?.write_all(PROFILE.as_bytes())?;
    let status = parser.wait()?;
    ensure!(status.success(), "apparmor_parser ended with {status}");
    Ok(())
}

/// Puts this process under the profile at its next exec.
pub fn change() -> Result<()> {
    let line = format!("exec {NAME}");
    fs::write("/proc/self/attr/apparmor/exec", &line)
        .or_else(|_| fs::write("/proc/self/attr/exec", &line))
        .context("changing the profile")
}
