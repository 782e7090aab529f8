//! The dependencies against `deny.toml`: licences, sources, banned crates, duplicates, and the oldest Rust.
//!
//! cargo-deny reads the same file and looks deeper, into licence texts for instance. Building it takes five minutes of a
//! processor, so it is not installed on the way; what it would find in the manifests is checked here in any case.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use toml::Table;

use crate::cmd::{cmd, have};
use crate::{build, licences, paths};

/// The folders with a `Cargo.lock` whose crates are shipped.
const FOLDERS: [&str; 2] = [".", "gatekeeper-ebpf"];
/// The target whose dependencies are looked at.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// The version of cargo-deny that reads `deny.toml`.
pub const CARGO_DENY: &str = "0.20.2";

/// A dependency as `cargo metadata` has it.
struct Package {
    name: String,
    version: String,
    licence: String,
    source: String,
    rust: Option<String>,
    /// Only tests use it.
    is_dev: bool,
}

/// The parts of `deny.toml` that are checked here.
struct Rules {
    licences: Vec<String>,
    registries: Vec<String>,
    banned: Vec<String>,
    /// `name@version` of duplicates that are accepted; the version may be cut short.
    skipped: Vec<String>,
}

/// Checks the manifests of all dependencies.
///
/// # Errors
/// Names every dependency that `deny.toml` doesn't accept.
pub fn check() -> Result<()> {
    let rules = Rules::read(&text("deny.toml")?)?;
    let mut refused = Vec::new();
    for folder in FOLDERS {
        refused.extend(rules.refused(&packages(folder)?));
    }
    if !refused.is_empty() {
        bail!("deny.toml does not accept: {}", refused.join(", "));
    }
    Ok(())
}

/// Runs cargo-deny where it is installed; whether it is.
///
/// # Errors
/// Where it refuses a dependency, or advisories are asked for and it is missing.
pub fn cargo_deny(advisories: bool) -> Result<bool> {
    if !have("cargo-deny") {
        if advisories {
            bail!("cargo-deny is not installed\n  help: {}", install());
        }
        return Ok(false);
    }
    for folder in FOLDERS {
        let manifest = paths::root().join(folder).join("Cargo.toml");
        let mut deny =
            cmd("cargo").args(["deny", "--locked", "--config", "deny.toml", "--manifest-path"]).arg(manifest);
        // A duplicate of one tree need not be one of the other.
        deny = deny.args(["check", "-A", "unmatched-skip", "licenses", "sources", "bans"]);
        if advisories {
            deny = deny.arg("advisories");
        }
        deny.dir(paths::root()).run()?;
    }
    Ok(true)
}

/// The command that installs cargo-deny.
pub fn install() -> String {
    format!("cargo install cargo-deny --version {CARGO_DENY} --locked --no-default-features")
}

