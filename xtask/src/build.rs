//! `cargo xtask build`: gatekeeper, and the programs of the guest's tests.

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

/// Features that a test of the whole workspace turns on. With them, the quick build's libraries are those of the tests, and
/// none is built twice.
const TESTING: &str = "gatekeeper-policy/testing,gatekeeper-trail/testing,gatekeeper-trail/default";

/// A profile of the root Cargo.toml.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Profile {
    /// Built again in seconds after a change; unit tests share it.
    Quick,
    /// The shipped one.
    Release,
}

impl Profile {
    /// The shipped one where that was asked for.
    pub fn chosen(release: bool) -> Profile {
        if release { Profile::Release } else { Profile::Quick }
    }

    /// The name for cargo, and of the folder in the target folder.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Quick => "quick",
            Profile::Release => "release",
        }
    }
}

/// Builds gatekeeper and the guest's test programs.
pub fn run(profile: Profile) -> Result<()> {
    let mut build = cmd("cargo").args(["build", "--profile", profile.name()]).dir(paths::root());
    for package in PACKAGES {
        build = build.args(["-p", package]);
    }
    if profile == Profile::Quick {
        build = build.args(["--features", TESTING]);
    }
    if must_be_static() {
        build = build.args(["--target", STATIC_TARGET]).env("RUSTFLAGS", "-C target-feature=+crt-static");
    }
    build.help("cargo xtask setup, then see the compiler's messages").run()
}

/// The folder of the built programs.
pub fn out_dir(profile: Profile) -> PathBuf {
    let dir = paths::target();
    let dir = if must_be_static() { dir.join(STATIC_TARGET) } else { dir };
    dir.join(profile.name())
}

/// Every program for the guest that has been built: its name and its path.
pub fn guest_binaries(profile: Profile) -> Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for name in binaries()? {
        let path = out_dir(profile).join(&name);
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

/// The output of `cargo metadata`.
pub fn metadata(args: &[&str]) -> Result<Value> {
    let text = cmd("cargo").args(["metadata", "--format-version=1"]).args(args).dir(paths::root()).read()?;
    serde_json::from_str(&text).context("cannot read the output of cargo metadata")
}

fn must_be_static() -> bool {
    let text = cmd("getconf").arg("GNU_LIBC_VERSION").read().unwrap_or_default();
    let version = text.trim().trim_start_matches("glibc ").split_once('.');
    let version = version.and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    version.is_none_or(|version: (u32, u32)| version > GUEST_GLIBC)
}
