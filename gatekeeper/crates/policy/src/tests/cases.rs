//! The case files of `tests/policies`: policies, each headed by what must come of it.
//!
//! `# expect: ok`, or `# expect: LINE:COLUMN: part of the problem`, and `# help: part of the help`.

use std::path::{Path, PathBuf};

use super::vars;
use crate::links::NoLinks;
use crate::{PolicyError, SearchPath, load};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/policies")
}

fn outcome(path: &Path) -> Result<(), PolicyError> {
    let search = SearchPath { directories: vec![folder().join("library")] };
    load(&path.to_string_lossy(), &search)?.resolve(&vars(), &NoLinks)?.compile().map(drop)
}

fn headed<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines()
        .take_while(|line| line.starts_with('#'))
        .find_map(|line| line.strip_prefix(key))
        .map(str::trim)
}

#[test]
fn every_case_ends_as_it_says() {
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    cases.sort();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for path in cases {
        let text = std::fs::read_to_string(&path).unwrap();
        let expect =
            headed(&text, "# expect:").unwrap_or_else(|| panic!("{} has no expectation", path.display()));
        let shown = match outcome(&path) {
            Ok(()) => "ok".to_owned(),
            Err(error) if error.line == 0 => format!("{} / {}", error.problem, error.help),
            Err(error) => format!("{}:{}: {} / {}", error.line, error.column, error.problem, error.help),
        };
        let helped = headed(&text, "# help:").is_none_or(|help| shown.contains(help));
        let fits = if expect == "ok" { shown == "ok" } else { shown.starts_with(expect) };
        if !fits || !helped {
            wrong.push(format!("{}\n  expected {expect}\n  got      {shown}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
