//! `cargo xtask fmt` and `cargo xtask lint`.

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args;

use crate::build::Profile;
use crate::cmd::cmd;
use crate::{dependencies, diagram, hooks, layers, paths, promises, prose, setup, source_paths, toolchain};

/// Choice of checks.
#[derive(Args)]
pub struct Lint {
    /// Look for advisories against dependencies, too: needs cargo-deny, and the network for its database
    #[arg(long)]
    advisories: bool,
    /// Only the checks that compile nothing: for changes of documents, and while a compiler is at work anyway
    #[arg(long)]
    texts: bool,
}

/// Formats everything.
pub fn fmt() -> Result<()> {
    cmd("cargo").args(["fmt", "--all"]).dir(paths::root()).run()?;
    let ebpf = paths::root().join("gatekeeper-ebpf");
    if ebpf.join("Cargo.toml").is_file() {
        cmd("cargo").arg("fmt").dir(&ebpf).run()?;
    }
    Ok(())
}

/// Runs every check, and fails after the last one if any has failed.
pub fn run(lint: &Lint) -> Result<()> {
    setup::build()?;
    let mut failed = Vec::new();
    let mut since = Instant::now();
    let mut check = |name: &'static str, result: Result<()>| {
        match result {
            Ok(()) => eprintln!("lint: {name}: ok ({:.0} s)", since.elapsed().as_secs_f64()),
            Err(error) => {
                eprintln!("lint: {name}: {error:#}");
                failed.push(name);
            }
        }
        since = Instant::now();
    };

    let help = "cargo xtask fmt";
    check("format", cmd("cargo").args(["fmt", "--all", "--check"]).dir(paths::root()).help(help).run());
    if !lint.texts {
        compiled(&mut check);
    }
    check("oldest Rust", dependencies::oldest_rust());
    check("dependencies", dependencies::check());
    match dependencies::cargo_deny(lint.advisories) {
        Ok(false) => eprintln!("lint: cargo-deny: skipped, not installed ({})", dependencies::install()),
        ran => check("cargo-deny", ran.map(drop)),
    }
    if !lint.advisories {
        eprintln!("lint: advisories: skipped, the GitHub workflow looks for them; --advisories does so here");
    }
    check("hooks", hooks::check());
    check("layers", layers::check());
    check("crate diagram", diagram::check());
    check("documents", prose::check());
    check("promises", promises::unit_tests_exist());
    check("paths in documents", source_paths::check());
    if !failed.is_empty() {
        bail!("lint failed: {}", failed.join(", "));
    }
    Ok(())
}

/// The checks that compile.
fn compiled(check: &mut impl FnMut(&'static str, Result<()>)) {
    let help = "cargo xtask fmt";
    let ebpf = paths::root().join("gatekeeper-ebpf");
    check("clippy", {
        let clippy = cmd("cargo").args([
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--profile",
            Profile::Quick.name(),
        ]);
        clippy.args(["--", "-D", "warnings"]).dir(paths::root()).run()
    });
    if ebpf.join("Cargo.toml").is_file() {
        check("eBPF format", cmd("cargo").args(["fmt", "--check"]).dir(&ebpf).help(help).run());
        match toolchain::find() {
            Some(found) if found.has_clippy() => check("eBPF clippy", {
                let clippy = found.cargo("clippy").args(["--quiet", "--release", "--", "-D", "warnings"]);
                // Apart from the build's own folder: the two would undo each other's work.
                clippy.env("CARGO_TARGET_DIR", paths::target().join("ebpf-clippy")).dir(&ebpf).run()
            }),
            Some(found) => eprintln!("lint: eBPF clippy: skipped, {} has no clippy", found.name()),
            None => {
                check("eBPF clippy", Err(anyhow::anyhow!("no eBPF toolchain\n  help: cargo xtask setup")))
            }
        }
    }
    check("documentation", {
        let doc = cmd("cargo").args([
            "doc",
            "--quiet",
            "--workspace",
            "--no-deps",
            "--profile",
            Profile::Quick.name(),
        ]);
        doc.env("RUSTDOCFLAGS", "-D warnings").dir(paths::root()).run()
    });
}
