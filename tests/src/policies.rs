//! Policies of the suite's sessions: files of `policies-guest/`, some with placeholders.

/// The text of a policy in `policies-guest/`, by its name.
macro_rules! policy {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/policies-guest/", $name, ".toml"))
    };
}
pub(crate) use policy;

/// Returns a policy with its placeholders filled: `@NAME@` for each `("NAME", value)`.
///
/// # Panics
///
/// Panics where a placeholder is missing from the text, or one is left.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let text = values.iter().fold(text.to_owned(), |text, (name, value)| {
        let placeholder = format!("@{name}@");
        assert!(text.contains(&placeholder), "no placeholder {placeholder} in {text:?}");
        text.replace(&placeholder, value)
    });
    assert!(!has_placeholder(&text), "a placeholder is left in {text:?}");
    text
}

/// Returns elements of an array for a placeholder in quotes: `["@NAME@"]`.
pub fn elements(values: &[String]) -> String {
    values.join("\", \"")
}

fn has_placeholder(text: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_uppercase());
    text.split('@').skip(1).any(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled() {
        let text = fill("path = [\"@FILES@\"]", &[("FILES", &elements(&["a".to_owned(), "b".to_owned()]))]);
        assert_eq!(text, "path = [\"a\", \"b\"]");
    }

    #[test]
    #[should_panic(expected = "a placeholder is left")]
    fn a_placeholder_without_a_value() {
        fill("@ONE@ @TWO@", &[("ONE", "1")]);
    }

    #[test]
    #[should_panic(expected = "no placeholder @TWO@")]
    fn a_value_without_a_placeholder() {
        fill("@ONE@", &[("ONE", "1"), ("TWO", "2")]);
    }
}