/// Checks that one oldest Rust is named everywhere, that it is the pinned toolchain, and that no dependency needs a
/// newer one.
///
/// # Errors
/// Names what differs.
pub fn oldest_rust() -> Result<()> {
    let pinned: Table = text("rust-toolchain.toml")?.parse().context("rust-toolchain.toml")?;
    let pinned =
        pinned["toolchain"]["channel"].as_str().context("rust-toolchain.toml names no channel")?.to_owned();
    let mut wrong = Vec::new();
    for folder in FOLDERS.into_iter().chain(["tests/fuzz"]) {
        let manifest = paths::root().join(folder).join("Cargo.toml").to_string_lossy().into_owned();
        let metadata = build::metadata(&["--no-deps", "--manifest-path", &manifest])?;
        for package in metadata["packages"].as_array().into_iter().flatten() {
            let (name, rust) = (string(&package["name"]), string(&package["rust_version"]));
            if rust.is_empty() || numbers(&rust) != numbers(&pinned) {
                wrong.push(format!("{name} has rust-version {rust:?}, and rust-toolchain.toml {pinned}"));
            }
        }
    }
    for package in FOLDERS.into_iter().map(packages).collect::<Result<Vec<_>>>()?.into_iter().flatten() {
        if let Some(rust) = package.rust.filter(|rust| numbers(rust) > numbers(&pinned)) {
            wrong.push(format!("{} {} needs Rust {rust}", package.name, package.version));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    Ok(())
}

/// A version's numbers, without zeros at the end.
fn numbers(version: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = version.split('.').map_while(|part| part.parse().ok()).collect();
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    numbers
}

fn text(file: &str) -> Result<String> {
    fs::read_to_string(paths::root().join(file)).with_context(|| format!("cannot read {file}"))
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The dependencies of a folder's crates; what has no source is part of the project.
fn packages(folder: &str) -> Result<Vec<Package>> {
    let manifest = paths::root().join(folder).join("Cargo.toml").to_string_lossy().into_owned();
    let metadata = build::metadata(&["--locked", "--filter-platform", TARGET, "--manifest-path", &manifest])?;
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let shipped = shipped(&metadata);
    let foreign: Vec<Package> = packages
        .iter()
        .filter(|package| package["source"].is_string())
        .map(|package| Package {
            name: string(&package["name"]),
            version: string(&package["version"]),
            licence: string(&package["license"]),
            source: string(&package["source"]),
            rust: package["rust_version"].as_str().map(str::to_owned),
            is_dev: !shipped.contains(package["id"].as_str().unwrap_or_default()),
        })
        .collect();
    if foreign.is_empty() {
        bail!("cargo metadata names no dependency of {manifest}");
    }
    Ok(foreign)
}

/// The ids of what the project's own crates lead to without their tests' dependencies.
fn shipped(metadata: &Value) -> BTreeSet<&str> {
    fn list(value: &Value) -> &[Value] {
        value.as_array().map(Vec::as_slice).unwrap_or_default()
    }
    let nodes = list(&metadata["resolve"]["nodes"]).iter();
    let nodes: BTreeMap<&str, &Value> = nodes.filter_map(|node| Some((node["id"].as_str()?, node))).collect();
    let mut waiting: Vec<&str> =
        list(&metadata["workspace_members"]).iter().filter_map(Value::as_str).collect();
    let mut met = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if met.insert(id)
            && let Some(node) = nodes.get(id)
        {
            let is_used = |to: &&Value| list(&to["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev");
            waiting.extend(list(&node["deps"]).iter().filter(is_used).filter_map(|to| to["pkg"].as_str()));
        }
    }
    met
}

impl Rules {
    /// Reads `deny.toml`.
    fn read(text: &str) -> Result<Self> {
        let table: Table = text.parse().context("deny.toml")?;
        let list = |section: &str, key: &str| -> Result<Vec<String>> {
            let list =
                table.get(section).and_then(|section| section.get(key)).and_then(toml::Value::as_array);
            let list = list.with_context(|| format!("deny.toml has no list {section}.{key}"))?;
            let name = |entry: &toml::Value| {
                let name = entry.get("crate").unwrap_or(entry).as_str().map(str::to_owned);
                name.with_context(|| format!("deny.toml: {section}.{key} has an entry without a name"))
            };
            list.iter().map(name).collect()
        };
        Ok(Self {
            licences: list("licenses", "allow")?,
            registries: list("sources", "allow-registry")?,
            banned: list("bans", "deny")?,
            skipped: list("bans", "skip")?,
        })
    }

    /// The dependencies that are not accepted, each with the reason.
    fn refused(&self, packages: &[Package]) -> Vec<String> {
        let list: Vec<&str> = self.licences.iter().map(String::as_str).collect();
        let mut refused = Vec::new();
        let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Package { name, version, licence, source, is_dev, .. } in packages {
            if !licences::allowed(licence, &list) {
                refused.push(format!("{name} (licence {licence})"));
            }
            if !self.registries.iter().any(|registry| source.strip_prefix("registry+") == Some(registry)) {
                refused.push(format!("{name} (source {source})"));
            }
            if self.banned.contains(name) {
                refused.push(format!("{name} (banned)"));
            }
            if !is_dev && !self.is_skipped(name, version) {
                versions.entry(name).or_default().insert(version);
            }
        }
        refused.extend(versions.iter().filter(|(_, versions)| versions.len() > 1).map(|(name, versions)| {
            format!("{name} (versions {})", Vec::from_iter(versions.iter().copied()).join(", "))
        }));
        refused
    }

    fn is_skipped(&self, name: &str, version: &str) -> bool {
        self.skipped.iter().any(|skip| {
            skip.split_once('@').is_some_and(|(skipped, start)| {
                skipped == name
                    && version
                        .strip_prefix(start)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Package, Rules, numbers};

    const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

    fn rules() -> Rules {
        Rules::read(include_str!("../../deny.toml")).unwrap()
    }

    fn package(name: &str, version: &str, licence: &str, source: &str) -> Package {
        Package {
            name: name.into(),
            version: version.into(),
            licence: licence.into(),
            source: source.into(),
            rust: None,
            is_dev: false,
        }
    }

    fn refused(packages: &[Package]) -> Vec<String> {
        rules().refused(packages)
    }

    #[test]
    fn a_crate_of_the_registry_under_a_permissive_licence_is_accepted() {
        assert!(refused(&[package("serde", "1.0.0", "MIT OR Apache-2.0", CRATES_IO)]).is_empty());
    }

    #[test]
    fn licences_sources_bans_and_duplicates_are_each_refused() {
        assert_eq!(
            refused(&[package("a", "1.0.0", "LGPL-2.1-only", CRATES_IO)]),
            ["a (licence LGPL-2.1-only)"]
        );
        let git = "git+https://example.org/a";
        assert_eq!(refused(&[package("a", "1.0.0", "MIT", git)]), [format!("a (source {git})")]);
        assert_eq!(refused(&[package("native-tls", "1.0.0", "MIT", CRATES_IO)]), ["native-tls (banned)"]);
        let twice = ["1.0.0", "2.0.0"].map(|version| package("a", version, "MIT", CRATES_IO));
        assert_eq!(refused(&twice), ["a (versions 1.0.0, 2.0.0)"]);
    }

    #[test]
    fn a_duplicate_that_is_skipped_is_accepted_and_another_version_is_not() {
        let versions = |versions: &[&str]| -> Vec<Package> {
            versions.iter().map(|version| package("syn", version, "MIT", CRATES_IO)).collect()
        };
        assert!(refused(&versions(&["2.0.1", "3.0.0"])).is_empty());
        assert_eq!(refused(&versions(&["20.0.1", "3.0.0"])), ["syn (versions 20.0.1, 3.0.0)"]);
    }

    #[test]
    fn versions_that_only_tests_use_are_no_duplicates() {
        let mut twice = ["1.0.0", "2.0.0"].map(|version| package("a", version, "MIT", CRATES_IO));
        twice[1].is_dev = true;
        assert!(refused(&twice).is_empty());
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert_eq!(numbers("1.95"), numbers("1.95.0"));
        assert!(numbers("1.100") > numbers("1.95.0"));
        assert!(numbers("1.95.1") > numbers("1.95"));
    }
}
