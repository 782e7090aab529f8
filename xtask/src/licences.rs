//! Which licences a dependency may have.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::build;

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

/// Fails and names every dependency under another licence.
pub fn check() -> Result<()> {
    let metadata = build::metadata(&["--filter-platform", "x86_64-unknown-linux-gnu"])?;
    let empty = Vec::new();
    let packages = metadata["packages"].as_array().unwrap_or(&empty);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let refused: Vec<String> = packages
        .iter()
        .map(|package| (text(&package["name"]), text(&package["license"])))
        .filter(|(_, licence)| !allowed(licence))
        .map(|(name, licence)| format!("{name} ({licence})"))
        .collect();
    if packages.is_empty() {
        bail!("cargo metadata names no package");
    }
    if !refused.is_empty() {
        bail!("licences that are not on the list: {}", refused.join(", "));
    }
    Ok(())
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
