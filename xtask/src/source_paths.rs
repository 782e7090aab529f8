//! The paths that documents for contributors name: each must be there.
//!
//! A list of files is worth its upkeep only as long as it is right, and files are renamed without a look at it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::paths;

/// The document whose table says what its short folder names stand for.
const CONTRIBUTING: &str = "CONTRIBUTING.md";
/// The folder of documents that name code, too.
const DECISIONS: &str = "docs/decisions";
/// Beginnings of words that stand for a name to be chosen.
const PLACEHOLDERS: [&str; 5] = ["NOUN", "KIND", "NAME", "HOOK", "*"];

/// Fails and names each path that is not there.
///
/// # Errors
/// Names the document, the line and the path.
pub fn check() -> Result<()> {
    let root = paths::root();
    let read =
        |name: &str| fs::read_to_string(root.join(name)).with_context(|| format!("cannot read {name}"));
    let short = short_names(&read(CONTRIBUTING)?);
    let mut documents = vec![CONTRIBUTING.to_owned()];
    for entry in fs::read_dir(root.join(DECISIONS)).with_context(|| format!("cannot list {DECISIONS}"))? {
        documents.push(format!("{DECISIONS}/{}", entry?.file_name().to_string_lossy()));
    }
    documents.sort();
    let mut missing = Vec::new();
    for document in documents {
        let found = absent(&read(&document)?, &short, |path| Path::new(root).join(path).exists());
        missing.extend(found.into_iter().map(|(line, path)| format!("\n  {document}:{line}: {path}")));
    }
    if !missing.is_empty() {
        bail!("{} paths lead nowhere:{}", missing.len(), missing.concat());
    }
    Ok(())
}

/// The rows of the table of short names: the short name and its folder, each with a slash at its end.
fn short_names(text: &str) -> Vec<(String, String)> {
    let row = |line: &str| {
        let mut code = line.strip_prefix("| `")?.split('`');
        let (short, between, folder) = (code.next()?, code.next()?, code.next()?);
        let is_row = between == " | " && short.ends_with('/') && folder.ends_with('/');
        is_row.then(|| (short.to_owned(), folder.to_owned()))
    };
    text.lines().filter_map(row).collect()
}

/// The paths of a document that are not there, each with its line.
fn absent(text: &str, short: &[(String, String)], is_there: impl Fn(&str) -> bool) -> Vec<(usize, String)> {
    let mut absent = Vec::new();
    // A bare file name lies in the folder of the path before it.
    let mut folder = String::new();
    for (at, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('|') {
            folder.clear();
        }
        for code in line.split('`').skip(1).step_by(2) {
            let Some(path) = fixed_part(code) else { continue };
            let known = short
                .iter()
                .find_map(|(short, folder)| Some(format!("{folder}{}", path.strip_prefix(short)?)));
            let candidates = [known.unwrap_or_else(|| path.to_owned()), format!("{folder}{path}")];
            match candidates.iter().find(|path| is_there(path.as_str())) {
                Some(path) => folder = path[..path.rfind('/').map_or(0, |at| at + 1)].to_owned(),
                None => absent.push((at + 1, code.to_owned())),
            }
        }
    }
    absent
}

/// The part of a path before a name to be chosen; `None` for what is no path.
fn fixed_part(code: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./*".contains(c);
    let ends = [".rs", ".toml", ".md", ".json", ".sh", ".py", "/"];
    let is_path = code.chars().all(plain)
        && ends.iter().any(|end| code.ends_with(end))
        && !code.starts_with(['/', '*'])
        && code.len() > 1;
    let end = PLACEHOLDERS.iter().filter_map(|word| code.find(word)).min();
    let fixed = match end {
        Some(end) => &code[..code[..end].rfind('/')? + 1],
        None => code,
    };
    is_path.then_some(fixed)
}

#[cfg(test)]
mod tests {
    use super::{absent, short_names};

    const TABLE: &str = "| short | folder |\n|---|---|\n| `policy/` | `crates/policy/src/` |\n";

    fn lost(text: &str) -> Vec<(usize, String)> {
        let there = [
            "crates/policy/src/",
            "crates/policy/src/rules/mod.rs",
            "crates/policy/src/rules/file.rs",
            "a/b.rs",
        ];
        let is_there =
            |path: &str| there.iter().any(|one| *one == path || one.starts_with(path) && path.ends_with('/'));
        absent(text, &short_names(TABLE), is_there)
    }

    #[test]
    fn paths_that_are_there_pass() {
        assert!(lost("| 1 | `policy/rules/mod.rs`, `file.rs` | `fn_name`, `policy::tests` |\n").is_empty());
        assert!(lost("`a/b.rs`, `policy/rules/KIND.rs` and `[[test]]`, `cargo xtask lint`\n").is_empty());
    }

    #[test]
    fn paths_that_are_not_there_are_named_with_their_line() {
        let lines = "fine\n`policy/rules/mod.rs`, `gone.rs`\n\n`a/c.rs` `crates/none/KIND.rs` `file.rs`\n";
        let found: Vec<_> = lost(lines);
        let expected = [(2, "gone.rs"), (4, "a/c.rs"), (4, "crates/none/KIND.rs"), (4, "file.rs")];
        assert_eq!(found, expected.map(|(line, path)| (line, path.to_owned())));
    }
}
