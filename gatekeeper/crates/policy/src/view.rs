//! Rules, tests and answers in a shape for output: stable names for programs, plain text for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};
use serde::Serialize;

use super::{capability, signal};
use crate::byte_set::ByteSet;
use crate::document::Severity;
use crate::explain::{Explanation, Question};
use crate::pattern::word::Word;
use crate::rules::{Protocols, Rule, Subject, Written};

/// A rule.
#[derive(Debug, Serialize)]
pub struct RuleView<'a> {
    /// Its name.
    pub id: &'a str,
    /// exec, file, net, unix, signal or capability.
    pub kind: &'static str,
    /// Its verdict.
    pub verdict: &'static str,
    /// Whether what it lets pass may pass only if it is recorded.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub record_required: bool,
    /// The operations it applies to.
    pub operations: Vec<&'static str>,
    /// Its patterns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathView<'a>>,
    /// The folders above that keep their names because of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names_kept: Vec<String>,
    /// The patterns with a folder above that has no name to keep: renaming it takes what they match from them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names_not_kept: Vec<String>,
    /// The names it asks for that a program is called by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called: Option<Vec<&'a str>>,
    /// The tool whose subcommands it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<&'a str>,
    /// The subcommands it asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subcommands: Vec<String>,
    /// The arguments it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<&'a str>>,
    /// The environment variables it asks for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<&'a str>,
    /// Its abstract names.
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "abstract")]
    pub names: Vec<&'a str>,
    /// Its signals; absent where it applies to all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signals: Vec<String>,
    /// Its capabilities; `*` is all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Its addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<&'a str>,
    /// Its protocols.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocols>,
    /// Why.
    pub reason: Option<&'a str>,
    /// The importance of its records.
    pub severity: Severity,
    /// Free words for searching.
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
        let mut view = Self {
            id: &rule.id,
            kind: operations.first().map_or(Family::Builtin, |operation| operation.family()).name(),
            verdict: rule.verdict.name(),
            record_required: rule.required && rule.verdict != Verdict::Deny,
            operations: operations.iter().map(|operation| operation.name()).collect(),
            paths: Vec::new(),
            names_kept: Vec::new(),
            names_not_kept: Vec::new(),
            called: None,
            tool: None,
            subcommands: Vec::new(),
            args: None,
            env: Vec::new(),
            names: Vec::new(),
            signals: Vec::new(),
            capabilities: Vec::new(),
            to: Vec::new(),
            protocol: None,
            reason: rule.reason.as_deref(),
            severity: rule.severity,
            tags: &rule.tags,
            file: &rule.file,
            line: rule.line,
        };
        let paths = |list: &'a [Written]| list.iter().map(PathView::from).collect();
        match &rule.subject {
            Subject::Paths(list) => {
                view.paths = paths(list);
                if rule.holds_names() {
                    (view.names_kept, view.names_not_kept) = names_of(list);
                }
            }
            Subject::Arguments(list, asked) => {
                (view.paths, view.args) = (paths(list), Some(texts(&asked.args)));
                view.called = asked.names.as_deref().map(texts);
                if let Some(subcommand) = &asked.subcommand {
                    view.tool = Some(&subcommand.options.tool);
                    view.subcommands = subcommand.any_of.iter().map(|words| texts(words).join(" ")).collect();
                }
            }
            Subject::Environment(list, words) => (view.paths, view.env) = (paths(list), texts(words)),
            Subject::Unix(list, words) => (view.paths, view.names) = (paths(list), texts(words)),
            Subject::Signals(signals, list) => {
                let named = Some(signals).filter(|signals| **signals != ByteSet::ALL);
                view.signals =
                    named.map(|signals| signals.iter().map(signal::name).collect()).unwrap_or_default();
                view.paths = paths(list);
            }
            Subject::Capabilities(u64::MAX) => view.capabilities = vec!["*".to_owned()],
            Subject::Capabilities(bits) => {
                let numbers = (0..64_u8).filter(|number| bits >> number & 1 == 1);
                view.capabilities = numbers.map(capability::name).collect();
            }
            Subject::Addresses(list, protocols) => {
                view.to = list.iter().map(|target| target.text.as_str()).collect();
                view.protocol = Some(*protocols);
            }
        }
        view
    }
}

/// The folders above what these match, without doubles, and the patterns that have a nameless one.
fn names_of(list: &[Written]) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut not_kept) = (BTreeSet::new(), BTreeSet::new());
    for pattern in list.iter().flat_map(Written::all) {
        kept.extend(pattern.ancestors().map(|folder| text(&folder.text())));
        if pattern.has_nameless_ancestor() {
            not_kept.insert(text(&pattern.text()));
        }
    }
    (kept.into_iter().collect(), not_kept.into_iter().collect())
}

