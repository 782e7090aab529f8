//! SPECIFICATION.md and SECURITY.md against the tests they lean on: every promise names one, and each that is named has
//! run and passed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::tally::Tally;

const PROMISES: &str = "SPECIFICATION.md";
const DOCUMENTS: [&str; 2] = [PROMISES, "SECURITY.md"];

/// How nextest begins the line of a test that passed.
const PASSES: [&str; 3] = ["PASS [", "LEAK [", "FLAKY "];

/// The tests that passed, by what those who ran them wrote: the suites in guests, nextest or `cargo test`. They have the
/// names that documents give them: `escapes/FAMILY/NAME` for attacks, and for the tests of a crate `gatekeeper-PART` the
/// name that cargo gives them after `PART::`.
pub fn passed(output: &str) -> Vec<String> {
    let (mut names, mut package) = (Vec::new(), "");
    for line in output.lines() {
        let trimmed = line.trim();
        if let Some(rest) = line.strip_prefix("ok ") {
            let name = rest.split_whitespace().next().unwrap_or_default();
            names.push(if name.contains("::") { name.to_owned() } else { format!("escapes/{name}") });
        } else if PASSES.iter().any(|begin| trimmed.starts_with(begin)) {
            let mut words = trimmed.split_whitespace().rev();
            let (name, package) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            names.push(of_package(package, name));
        } else if let Some(binary) = trimmed.strip_prefix("Running ").and_then(|line| line.rsplit_once('/')) {
            package = binary.1.rsplit_once('-').map_or("", |(package, _)| package);
        } else if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... ok")) {
            names.push(of_package(package, name));
        }
    }
    names
}

/// The name of a package's test in documents. nextest writes `gatekeeper-policy` or `gatekeeper-policy::fuzz` for a package,
/// cargo the name of its binary, `gatekeeper_policy`.
fn of_package(package: &str, test: &str) -> String {
    let package = package.split("::").next().unwrap_or_default();
    match package.strip_prefix("gatekeeper").and_then(|rest| rest.strip_prefix(['-', '_'])) {
        Some(part) => format!("{part}::{test}"),
        None => test.to_owned(),
    }
}

/// A line for the summary, and how many of the tests that documents name have passed. A promise that names none fails.
pub fn check(passed: &BTreeSet<String>) -> Result<(String, Tally)> {
    let (mut tally, mut wrong) = (Tally::default(), String::new());
    for document in DOCUMENTS {
        let text = fs::read_to_string(paths::root().join(document)).context(document)?;
        let names: BTreeSet<&str> = named(&text).collect();
        let missing: Vec<&&str> = names.iter().filter(|name| !passed.contains(**name)).collect();
        tally.passed += (names.len() - missing.len()) as u64;
        tally.failed += missing.len() as u64;
        wrong.extend(missing.iter().map(|name| format!("\n    {document}: {name} has not passed")));
    }
    Ok((format!("tests that promises name: {tally}{wrong}"), tally))
}

/// Fails and names each unit test that documents name and that is not in the sources under that name. Tests of the guest
/// suite are left to [`check`]: some make their names as they run.
pub fn unit_tests_exist() -> Result<()> {
    let sources = functions()?;
    let mut wrong = String::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(paths::root().join(document)).context(document)?;
        for name in named(&text).filter(|name| name.contains("::tests::")) {
            let (_, function) = name.rsplit_once("::").unwrap_or(("", name));
            let places = sources.get(function).map(Vec::as_slice).unwrap_or_default();
            if !places.iter().any(|place| is_in(name, place, function)) {
                let found = if places.is_empty() { "nowhere".to_owned() } else { places.join(", ") };
                let _ = write!(wrong, "\n  {document}: {name}; the function is in: {found}");
            }
        }
    }
    if !wrong.is_empty() {
        bail!("tests that are not there under that name:{wrong}");
    }
    Ok(())
}

/// Whether a test has this name: its function in this module, or in its inline module `tests`.
fn is_in(name: &str, module: &str, function: &str) -> bool {
    name == format!("{module}::{function}") || name == format!("{module}::tests::{function}")
}

