//! SPECIFICATION.md and SECURITY.md against the tests they lean on: every promise names one, and each that is named has
//! run and passed.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result};

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
    fn what_passed_is_read_from_each_runner() {
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
}
