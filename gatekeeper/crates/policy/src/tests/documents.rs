//! The policies in the documents: whoever copies one gets a policy that loads and passes its own tests.

use std::path::{Path, PathBuf};

use crate::links::NoLinks;
use crate::source::Source;
use crate::testing::vars;
use crate::{Policy, PolicyError, SearchPath};

/// Head of a block that is a part of a policy.
const HEAD: &str = "version = 1\nname = \"part\"\n";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

/// The blocks of TOML in a document.
fn blocks(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository().join(document)).unwrap();
    let opened = text.split("\n```toml\n").skip(1);
    opened.map(|rest| format!("{}\n", rest.split("\n```").next().unwrap())).collect()
}

fn is_whole(block: &str) -> bool {
    block.lines().any(|line| line.starts_with("name = "))
}

/// Loads, compiles and tests a policy, and returns the number of its tests.
fn check(document: &str, text: String) -> Result<usize, PolicyError> {
    let search = SearchPath { directories: vec![repository().join("policies")] };
    let policy = Policy::from_source(Source::new(document, None, text), &search)?;
    let resolved = policy.resolve(&vars(), &NoLinks)?;
    let tests = resolved.tests.len();
    resolved.compile().map(|_| tests)
}

#[test]
fn whole_policies_load_and_pass_their_tests() {
    for (document, least) in [("README.md", 1), ("docs/policy-tutorial.md", 6), ("docs/policy.md", 1)] {
        let whole: Vec<String> = blocks(document).into_iter().filter(|block| is_whole(block)).collect();
        assert!(whole.len() >= least, "{document} has {} policies", whole.len());
        let tests = whole
            .iter()
            .map(|text| check(document, text.clone()).unwrap_or_else(|error| panic!("{error}\n{text}")));
        assert!(tests.sum::<usize>() > 0, "{document} has no [[test]]");
    }
}

#[test]
fn parts_of_policies_load() {
    let parts: Vec<String> = blocks("docs/policy.md").into_iter().filter(|block| !is_whole(block)).collect();
    assert!(parts.len() >= 4, "docs/policy.md has {} parts", parts.len());
    for part in parts {
        check("docs/policy.md", format!("{HEAD}{part}")).unwrap_or_else(|error| panic!("{error}\n{part}"));
    }
}

#[test]
fn a_wrong_policy_in_a_document_would_be_found() {
    let wrong = format!("{HEAD}\n[[test]]\nnet = \"10.1.2.3:443\"\nexpect = \"allow\"\n");
    assert!(check("wrong", wrong).is_err());
}
