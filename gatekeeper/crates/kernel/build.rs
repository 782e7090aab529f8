//! Builds the kernel programs with the eBPF toolchain and hands the object file to the crate.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fmt};

/// The message where no toolchain is found.
const HELP: &str = "no eBPF toolchain found; `cargo xtask setup` installs one. By hand, one of:\n  \
    rustup toolchain install nightly --component rust-src\n  \
    apt-get install rustc-web cargo-web libstd-rust-web-dev-bpf    (Debian 12)\n  \
    apt-get install rustc cargo libstd-rust-dev-bpf                (later Debian)";

fn main() {
    println!("cargo::rerun-if-changed=../../../gatekeeper-ebpf/src");
    println!("cargo::rerun-if-changed=../../../gatekeeper-ebpf/Cargo.toml");
    println!("cargo::rerun-if-changed=../../../gatekeeper-ebpf/.cargo/config.toml");
    println!("cargo::rerun-if-changed=../../../gatekeeper-common/src");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    if let Err(error) = build(&out) {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

/// The reason that there are no programs.
enum BuildError {
    NoToolchain,
    /// The compiler can't be started, or has failed.
    Cargo(String),
    Copy(PathBuf, std::io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoToolchain => to.write_str(HELP),
            Self::Cargo(why) => write!(
                to,
                "building gatekeeper-ebpf failed ({why}); if bpf-linker is missing, `cargo xtask setup` installs it"
            ),
            Self::Copy(object, error) => write!(to, "copying {}: {error}", object.display()),
        }
    }
}

/// The toolchain, in the order in which it is looked for.
fn toolchain() -> Option<Command> {
    nightly().or_else(distribution)
}

/// rustup's nightly, where it has the sources of `core`.
fn nightly() -> Option<Command> {
    let sysroot = Command::new("rustc").args(["+nightly", "--print", "sysroot"]).output().ok()?;
    let sysroot = PathBuf::from(String::from_utf8(sysroot.stdout).ok()?.trim());
    let sources = sysroot.join("lib/rustlib/src/rust/library/core");
    if !sources.is_dir() {
        return None;
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["+nightly", "build", "-Z", "build-std=core"]);
    Some(cargo)
}

/// The distribution's own compiler, with `core` prebuilt for BPF.
fn distribution() -> Option<Command> {
    let target = Command::new("/usr/bin/rustc")
        .args(["--print", "target-libdir", "--target", "bpfel-unknown-none"])
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .ok()?;
    let library = PathBuf::from(String::from_utf8(target.stdout).ok()?.trim());
    if !library.is_dir() {
        return None;
    }
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo.arg("build").env("RUSTC", "/usr/bin/rustc").env("RUSTC_BOOTSTRAP", "1");
    Some(cargo)
}

fn build(out: &Path) -> Result<(), BuildError> {
    let folder = Path::new("../../../gatekeeper-ebpf");
    // One folder for all profiles: `<target>/<profile>/build/<package>/out` is ours, the kernel's programs are the same.
    let target = out.ancestors().nth(4).unwrap_or(out).join("ebpf");
    let mut cargo = toolchain().ok_or(BuildError::NoToolchain)?;
    // This build's own settings are not for the other target.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO") && text != "CARGO_HOME"
            || text.starts_with("RUSTC_W")
            || text == "RUSTFLAGS"
        {
            cargo.env_remove(&name);
        }
    }
    if !env::var("RUSTC_BOOTSTRAP").is_ok_and(|value| value == "1") && cargo.get_program() != "/usr/bin/cargo"
    {
        cargo.env_remove("RUSTC");
    }
    cargo
        .args(["--release", "--quiet", "--locked", "--target", "bpfel-unknown-none", "--target-dir"])
        .arg(&target)
        .env_remove("RUSTUP_TOOLCHAIN")
        // cargo asks `rustc -` about the target, which reads what it finds there.
        .stdin(Stdio::null())
        .current_dir(folder);
    let status = cargo.status().map_err(|error| BuildError::Cargo(format!("starting {cargo:?}: {error}")))?;
    if !status.success() {
        return Err(BuildError::Cargo(status.to_string()));
    }
    let object = target.join("bpfel-unknown-none/release/gatekeeper");
    std::fs::copy(&object, out.join("gatekeeper.bpf.o"))
        .map(drop)
        .map_err(|error| BuildError::Copy(object, error))
}
