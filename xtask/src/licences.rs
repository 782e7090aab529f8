//! Which licences a dependency may have.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::{build, paths};

/// Those that ask for nothing but a notice (MPL-2.0: for its own files only).
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Fails and names every dependency under another licence, in the workspace and in the eBPF part.
pub fn check() -> Result<()> {
    let mut refused = Vec::new();
    for folder in [".", "gatekeeper-ebpf"] {
        let manifest = paths::root().join(folder).join("Cargo.toml");
        if manifest.is_file() {
            refused.extend(others(&manifest.to_string_lossy())?);
        }
    }
    if !refused.is_empty() {
        bail!("licences that are not on the list: {}", refused.join(", "));
    }
    Ok(())
}

fn others(manifest: &str) -> Result<Vec<String>> {
    let target = "x86_64-unknown-linux-gnu";
    let metadata = build::metadata(&["--filter-platform", target, "--manifest-path", manifest])?;
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    if packages.is_empty() {
        bail!("cargo metadata names no package in {manifest}");
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    // What has no source is ours.
    let foreign = packages.iter().filter(|package| package["source"].is_string());
    let named = foreign.map(|package| (text(&package["name"]), text(&package["license"])));
    let refused = named.filter(|(_, licence)| !allowed(licence));
    Ok(refused.map(|(name, licence)| format!("{name} ({licence})")).collect())
}

/// `A OR B` needs one of the two, `A AND B` both; OR binds less.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut parts = split(&expression, " OR ").into_iter();
    parts.any(|part| {
        split(&part, " AND ").iter().all(|term| {
            let term = term.trim();
            match term.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
                Some(inner) => allowed(inner),
                None => ALLOWED.contains(&term),
            }
        })
    })
}

/// Splits outside brackets.
fn split(text: &str, operator: &str) -> Vec<String> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && at >= start && text[at..].starts_with(operator) => {
                parts.push(text[start..at].to_owned());
                start = at + operator.len();
            }
            _ => {}
        }
    }
    parts.push(text[start..].to_owned());
    parts
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn expressions() {
        assert!(allowed("MIT OR Apache-2.0"));
        assert!(allowed("MIT/Apache-2.0"));
        assert!(allowed("GPL-2.0 OR MIT"));
        assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!allowed("(GPL-2.0 OR LGPL-2.1) AND MIT"));
        assert!(!allowed("LGPL-2.1-only"));
        assert!(!allowed("MIT AND GPL-3.0"));
        assert!(!allowed(""));
    }
}
