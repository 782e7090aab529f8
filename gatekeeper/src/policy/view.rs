//! Rules, tests and answers in a shape for output: stable names for programs, plain text for people.

use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Cause;
use serde::Serialize;

use super::document::Severity;
use super::explain::{Explanation, Question};
use super::rules::{Protocols, Rule, Subject, Written};

/// A rule.
#[derive(Debug, Serialize)]
pub struct RuleView<'a> {
    /// Its name.
    pub id: &'a str,
    /// exec, file or net.
    pub kind: &'static str,
    /// Its verdict.
    pub verdict: &'static str,
    /// The operations it speaks of.
    pub operations: Vec<&'static str>,
    /// Its patterns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathView<'a>>,
    /// Its addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<&'a str>,
    /// Its protocols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocols>,
    /// Why.
    pub reason: Option<&'a str>,
    /// How much a record of it matters.
    pub severity: Severity,
    /// Words for searching.
    pub tags: &'a [String],
    /// Its file.
    pub file: &'a str,
    /// Its line; 0 for built-in rules.
    pub line: usize,
}

/// A pattern and what it stands for.
#[derive(Debug, Serialize)]
pub struct PathView<'a> {
    /// As written.
    pub written: &'a str,
    /// With variables put in.
    pub pattern: String,
    /// The real places it names, where links lead elsewhere.
    pub resolved: Vec<String>,
}

impl<'a> From<&'a Written> for PathView<'a> {
    fn from(written: &'a Written) -> Self {
        let mut resolved: Vec<String> = Vec::new();
        for pattern in &written.resolved {
            let text = text(&pattern.text());
            if !resolved.contains(&text) {
                resolved.push(text);
            }
        }
        Self { written: &written.text, pattern: text(&written.expanded), resolved }
    }
}

impl<'a> From<&'a Rule> for RuleView<'a> {
    fn from(rule: &'a Rule) -> Self {
        let operations: Vec<Operation> =
            Operation::ALL.into_iter().filter(|operation| rule.operations & operation.bit() != 0).collect();
        let (paths, to, protocol) = match &rule.subject {
            Subject::Paths(list) => (list.iter().map(PathView::from).collect(), Vec::new(), None),
            Subject::Addresses(list, protocols) => {
                (Vec::new(), list.iter().map(|target| target.text.as_str()).collect(), Some(*protocols))
            }
        };
        Self {
            id: &rule.id,
            kind: operations.first().map_or(Family::Builtin, |operation| operation.family()).name(),
            verdict: rule.verdict.name(),
            operations: operations.iter().map(|operation| operation.name()).collect(),
            paths,
            to,
            protocol,
            reason: rule.reason.as_deref(),
            severity: rule.severity,
            tags: &rule.tags,
            file: &rule.file,
            line: rule.line,
        }
    }
}

/// A rule named in an answer.
#[derive(Debug, Serialize)]
pub struct Named<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its verdict.
    pub verdict: &'static str,
    /// Why.
    pub reason: Option<&'a str>,
    /// Its file.
    pub file: &'a str,
    /// Its line.
    pub line: usize,
}

impl<'a> From<&'a Rule> for Named<'a> {
    fn from(rule: &'a Rule) -> Self {
        Self {
            id: &rule.id,
            verdict: rule.verdict.name(),
            reason: rule.reason.as_deref(),
            file: &rule.file,
            line: rule.line,
        }
    }
}

/// An answer.
#[derive(Debug, Serialize)]
pub struct AnswerView<'a> {
    /// The operation that decided.
    pub operation: &'static str,
    /// The path or address, as the kernel sees it.
    pub object: String,
    /// What the policy says.
    pub verdict: &'static str,
    /// Whether the operation passes.
    pub passes: bool,
    /// Why not, beyond what the policy says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// The rule that decided; absent where the default did.
    pub rule: Option<Named<'a>>,
    /// Which default decided; absent where a limit of the kernel's did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<&'static str>,
    /// The rules that also matched.
    pub also: Vec<Named<'a>>,
}

impl<'a> AnswerView<'a> {
    /// The answer to a question.
    #[must_use]
    pub fn new(question: &Question, answer: &Explanation<'a>) -> Self {
        let default = match answer.operation {
            Operation::Map => "stricter of exec and file",
            operation => operation.family().name(),
        };
        Self {
            operation: answer.operation.name(),
            object: object(question),
            verdict: answer.verdict.name(),
            passes: answer.passes(),
            cause: Some(answer.cause).filter(|cause| *cause != Cause::Policy).map(Cause::text),
            rule: answer.rule.map(Named::from),
            default: (answer.rule.is_none() && question.doubt().is_none()).then_some(default),
            also: answer.also.iter().map(|rule| Named::from(*rule)).collect(),
        }
    }
}

/// The path or address a question is about.
#[must_use]
pub fn object(question: &Question) -> String {
    match question {
        Question::Exec(path) | Question::File(path, _) => text(path),
        Question::Net(address, protocol, _) => {
            format!("{address}/{}", format!("{protocol:?}").to_lowercase())
        }
    }
}

/// Bytes for people: what is not UTF-8 or would move the cursor is written as an escape.
fn text(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() {
                out.extend(character.escape_default());
            } else {
                out.push(character);
            }
        }
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_bytes_are_shown_and_not_sent() {
        assert_eq!(text(b"/a\x1b[2J\xff/\xc3\xa9"), "/a\\u{1b}[2J\\xff/é");
    }
}
