//! Licence expressions of dependencies against the list in `deny.toml`.

/// Whether an SPDX expression can be met with licences of the list: `A OR B` needs one of the two, `A AND B` both, and
/// OR binds less. The slash of old manifests is an OR.
pub fn allowed(expression: &str, list: &[&str]) -> bool {
    let expression = expression.replace('/', " OR ");
    let mut parts = split(&expression, " OR ").into_iter();
    parts.any(|part| {
        split(&part, " AND ").iter().all(|term| {
            let term = term.trim();
            match term.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
                Some(inner) => allowed(inner, list),
                None => list.contains(&term),
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
    #[test]
    fn expressions() {
        let allowed = |expression| super::allowed(expression, &["Apache-2.0", "MIT", "Unicode-3.0"]);
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
