//! `cargo xtask build`: what is shipped, and what the guest's tests need.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::cmd::cmd;
use crate::paths;

/// The packages whose programs go into a guest.
const PACKAGES: [&str; 2] = ["gatekeeper", "tests"];

/// The guest's C library; a program linked to a newer one would not start there.
const GUEST_GLIBC: (u32, u32) = (2, 36);

const STATIC_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds in release mode.
pub fn run() -> Result<()> {
    let mut build = cmd("cargo").args(["build", "--release"]).dir(paths::root());
    for package in PACKAGES {
        build = build.args(["-p", package]);
    }
    if must_be_static() {
        build = build.args(["--target", STATIC_TARGET]).env("RUSTFLAGS", "-C target-feature=+crt-static");
    }
    build.mend("cargo xtask setup, then see the compiler's words").run()
}

/// Where the release programs are.
pub fn out_dir() -> PathBuf {
    let dir = paths::target();
    if must_be_static() { dir.join(STATIC_TARGET).join("release") } else { dir.join("release") }
}

/// Every program for the guest that has been built: its name and where it is.
pub fn guest_binaries() -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for name in binaries()? {
        let path = out_dir().join(&name);
        if path.is_file() {
            found.push((name, path));
        }
    }
    Ok(found)
}

/// The names of the guest's programs, as the packages declare them.
pub fn binaries() -> Result<Vec<String>> {
    let metadata = metadata(&["--no-deps"])?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let is = |value: &Value, key: &str, name: &str| value[key].as_str() == Some(name);
    let mut names = Vec::new();
    for package in list(&metadata["packages"]) {
        if !PACKAGES.iter().any(|name| is(&package, "name", name)) {
            continue;
        }
        for target in list(&package["targets"]) {
            if list(&target["kind"]).iter().any(|kind| kind.as_str() == Some("bin")) {
                names.extend(target["name"].as_str().map(str::to_owned));
            }
        }
    }
    Ok(names)
}

/// What `cargo metadata` says.
pub fn metadata(args: &[&str]) -> Result<Value> {
    let text = cmd("cargo").args(["metadata", "--format-version=1"]).args(args).dir(paths::root()).read()?;
    serde_json::from_str(&text).context("cannot read what cargo metadata says")
}

fn must_be_static() -> bool {
    let text = cmd("getconf").arg("GNU_LIBC_VERSION").read().unwrap_or_default();
    let version = text.trim().trim_start_matches("glibc ").split_once('.');
    let version = version.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    version.is_none_or(|version: (u32, u32)| version > GUEST_GLIBC)
}
