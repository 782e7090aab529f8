//! The guest's root file system: a Debian, built once.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::apt::Suites;
use crate::cmd::{cmd, is_root, sudo};
use crate::paths;

const CUSTOMISE: &str = include_str!("../guest/customise");

const SUITES: [&str; 3] = ["bookworm", "bookworm-updates", "bookworm-security"];

/// The packages of an assistant's work and of the tests, beyond Debian's essential ones.
const PACKAGES: [&str; 35] = [
    "apparmor",
    "bash",
    "bubblewrap",
    "busybox",
    "ca-certificates",
    "cargo",
    "coreutils",
    "curl",
    "file",
    "firejail",
    "gcc",
    "gdb",
    "git",
    "iproute2",
    "kmod",
    "less",
    "libc6-dev",
    "lighttpd",
    "make",
    "netcat-openbsd",
    "nodejs",
    "npm",
    "openssh-client",
    "openssl",
    "passwd",
    "procps",
    "psmisc",
    "python3",
    "python3-pip",
    "python3-pytest",
    "python3-venv",
    "strace",
    "sudo",
    "tmux",
    "util-linux",
];

/// The image; its name changes with what it is made from.
pub fn image() -> Result<PathBuf> {
    let mut hasher = DefaultHasher::new();
    (CUSTOMISE, SUITES, PACKAGES).hash(&mut hasher);
    Ok(paths::guest("rootfs")?.join(format!("{:016x}.ext4", hasher.finish())))
}

/// Builds the image unless it is there.
pub fn build() -> Result<()> {
    let image = image()?;
    if image.is_file() {
        return Ok(());
    }
    let dir = paths::guest("rootfs")?;
    let (tree, hook) = (dir.join("tree"), dir.join("customise"));
    sudo("rm").arg("-rf").arg(&tree).quiet()?;
    fs::write(&hook, CUSTOMISE).context("cannot write the customise hook")?;

    let suites = Suites::open("rootfs", &SUITES)?;
    let mut debootstrap = sudo("mmdebstrap").args([
        "--quiet",
        "--variant=minbase",
        "--mode=root",
        &format!("--include={}", PACKAGES.join(",")),
        "--aptopt=APT::Install-Recommends \"false\"",
        // Pages that no test reads cost a third of the time.
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        &format!("--customize-hook=sh {} \"$1\"", hook.display()),
        "bookworm",
    ]);
    debootstrap = debootstrap.arg(&tree).args(&suites.lines);
    debootstrap.help("see the lines above; is the machine's mirror reachable?").quiet()?;

    let part = image.with_extension("part");
    let _ = fs::remove_file(&part);
    sudo("mke2fs")
        .args(["-q", "-t", "ext4", "-O", "^has_journal", "-m", "0", "-L", "root", "-d"])
        .arg(&tree)
        .arg(&part)
        .arg("4G")
        .quiet()?;
    sudo("rm").arg("-rf").arg(&tree).quiet()?;
    if !is_root() {
        sudo("chown").arg("--reference").arg(&dir).arg(&part).quiet()?;
    }
    for old in fs::read_dir(&dir).context("cannot list the images")?.flatten() {
        if old.path().extension().is_some_and(|ext| ext == "ext4") {
            cmd("rm").arg("-f").arg(old.path()).quiet()?;
        }
    }
    fs::rename(&part, &image).context("cannot name the image")
}
