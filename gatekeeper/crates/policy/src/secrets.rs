//! `[record] secrets`: secrets to mask in the record, besides those that always are.

use regex::{Regex, RegexBuilder};

use crate::document::RecordTable;
use crate::error::PolicyError;
use crate::source::Source;

/// The largest number of patterns in one file: each is looked for in every command that is recorded.
const MOST: usize = 64;

/// The largest size of a compiled pattern, in bytes.
const SIZE: usize = 1 << 20;

/// A pattern for secrets that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadPattern {
    /// No regular expression, or one that is too large.
    #[error("\"{pattern}\" is not a regular expression: {}", last_line(error))]
    Syntax {
        /// The pattern, as written.
        pattern: String,
        /// The refusal of the regular expression engine.
        #[source]
        error: Box<regex::Error>,
    },
    /// A pattern without a group for the secret.
    #[error("\"{0}\" does not say which part is the secret: put that part in (?<s>…)")]
    NoSecret(String),
}

impl BadPattern {
    /// The error for a pattern that the regular expression engine refuses.
    #[must_use]
    pub fn syntax(pattern: &str, error: &regex::Error) -> Self {
        Self::Syntax { pattern: pattern.to_owned(), error: Box::new(error.clone()) }
    }
}

/// The line of an error that names the problem. Those before it draw the pattern with the place in it.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// Compiles a pattern for secrets. Its size is bounded: a policy's author can be anybody.
///
/// # Errors
/// Where it is no regular expression, is too large, or has no group `s`.
pub fn pattern(pattern: &str) -> Result<Regex, BadPattern> {
    let regex = RegexBuilder::new(pattern)
        .size_limit(SIZE)
        .build()
        .map_err(|error| BadPattern::syntax(pattern, &error))?;
    if regex.capture_names().flatten().any(|name| name == "s") {
        Ok(regex)
    } else {
        Err(BadPattern::NoSecret(pattern.to_owned()))
    }
}

/// The patterns of a policy. Those of all its files count, so that one that extends another only adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// From files in the policy directories.
    installed: Vec<String>,
    /// From a text that the caller sent.
    sent: Vec<String>,
}

impl Secrets {
    /// Adds the patterns of a file.
    ///
    /// # Errors
    /// Where one can't be used.
    pub fn add(&mut self, source: &Source, table: &RecordTable) -> Result<(), PolicyError> {
        let Some(list) = &table.secrets else { return Ok(()) };
        let all = source.non_empty(list, "secrets")?;
        if all.len() > MOST {
            let problem = format!("{} patterns are too many", all.len());
            return Err(source.error(list.span(), problem, format!("at most {MOST} in a file")));
        }
        for one in all {
            pattern(one.get_ref()).map_err(|bad| {
                let help = "write a regular expression in which `(?<s>…)` is the secret, such as `badge (?<s>[0-9]+)`";
                source.error(one.span(), bad.to_string(), help)
            })?;
            let list = if source.path.is_some() { &mut self.installed } else { &mut self.sent };
            list.push(one.get_ref().clone());
        }
        Ok(())
    }

    /// The patterns that count.
    ///
    /// A program in a session may choose the policy of a session that it opens inside. A pattern that it writes
    /// itself must not hide from the record what it does.
    #[must_use]
    pub fn counting(&self, inside_another: bool) -> Vec<String> {
        let sent = self.sent.iter().filter(|_| !inside_another);
        self.installed.iter().chain(sent).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::document::Document;

    fn add(secrets: &mut Secrets, path: Option<&str>, list: &str) -> Result<(), PolicyError> {
        let text = format!("version = 1\n[record]\nsecrets = {list}\n");
        let source = Source::new("t.toml", path.map(PathBuf::from), text);
        let document = Document::parse(&source)?;
        secrets.add(&source, &document.record)
    }

    #[test]
    fn files_add_up_and_what_a_session_wrote_itself_does_not_count() {
        let mut secrets = Secrets::default();
        add(&mut secrets, Some("/etc/p/base.toml"), r#"["badge (?<s>[0-9]+)"]"#).unwrap();
        add(&mut secrets, None, r#"["(?<s>.+)"]"#).unwrap();
        assert_eq!(secrets.counting(false), ["badge (?<s>[0-9]+)", "(?<s>.+)"]);
        assert_eq!(secrets.counting(true), ["badge (?<s>[0-9]+)"]);
    }

    #[test]
    fn bad_patterns_are_refused_with_their_place() {
        for (list, part) in [
            (r#"["badge ("]"#, "not a regular expression: unclosed group"),
            (r#"["badge [0-9]+"]"#, "does not say which part is the secret"),
            (r#"["(?<s>[a-z]{1,1000}){1,1000}"]"#, "not a regular expression"),
            ("[]", "empty list"),
            (&format!("[{}]", r#""(?<s>x)","#.repeat(65)), "65 patterns are too many"),
        ] {
            let error = add(&mut Secrets::default(), None, list).expect_err(list);
            assert!(error.problem.contains(part) && !error.problem.contains('\n'), "{error}");
            assert_eq!((error.file.as_str(), error.line), ("t.toml", 3), "{error}");
        }
    }
}
