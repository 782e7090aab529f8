//! The eBPF toolchain, in the order in which it is looked for.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cmd::{Cmd, cmd, have};

/// The target of everything that runs in the kernel.
pub const TARGET: &str = "bpfel-unknown-none";
/// The linker's version.
pub const LINKER: &str = "0.13.0";

/// A compiler that has `core` for the eBPF target.
pub enum Toolchain {
    /// rustup's nightly with its sources: core is built on the way.
    Nightly,
    /// Debian's, where core is prebuilt.
    Debian,
}

/// The first that is there.
pub fn find() -> Option<Toolchain> {
    if nightly_sources() {
        Some(Toolchain::Nightly)
    } else if Path::new("/usr/bin/cargo").is_file() && debian_core().is_some() {
        Some(Toolchain::Debian)
    } else {
        None
    }
}

impl Toolchain {
    /// For people.
    pub fn name(&self) -> &'static str {
        match self {
            Toolchain::Nightly => "rustup's nightly with rust-src",
            Toolchain::Debian => "Debian's rustc with its prebuilt core",
        }
    }

    /// `cargo COMMAND` for the eBPF target, in whatever folder is set.
    pub fn cargo(&self, command: &str) -> Cmd {
        let cargo = match self {
            Toolchain::Nightly => cmd("cargo").args(["+nightly", command, "-Z", "build-std=core"]),
            Toolchain::Debian => cmd("/usr/bin/cargo")
                .arg(command)
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                // rustup's proxies must not stand before Debian's own programs.
                .env("PATH", format!("/usr/bin:{}", std::env::var("PATH").unwrap_or_default())),
        };
        cargo.args(["--target", TARGET])
    }

    /// Whether it can run clippy.
    pub fn has_clippy(&self) -> bool {
        match self {
            Toolchain::Nightly => cmd("cargo").args(["+nightly", "clippy", "--version"]).quiet().is_ok(),
            Toolchain::Debian => Path::new("/usr/bin/cargo-clippy").is_file(),
        }
    }
}

/// `rust-src` may be missing from a nightly: look for the file that the build needs.
fn nightly_sources() -> bool {
    if !have("rustup") {
        return false;
    }
    let rustc = cmd("rustup").args(["which", "--toolchain", "nightly", "rustc"]).read();
    let sysroot = |rustc: String| Some(PathBuf::from(rustc.trim()).parent()?.parent()?.to_path_buf());
    rustc.ok().and_then(sysroot).is_some_and(|dir| dir.join("lib/rustlib/src/rust/library/core").is_dir())
}

fn debian_core() -> Option<PathBuf> {
    let dir = Path::new("/usr/lib/rustlib").join(TARGET).join("lib");
    dir.is_dir().then_some(dir)
}

/// Whether the linker is there in the version we want.
pub fn has_linker() -> bool {
    have("bpf-linker") && cmd("bpf-linker").arg("--version").read().is_ok_and(|text| text.contains(LINKER))
}

/// Builds the linker; it takes about 90 s.
pub fn install_linker() -> Result<()> {
    let llvm = "/usr/lib/llvm-22";
    cmd("cargo")
        .args(["install", "bpf-linker", "--version", LINKER, "--locked", "--force"])
        .args(["--no-default-features", "--features", "llvm-22"])
        .env("LLVM_PREFIX", llvm)
        .env("LLVM_SYS_221_PREFIX", llvm)
        .env("LIBRARY_PATH", format!("{llvm}/lib"))
        .help("apt-get install llvm-22-dev libpolly-22-dev")
        .quiet()
        .context("bpf-linker cannot be installed")
}