fn texts(words: &[Word]) -> Vec<&str> {
    words.iter().map(|word| word.text.as_str()).collect()
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
    /// The policy's verdict.
    pub verdict: &'static str,
    /// Whether the operation passes.
    pub passes: bool,
    /// The reason for a denial beyond the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// The rule that decided; absent where the default did.
    pub rule: Option<Named<'a>>,
    /// Which default decided; absent where a limit of the kernel's did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<&'static str>,
    /// The rules that also matched.
    pub also_matched: Vec<Named<'a>>,
}

impl<'a> AnswerView<'a> {
    /// The answer to a question.
    #[must_use]
    pub fn new(question: &Question, answer: &Explanation<'a>) -> Self {
        Self {
            operation: answer.operation.name(),
            object: object(question),
            verdict: answer.verdict.name(),
            passes: answer.passes(),
            cause: Some(answer.cause).filter(|cause| *cause != Cause::Policy).map(Cause::text),
            rule: answer.rule.map(Named::from),
            default: (answer.rule.is_none() && !answer.unresolved).then(|| default_of(answer.operation)),
            also_matched: answer.also_matched.iter().map(|rule| Named::from(*rule)).collect(),
        }
    }
}

/// The default that decides on an operation which no rule matches.
#[must_use]
pub fn default_of(operation: Operation) -> &'static str {
    match operation {
        Operation::Map => "stricter of exec and file",
        Operation::Setuid => "setuid",
        operation => operation.family().name(),
    }
}

/// The name of a default, for people.
#[must_use]
pub fn default_text(default: &str) -> String {
    match default {
        "setuid" => "the default for programs that change who runs them".to_owned(),
        name => format!("[defaults] {name}"),
    }
}

/// The object of a question.
#[must_use]
pub fn object(question: &Question) -> String {
    match question {
        Question::Exec(start) => {
            let words = start.argv.iter().skip(1).map(|word| text(word));
            [text(&start.program)].into_iter().chain(words).collect::<Vec<_>>().join(" ")
        }
        Question::File(path, _) => text(path),
        Question::Net(address, protocol, _) => {
            format!("{address}/{}", format!("{protocol:?}").to_lowercase())
        }
        Question::Unix(word, _) => match word.strip_prefix(&[0]) {
            Some(name) => format!("@{}", text(name)),
            None => text(word),
        },
        Question::Signal(number, path) => format!("{} {}", signal::name(*number), text(path)),
        Question::Capability(number) => capability::name(*number),
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
        for byte in chunk.invalid() {
            // Writing to a String never fails.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::compile;

    #[test]
    fn keys_are_those_of_the_documentation() {
        let compiled = compile(include_str!("tests/view.toml")).unwrap();
        let question = Question::File(b"/srv/ledger".to_vec(), vec![Operation::Read]);
        let answer = AnswerView::new(&question, &compiled.explain(&question));
        let answer = serde_json::to_value(&answer).unwrap();
        assert_eq!(
            (&answer["rule"]["id"], &answer["also_matched"][0]["id"]),
            (&"v/ledger".into(), &"v/srv".into())
        );
        let views: Vec<_> =
            compiled.rules.iter().map(|rule| serde_json::to_value(RuleView::from(rule)).unwrap()).collect();
        let required =
            |id: &str| views.iter().find(|view| view["id"] == id).unwrap().get("record_required").cloned();
        assert_eq!((required("v/ledger"), required("v/srv")), (Some(true.into()), None));
    }

    #[test]
    fn folders_whose_names_stay_are_shown() {
        let text = "version = 1\n[[file]]\nid = 'a'\nverdict = 'deny'\npath = ['/srv/a/b', '/srv/*/c']\nreason = 'r'\n";
        let compiled = compile(text).unwrap();
        let rule = compiled.rules.iter().find(|rule| rule.id.ends_with("/a")).unwrap();
        let view = RuleView::from(rule);
        assert_eq!(view.names_kept, ["/srv", "/srv/a"]);
        assert_eq!(view.names_not_kept, ["/srv/*/c"]);
    }

    #[test]
    fn odd_bytes_are_shown_and_not_sent() {
        assert_eq!(text(b"/a\x1b[2J\xff/\xc3\xa9"), "/a\\u{1b}[2J\\xff/é");
    }
}
