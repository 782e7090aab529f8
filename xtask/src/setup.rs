//! `cargo xtask setup`: everything the other commands need, each step cached.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::apt::{self, Suites};
use crate::cmd::{cmd, have, is_root};
use crate::{kernels, qemu, rootfs, toolchain};

/// For building the linker and gatekeeper, for unpacking kernels, for the root file system.
const TOOLS: [&str; 16] = [
    "cpio",
    "g++",
    "e2fsprogs",
    "gcc",
    "git",
    "kmod",
    "libc6-dev",
    "libpolly-22-dev",
    "llvm-22-dev",
    "lz4",
    "mmdebstrap",
    "util-linux",
    "xz-utils",
    "zlib1g-dev",
    "libzstd-dev",
    "zstd",
];

/// Everything.
pub fn run(refresh: bool) -> Result<()> {
    tools()?;
    linker()?;
    guest_files(refresh)
}

/// The needs of a guest, for the commands that only boot one.
pub fn guest() -> Result<()> {
    if qemu::usable() && kernels::ready() && rootfs::image()?.is_file() {
        return Ok(());
    }
    tools()?;
    guest_files(false)
}

/// The kernels alone, for the checks that only read them.
pub fn kernels() -> Result<()> {
    if kernels::ready() {
        return Ok(());
    }
    tools()?;
    kernels::fetch(false).map(drop)
}

/// The needs of a build.
pub fn build() -> Result<()> {
    if toolchain::find().is_some() && toolchain::has_linker() {
        return Ok(());
    }
    tools()?;
    linker()
}

fn tools() -> Result<()> {
    let release = apt::release()?;
    if release.id != "debian" {
        return elsewhere(&release.name);
    }
    if !is_root() && !have("sudo") {
        bail!("packages must be installed, which needs root: run it as root, or install sudo");
    }
    let mut wanted = TOOLS.to_vec();
    if toolchain::find().is_none_or(|found| matches!(found, toolchain::Toolchain::Debian)) {
        wanted.extend(match release.codename.as_str() {
            // Debian 12's own rustc is too old: its `-web` twin follows the browsers' needs.
            "bookworm" => ["rustc-web", "cargo-web", "rust-web-clippy", "libstd-rust-web-dev-bpf"],
            _ => ["rustc", "cargo", "rust-clippy", "libstd-rust-dev-bpf"],
        });
    }
    step("packages", || {
        let missing = apt::missing(&wanted);
        if missing.is_empty() {
            return Ok(format!("{} packages are there", wanted.len()));
        }
        apt::install(&missing)?;
        Ok(format!("installed {}", missing.join(" ")))
    })?;
    step("QEMU", || {
        if !qemu::usable() {
            install_qemu(&release.codename)?;
        }
        let version = qemu::version().context("QEMU was installed and does not start")?;
        Ok(format!("version {version}"))
    })
}

/// From the release's own suite when that is new enough, else from its backports.
fn install_qemu(codename: &str) -> Result<()> {
    let backports = format!("{codename}-backports");
    let suites = [codename, &format!("{codename}-updates"), &format!("{codename}-security"), &backports];
    let suites = Suites::open("qemu", &suites)?;
    suites
        .apt("apt-get")
        .args(["install", "-y", "--no-install-recommends", "-t", &backports, "qemu-system-x86"])
        .help("install QEMU 10 or newer (qemu-system-x86)")
        .quiet()?;
    if !qemu::usable() {
        bail!("QEMU from {backports} is older than 10\n  help: install QEMU 10 or newer (qemu-system-x86)");
    }
    Ok(())
}

fn linker() -> Result<()> {
    step("eBPF toolchain", || match toolchain::find() {
        Some(found) => Ok(found.name().to_owned()),
        None => bail!(
            "no compiler has core for {}\n  help: rustup +nightly component add rust-src",
            toolchain::TARGET
        ),
    })?;
    step("bpf-linker", || {
        if !toolchain::has_linker() {
            toolchain::install_linker()?;
        }
        Ok(format!("version {}", toolchain::LINKER))
    })
}

fn guest_files(refresh: bool) -> Result<()> {
    step("kernels", || {
        if !kernels::ready() || refresh {
            return Ok(kernels::fetch(refresh)?.join("; "));
        }
        let names: Result<Vec<String>> =
            kernels::SERIES.iter().map(|series| Ok(kernels::get(series)?.release)).collect();
        Ok(names?.join(", "))
    })?;
    step("root file system", || {
        rootfs::build()?;
        Ok("Debian bookworm".to_owned())
    })
}

/// One line of progress, on standard error: standard output belongs to what is run.
fn step(name: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
    let start = Instant::now();
    eprint!("setup: {name} … ");
    let result = work().with_context(|| format!("setup: {name}"));
    let took = start.elapsed().as_secs_f64();
    match &result {
        Ok(text) => eprintln!("{text} ({took:.1} s)"),
        Err(_) => eprintln!("failed ({took:.1} s)"),
    }
    result.map(drop)
}

/// Not Debian: say what is missing, change nothing.
fn elsewhere(name: &str) -> Result<()> {
    let mut wants = Vec::new();
    if toolchain::find().is_none() {
        wants.push("rustup's nightly with rust-src: rustup toolchain install nightly -c rust-src");
    }
    if !toolchain::has_linker() {
        wants.push("bpf-linker 0.13.0, with LLVM 22 or newer: cargo install bpf-linker --version 0.13.0");
    }
    if !qemu::usable() {
        wants.push("QEMU 10 or newer for x86_64 (qemu-system-x86_64)");
    }
    let programs = [
        "mke2fs",
        "mmdebstrap",
        "apt-get",
        "dpkg-deb",
        "depmod",
        "cpio",
        "g++",
        "xz",
        "lz4",
        "zstd",
        "setpriv",
        "strip",
    ];
    let missing: Vec<&str> = programs.into_iter().filter(|program| !have(program)).collect();
    let missing = format!("the programs {}", missing.join(", "));
    if !missing.ends_with(' ') {
        wants.push(&missing);
    }
    if !have("cargo") || cmd("cargo").arg("--version").quiet().is_err() {
        wants.push("Rust stable, from rustup");
    }
    if wants.is_empty() {
        return Ok(());
    }
    bail!(
        "set-up by itself works on Debian only, and this is {name}; install by hand:\n  - {}",
        wants.join("\n  - ")
    )
}
