//! SPECIFICATION.md and SECURITY.md against the tests they lean on: every name in them is a test's, and every
//! promise has one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

const PROMISES: &str = "SPECIFICATION.md";
const DOCUMENTS: [&str; 2] = [PROMISES, "SECURITY.md"];
/// Where unit tests are.
const CRATES: [&str; 3] = ["gatekeeper", "gatekeeper-common", "xtask"];

#[test]
fn every_promise_has_a_test_and_every_name_is_ones() -> Result<()> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut tests = BTreeSet::new();
    for flag in [None, Some("--no-bpf-lsm")] {
        let list = Command::new(env!("CARGO_BIN_EXE_gatekeeper-suite")).arg("--list").args(flag).output()?;
        ensure!(list.status.success(), "the suite does not list its tests");
        tests.extend(String::from_utf8(list.stdout)?.lines().map(str::to_owned));
    }
    for name in CRATES {
        let source = root.join(name).join("src");
        unit_tests(&source, &source, &mut tests)?;
    }
    attacks(&root.join("tests/escapes"), &mut tests)?;
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root.join(document)).with_context(|| document.to_owned())?;
        wrong.extend(unknown(&text, &tests).map(|name| format!("{document}: there is no test {name}")));
        if document == PROMISES {
            wrong.extend(bare(&text).map(|number| format!("{document}: promise {number} has no test")));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The names of tests in a text: paths of modules, or of attacks, in backquotes.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|word| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:/".contains(c);
        (word.contains("::") || word.starts_with("escapes/")) && word.chars().all(plain)
    })
}

fn unknown<'a>(text: &'a str, tests: &BTreeSet<String>) -> impl Iterator<Item = &'a str> {
    named(text).filter(|name| !tests.contains(*name))
}

/// The numbers of promises that name no test.
fn bare(text: &str) -> impl Iterator<Item = &str> {
    let promises = text.split("\n- **").skip(1).filter_map(|promise| promise.split_once("**"));
    promises
        .filter(|(_, rest)| {
            let own = rest.split("\n#").next().unwrap_or_default();
            named(own).next().is_none()
        })
        .map(|(number, _)| number)
}

/// Unit tests below a folder, by the names that `cargo test` gives them.
fn unit_tests(source: &Path, folder: &Path, tests: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            unit_tests(source, &path, tests)?;
        } else if path.extension().is_some_and(|end| end == "rs") {
            let module = path.strip_prefix(source)?.with_extension("");
            let parts = module.iter().filter_map(|part| part.to_str());
            let parts: Vec<&str> = parts.filter(|part| !["mod", "main", "lib"].contains(part)).collect();
            tests.extend(in_file(&parts.join("::"), &fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

fn in_file(module: &str, text: &str) -> Vec<String> {
    let (mut inner, mut marked, mut names) = ("", false, Vec::new());
    for line in text.lines().map(str::trim) {
        if line.ends_with("mod tests {") {
            inner = "::tests";
        } else if line == "#[test]" || line == "#[tokio::test]" {
            marked = true;
        } else if let Some(rest) = line.strip_prefix("fn ").or_else(|| line.strip_prefix("async fn "))
            && std::mem::take(&mut marked)
        {
            let name = rest.split('(').next().unwrap_or_default();
            names.push(format!("{module}{inner}::{name}"));
        }
    }
    names
}

/// The attacks: a file each, in the folder of the door it tries.
fn attacks(folder: &Path, tests: &mut BTreeSet<String>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for door in fs::read_dir(folder)? {
        let door = door?.path();
        if !door.is_dir() {
            continue;
        }
        for file in fs::read_dir(&door)? {
            let attack = file?.path().with_extension("");
            tests.insert(format!("escapes/{}", attack.strip_prefix(folder)?.display()));
        }
    }
    Ok(())
}

const TEXT: &str = "# Promises\n\n- **1.1** It holds.\n  `file::read`, `escapes/unix/abstract`\n\
                    - **1.2** So does `status`.\n\n## More\n\n- **2.1** This, too. `file::wrote`\n";

#[test]
fn a_name_that_is_no_tests_is_found() {
    let tests = BTreeSet::from(["file::read".to_owned(), "escapes/unix/abstract".to_owned()]);
    assert_eq!(unknown(TEXT, &tests).collect::<Vec<_>>(), ["file::wrote"]);
}

#[test]
fn a_promise_without_a_test_is_found() {
    assert_eq!(bare(TEXT).collect::<Vec<_>>(), ["1.2"]);
}

#[test]
fn unit_tests_have_the_names_cargo_gives_them() {
    let text =
        "fn no() {}\n#[test]\nfn early() {}\nmod tests {\n    #[tokio::test]\n    async fn late() {}\n}\n";
    assert_eq!(in_file("a::b", text), ["a::b::early", "a::b::tests::late"]);
}
