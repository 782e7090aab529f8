//! The check that imports point down: between the crates, between the rooms of the program, and in no circle inside a
//! crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{build, paths};

/// The crates, lowest floor first; each may depend on those before it. See docs/architecture.md.
const CRATES: [&str; 9] = [
    "gatekeeper-common",
    "gatekeeper-btf",
    "gatekeeper-policy",
    "gatekeeper-record",
    "gatekeeper-kernel",
    "gatekeeper-trail",
    "gatekeeper",
    "tests",
    "xtask",
];

/// The rooms of the program, lowest floor first; those on one floor may not import each other.
const FLOORS: [&[&str]; 9] = [
    &["sys"],
    &["config"],
    &["protocol"],
    &["assistant"],
    &["session", "hold"],
    &["daemon"],
    &["doctor", "prompt"],
    &["console"],
    &["cli"],
];

/// The sources in which no circle may be, apart from the program, whose floors are named.
const SOURCES: [&str; 5] = [
    "gatekeeper/crates/policy/src",
    "gatekeeper/crates/record/src",
    "gatekeeper/crates/kernel/src",
    "gatekeeper/crates/trail/src",
    "gatekeeper-ebpf/src",
];

/// For each module, the modules of the same crate that it imports, with one file that does.
type Imports = BTreeMap<String, BTreeMap<String, PathBuf>>;

