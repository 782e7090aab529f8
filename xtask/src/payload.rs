//! The second disk of a guest: the second init, gatekeeper's files, copies, the command.
//! Built for each run, so that a changed binary costs no new root file system.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cmd::{cmd, have};
use crate::guest::GuestRun;
use crate::{build, paths};

const INIT: &str = include_str!("../guest/init");

/// Makes the image in `dir`.
pub fn build(dir: &Path, run: &GuestRun) -> Result<PathBuf> {
    let script = &run.script;
    let tree = dir.join("payload");
    let install = tree.join("install");
    for sub in ["install/usr/bin", "install/usr/libexec/gatekeeper-tests", "copy"] {
        fs::create_dir_all(tree.join(sub)).context("cannot create the payload")?;
    }
    write_program(&tree.join("init"), INIT)?;
    let script = if script.starts_with("#!") { script.clone() } else { format!("#!/bin/bash\n{script}\n") };
    write_program(&tree.join("command"), &script)?;

    for (name, path) in build::guest_binaries(run.profile)? {
        let place = if name == "gatekeeper" { "usr/bin" } else { "usr/libexec/gatekeeper-tests" };
        install_program(&path, &install.join(place).join(&name))?;
    }
    let policies = paths::root().join("policies");
    if policies.is_dir() {
        let to = install.join("usr/share/gatekeeper");
        fs::create_dir_all(&to).context("cannot create the payload")?;
        cmd("cp").arg("-r").arg(policies).arg(to).quiet()?;
    }
    for from in &run.copies {
        let help = "--copy wants a file or folder of this machine";
        cmd("cp").arg("-a").arg(from).arg(tree.join("copy")).help(help).quiet()?;
    }

    let image = dir.join("payload.ext4");
    let used = cmd("du").args(["-sm", "--apparent-size"]).arg(&tree).read()?;
    let used: u64 = used.split_whitespace().next().and_then(|size| size.parse().ok()).unwrap_or(0);
    cmd("mke2fs")
        .args(["-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-E", "root_owner=0:0", "-d"])
        .arg(&tree)
        .arg(&image)
        .arg(format!("{}M", used + used / 5 + 32))
        .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()))
        .help("apt-get install e2fsprogs")
        .quiet()?;
    fs::remove_dir_all(&tree).context("cannot remove the payload's tree")?;
    Ok(image)
}

fn write_program(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).context("cannot make it executable")
}

/// Without debug information: a guest under emulation reads every byte slowly.
fn install_program(from: &Path, to: &Path) -> Result<()> {
    if have("strip") {
        return cmd("strip").args(["--strip-debug", "-o"]).arg(to).arg(from).quiet();
    }
    fs::copy(from, to).map(drop).with_context(|| format!("cannot copy {}", from.display()))
}