/// The functions of the crates with unit tests, each with the modules that have it, named as documents name them.
fn functions() -> Result<BTreeMap<String, Vec<String>>> {
    let mut folders =
        vec![(paths::root().join("gatekeeper/src"), None), (paths::root().join("xtask/src"), None)];
    for part in fs::read_dir(paths::root().join("gatekeeper/crates"))? {
        let part = part?;
        folders.push((part.path().join("src"), Some(part.file_name().to_string_lossy().into_owned())));
    }
    let mut functions = BTreeMap::<String, Vec<String>>::new();
    while let Some((folder, module)) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let inner = match (&module, name.as_str()) {
                (_, "mod" | "lib" | "main") => module.clone(),
                (None, _) => Some(name),
                (Some(module), _) => Some(format!("{module}::{name}")),
            };
            if path.is_dir() {
                folders.push((path, inner));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                for function in text.lines().filter_map(function) {
                    functions.entry(function.to_owned()).or_default().push(inner.clone().unwrap_or_default());
                }
            }
        }
    }
    Ok(functions)
}

/// The function that a line of code begins.
fn function(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// The names of tests in a text: paths of modules, or of attacks, in backquotes.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|word| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:/".contains(c);
        (word.contains("::") || word.starts_with("escapes/")) && word.chars().all(plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of promises that name no test.
    fn bare(text: &str) -> Vec<&str> {
        let promises = text.split("\n- **").skip(1).filter_map(|promise| promise.split_once("**"));
        let without = promises.filter(|(_, rest)| {
            let own = rest.split("\n#").next().unwrap_or_default();
            named(own).next().is_none()
        });
        without.map(|(number, _)| number).collect()
    }

    #[test]
    fn every_promise_names_a_test() {
        let text = fs::read_to_string(paths::root().join(PROMISES)).unwrap();
        assert!(text.contains("\n- **1.1** "), "there are promises");
        assert_eq!(bare(&text), Vec::<&str>::new());
        let one_is_bare = "# Promises\n\n- **1.1** It holds.\n  `file::read`, `escapes/unix/abstract`\n\
                           - **1.2** So does `status`.\n\n## More\n\n- **2.1** This, too. `file::wrote`\n";
        assert_eq!(bare(one_is_bare), ["1.2"]);
    }

    #[test]
    fn passed_tests_are_read_from_each_runner() {
        let output = "ok file::read (0.3 s)\nFAILED file::write: it was let\nnone file/verity: not here (0.2 s)\n\
                      ok unix/abstract blocked: connect x (policy) (1.2 s)\nAGAIN net::send: late\n\
                      \x20       PASS [   0.035s] (  3/442) gatekeeper api::wire::tests::bounds\n\
                      \x20       FAIL [   0.035s] (  4/442) gatekeeper api::wire::tests::time\n\
                      \x20       PASS [   0.035s] (  5/442) gatekeeper-policy tests::cases::every_case\n\
                      \x20    Running unittests src/main.rs (target/debug/deps/xtask-0123456789abcdef)\n\
                      test tally::tests::adds ... ok\ntest tally::tests::counts ... FAILED\n\
                      \x20    Running unittests src/lib.rs (target/debug/deps/gatekeeper_trail-0123456789abcdef)\n\
                      test mask::tests::masks ... ok\n";
        let expected = [
            "file::read",
            "escapes/unix/abstract",
            "api::wire::tests::bounds",
            "policy::tests::cases::every_case",
            "tally::tests::adds",
            "trail::mask::tests::masks",
        ];
        assert_eq!(passed(output), expected);
    }

    #[test]
    fn a_named_test_that_has_not_passed_is_reported() {
        let (line, tally) = check(&BTreeSet::new()).unwrap();
        assert!(tally.passed == 0 && tally.failed > 100, "{tally}");
        assert!(line.contains("SPECIFICATION.md: file::read has not passed"), "{line}");
    }

    #[test]
    fn a_unit_test_is_found_where_it_is() {
        assert!(unit_tests_exist().is_ok(), "{:?}", unit_tests_exist());
        let sources = functions().unwrap();
        let here = &sources["a_unit_test_is_found_where_it_is"][0];
        assert!(is_in(
            "promises::tests::a_unit_test_is_found_where_it_is",
            here,
            "a_unit_test_is_found_where_it_is"
        ));
        assert!(!is_in("tests::a_unit_test_is_found_where_it_is", here, "a_unit_test_is_found_where_it_is"));
        assert_eq!(function("    async fn waits<T>(t: T) {"), Some("waits"));
    }
}