/// Checks all of it; names every import that points up.
pub fn check() -> Result<()> {
    let mut wrong = crates(&build::metadata(&["--no-deps"])?);
    let program = imports(&paths::root().join("gatekeeper/src"))?;
    wrong.extend(upward(&program));
    for source in SOURCES {
        let found = circle(&imports(&paths::root().join(source))?);
        wrong.extend(found.map(|circle| format!("{source}: a circle of imports: {}", circle.join(" → "))));
    }
    if !wrong.is_empty() {
        bail!("imports must point down (docs/architecture.md has the floors):\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

/// Dependencies of crates that point up; those for tests alone don't count.
fn crates(metadata: &Value) -> Vec<String> {
    let floor = |name: &str| CRATES.iter().position(|other| *other == name);
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(own) = floor(name) else {
            wrong.push(format!("the crate {name} has no floor: give it one in xtask/src/layers.rs"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let other = dependency["name"].as_str().unwrap_or_default();
            if dependency["kind"].as_str() != Some("dev") && floor(other).is_some_and(|floor| floor >= own) {
                wrong.push(format!("the crate {name} depends on {other}, which is not below it"));
            }
        }
    }
    wrong
}

/// Imports of the program's rooms that do not point to a lower floor.
fn upward(imports: &Imports) -> Vec<String> {
    let floor = |name: &str| FLOORS.iter().position(|floor| floor.contains(&name));
    let mut wrong = Vec::new();
    for (name, others) in imports {
        // The crate's own root holds modules only.
        if name == "lib" || name == "main" {
            continue;
        }
        let Some(own) = floor(name) else {
            wrong.push(format!("the room {name} has no floor: give it one in xtask/src/layers.rs"));
            continue;
        };
        for (other, file) in others {
            if floor(other).is_none_or(|floor| floor >= own) {
                wrong.push(format!("{}: {name} imports {other}, which is not below it", file.display()));
            }
        }
    }
    wrong
}

/// One circle, if there is any: each module imports the next, the last the first.
fn circle(imports: &Imports) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    imports.keys().find_map(|start| walk(imports, start, &mut Vec::new(), &mut done))
}

fn walk(
    imports: &Imports,
    at: &str,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(place) = way.iter().position(|name| name == at) {
        return way.get(place..).map(<[String]>::to_vec);
    }
    if !done.insert(at.to_owned()) {
        return None;
    }
    way.push(at.to_owned());
    let found = imports.get(at).into_iter().flatten().find_map(|(next, _)| walk(imports, next, way, done));
    way.pop();
    found
}

/// The imports between the top-level modules of a crate, tests left out.
fn imports(source: &Path) -> Result<Imports> {
    let mut files = Vec::new();
    rust_files(source, &mut files)?;
    let modules: BTreeSet<String> = files.iter().filter_map(|file| module(source, file)).collect();
    let mut found = Imports::new();
    for file in &files {
        let Some(own) = module(source, file) else { continue };
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let at_top = file.parent() == Some(source);
        for other in imported(&text, at_top).filter(|other| *other != own && modules.contains(other)) {
            found.entry(own.clone()).or_default().entry(other).or_insert_with(|| file.clone());
        }
    }
    Ok(found)
}

/// The top-level module that a file belongs to; none for tests, and for the register of the eBPF programs.
fn module(source: &Path, file: &Path) -> Option<String> {
    let path = file.strip_prefix(source).ok()?;
    let is_test = |part: &str| part == "tests" || part == "tests.rs" || part == "testing.rs";
    if path.iter().any(|part| part.to_str().is_none_or(is_test)) {
        return None;
    }
    Some(path.iter().next()?.to_str()?.trim_end_matches(".rs").to_owned())
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot list {}", folder.display()))?.path();
        if path.is_dir() {
            rust_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// The names behind `crate::` in code, and behind `super::` in a file at the crate's top. A module of tests at a file's
/// end is left out, and so are comments.
fn imported(text: &str, at_top: bool) -> impl Iterator<Item = String> {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let code = code.split("#[cfg(test)]\npub(crate) mod tests {").next().unwrap_or(code);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(move |line| {
        let above = line.split("super::").skip(1).filter(move |_| at_top);
        line.split("crate::").skip(1).chain(above).flat_map(names).collect::<Vec<_>>()
    })
}

/// The first name, or each first name in braces.
fn names(rest: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    match rest.strip_prefix('{') {
        Some(list) => list.split(['}', ';']).next().unwrap_or(list).split(',').map(name).collect(),
        None => vec![name(rest)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Imports {
        let mut imports = Imports::new();
        for (from, to) in edges {
            let file = PathBuf::from(format!("{from}.rs"));
            imports.entry((*from).to_owned()).or_default().insert((*to).to_owned(), file);
        }
        imports
    }

    #[test]
    fn an_import_that_points_up_is_named() {
        assert!(upward(&graph(&[("daemon", "session"), ("cli", "daemon")])).is_empty());
        let wrong = upward(&graph(&[("session", "daemon"), ("hold", "session")]));
        assert_eq!(wrong.len(), 2, "{wrong:?}");
        assert!(wrong[0].contains("hold.rs: hold imports session"), "{wrong:?}");
    }

    #[test]
    fn a_circle_is_found_whole() {
        assert_eq!(circle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
        let found = circle(&graph(&[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")])).unwrap();
        assert_eq!(found, ["a", "b", "c"]);
    }

    #[test]
    fn imports_are_read_from_code_and_not_from_tests_or_comments() {
        let text = "use crate::a::X;\nuse crate::{b, c::Y};\n// crate::d\nlet x = crate::e::f();\n#[cfg(test)]\nmod tests {\n    use crate::g;\n}\n";
        assert_eq!(imported(text, false).collect::<Vec<_>>(), ["a", "b", "c", "e"]);
        assert_eq!(imported("use super::f::X;", true).collect::<Vec<_>>(), ["f"]);
        assert_eq!(imported("use super::f::X;", false).count(), 0);
    }

    #[test]
    fn a_crate_depends_on_lower_ones_only() {
        let metadata = serde_json::json!({"packages": [
            {"name": "gatekeeper-policy", "dependencies": [
                {"name": "gatekeeper-trail", "kind": "dev"}, {"name": "gatekeeper-kernel", "kind": null},
            ]},
            {"name": "stranger", "dependencies": []},
        ]});
        let wrong = crates(&metadata);
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }
}
