//! `cargo xtask diagram`: the graph of this repository's crates, from `cargo metadata`, as Graphviz source and as SVG.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::cmd::{cmd, have};
use crate::{build, paths};

/// Packages of which the graph is made: the workspace, and the programs, which are built for another target.
const MANIFESTS: [&str; 2] = ["Cargo.toml", "gatekeeper-ebpf/Cargo.toml"];
/// Crates that only build or test the others.
const TOOLS: [&str; 2] = ["tests", "xtask"];

/// An edge of the graph: who depends, and on whom.
type Edge = (String, String);

/// The crates of this repository and how they depend on each other.
#[derive(Debug, Default, PartialEq, Eq)]
struct Graph {
    /// Each crate with its description.
    crates: BTreeMap<String, String>,
    /// Dependencies of code.
    uses: BTreeSet<Edge>,
    /// Crates whose build script builds another one.
    builds: BTreeSet<Edge>,
}

/// Writes the source and, where Graphviz is installed, the picture.
pub fn run() -> Result<()> {
    let text = Graph::of_repository()?.dot();
    fs::write(source(), &text).with_context(|| source().display().to_string())?;
    print!("{text}");
    if have("dot") {
        return cmd("dot").arg("-Tsvg").arg(source()).arg("-o").arg(source().with_extension("svg")).run();
    }
    bail!("{} is written, the picture is not: dot is missing (apt-get install graphviz)", source().display())
}

/// Fails unless the source that is checked in is the one that `cargo metadata` gives.
pub fn check() -> Result<()> {
    let stored = fs::read_to_string(source()).with_context(|| source().display().to_string())?;
    if stored != Graph::of_repository()?.dot() {
        bail!("{} is out of date: run `cargo xtask diagram`", source().display());
    }
    Ok(())
}

fn source() -> PathBuf {
    paths::root().join("docs/images/crates.dot")
}

impl Graph {
    fn of_repository() -> Result<Self> {
        let mut graph = Self::default();
        for manifest in MANIFESTS {
            let manifest = paths::root().join(manifest).to_string_lossy().into_owned();
            let metadata = build::metadata(&["--no-deps", "--manifest-path", &manifest])?;
            graph.add(&metadata).with_context(|| manifest)?;
        }
        graph.keep_ours();
        Ok(graph)
    }

    /// Adds the packages that one manifest names.
    fn add(&mut self, metadata: &Value) -> Result<()> {
        for package in metadata["packages"].as_array().into_iter().flatten() {
            let name = text(&package["name"])?;
            let description = package["description"].as_str().unwrap_or_default();
            self.crates.insert(name.clone(), description.to_owned());
            for dependency in package["dependencies"].as_array().into_iter().flatten() {
                // What only tests use says nothing about the layers.
                if dependency["kind"] != "dev" {
                    self.uses.insert((name.clone(), text(&dependency["name"])?));
                }
            }
            let targets = package["targets"].as_array().into_iter().flatten();
            let scripts = targets.filter(|target| target["kind"][0] == "custom-build");
            for script in scripts {
                let path = text(&script["src_path"])?;
                let script = fs::read_to_string(Path::new(&path)).context(path)?;
                // A crate for another target is no dependency that cargo knows of; build scripts name its folder.
                if script.contains("gatekeeper-ebpf") {
                    self.builds.insert((name.clone(), "gatekeeper-ebpf".to_owned()));
                }
            }
        }
        Ok(())
    }

    /// Drops the edges to crates of others, and those that a longer way makes superfluous.
    fn keep_ours(&mut self) {
        let crates = &self.crates;
        self.uses.retain(|(_, used)| crates.contains_key(used));
        let all = self.uses.clone();
        self.uses.retain(|(user, used)| {
            let others = all.iter().filter(|(from, to)| from == user && to != used);
            !others.into_iter().any(|(_, between)| reaches(&all, between, used))
        });
    }

    /// The graph in Graphviz's language.
    fn dot(&self) -> String {
        let mut dot = String::from(
            "// The crates of this repository, made by `cargo xtask diagram` from `cargo metadata`. Do not edit.\n\
             // An arrow points to a dependency; one that a longer way implies is left out. Dashed: built by a build script.\n\
             digraph crates {\n\
             \x20 graph [rankdir=TB, fontname=\"Helvetica\", nodesep=0.3, ranksep=0.45, bgcolor=\"white\", pad=0.2]\n\
             \x20 node [fontname=\"Helvetica\", fontsize=12, shape=box, style=\"rounded,filled\", color=\"#445566\"]\n\
             \x20 edge [color=\"#445566\"]\n",
        );
        for (name, description) in &self.crates {
            let fill = if TOOLS.contains(&name.as_str()) { "#eeeeee" } else { "#eef3f8" };
            let about =
                if description.is_empty() { String::new() } else { format!("\\n{}", wrapped(description)) };
            let label = format!("{name}{about}");
            // Writing to a String does not fail.
            let _ = writeln!(dot, "  {name:?} [label=\"{label}\", fillcolor=\"{fill}\"]");
        }
        for (user, used) in &self.uses {
            let _ = writeln!(dot, "  {user:?} -> {used:?}");
        }
        for (user, built) in &self.builds {
            let _ = writeln!(dot, "  {user:?} -> {built:?} [style=dashed]");
        }
        dot + "}\n"
    }
}

/// Whether one crate depends on another, directly or not.
fn reaches(edges: &BTreeSet<Edge>, from: &str, to: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(name) = next.pop() {
        if seen.insert(name) {
            next.extend(edges.iter().filter(|(user, _)| user == name).map(|(_, used)| used.as_str()));
        }
    }
    from != to && seen.contains(to)
}

/// A description in lines of some 32 columns, escaped for a label.
fn wrapped(description: &str) -> String {
    const COLUMNS: usize = 32;
    let mut lines = vec![String::new()];
    for word in description.split_whitespace() {
        match lines.last_mut() {
            Some(line) if !line.is_empty() && line.len() + word.len() < COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            Some(line) if line.is_empty() => line.push_str(word),
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\\n").replace('"', "\\\"")
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("cargo metadata has {value} instead of a text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph() -> Graph {
        let package = |name: &str, uses: &[(&str, Option<&str>)]| {
            let uses = uses.iter().map(|(name, kind)| serde_json::json!({ "name": name, "kind": kind }));
            let uses: Vec<Value> = uses.collect();
            serde_json::json!({ "name": name, "description": "a \"crate\"", "dependencies": uses, "targets": [] })
        };
        let top =
            package("top", &[("middle", None), ("bottom", None), ("serde", None), ("side", Some("dev"))]);
        let middle = package("middle", &[("bottom", Some("build"))]);
        let packages = [top, middle, package("bottom", &[]), package("side", &[])];
        let mut graph = Graph::default();
        graph.add(&serde_json::json!({ "packages": packages })).unwrap();
        graph.keep_ours();
        graph
    }

    #[test]
    fn only_our_crates_and_the_longest_ways() {
        let edge = |user: &str, used: &str| (user.to_owned(), used.to_owned());
        let expected = BTreeSet::from([edge("top", "middle"), edge("middle", "bottom")]);
        assert_eq!(graph().uses, expected);
    }

    #[test]
    fn the_source_is_graphviz_and_stable() {
        let dot = graph().dot();
        assert!(dot.contains("  \"top\" -> \"middle\"\n"), "{dot}");
        assert!(dot.contains("label=\"top\\na \\\"crate\\\"\""), "{dot}");
        assert_eq!(dot, graph().dot());
    }
}
