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

/// The tests that passed, by what those who ran them wrote: the suites in guests, nextest or `cargo test`. Attacks are
/// named as documents do, `escapes/FAMILY/NAME`.
pub fn passed(output: &str) -> impl Iterator<Item = String> {
    output.lines().filter_map(|line| {
        if let Some(rest) = line.strip_prefix("ok ") {
            let name = rest.split_whitespace().next()?;
            return Some(if name.contains("::") { name.to_owned() } else { format!("escapes/{name}") });
        }
        let line = line.trim();
        if PASSES.iter().any(|begin| line.starts_with(begin)) {
            return line.split_whitespace().next_back().map(str::to_owned);
        }
        line.strip_prefix("test ")?.strip_suffix(" ... ok").map(str::to_owned)
    })
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
                      test tally::tests::adds ... ok\ntest tally::tests::counts ... FAILED\n";
        let expected =
            ["file::read", "escapes/unix/abstract", "api::wire::tests::bounds", "tally::tests::adds"];
        assert_eq!(passed(output).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_named_test_that_has_not_passed_is_reported() {
        let (line, tally) = check(&BTreeSet::new()).unwrap();
        assert!(tally.passed == 0 && tally.failed > 100, "{tally}");
        assert!(line.contains("SPECIFICATION.md: file::read has not passed"), "{line}");
    }
}
