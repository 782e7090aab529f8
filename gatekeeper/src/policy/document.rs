//! The policy as written: the grammar, and nothing of its meaning.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;

use super::error::PolicyError;
use super::source::Source;

/// A policy file of gatekeeper.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "gatekeeper policy")]
pub struct Document {
    /// Version of the grammar: 1.
    #[schemars(with = "u32", range(min = 1, max = 1))]
    pub version: Spanned<u32>,
    /// What sessions, records and other policies call it; left out: the file's name without `.toml`.
    #[schemars(with = "Option<String>")]
    pub name: Option<Spanned<String>>,
    /// One sentence for people.
    pub description: Option<String>,
    /// Names of policies this one adds to: beside this file, then in the policy directories.
    #[schemars(with = "Option<Vec<String>>")]
    pub extends: Option<Spanned<Vec<Spanned<String>>>>,
    /// What holds where no rule speaks.
    #[serde(default)]
    pub defaults: DefaultsTable,
    /// Pieces of text for patterns, used as `${name}`; private to this file.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub vars: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Rules about programs.
    #[serde(default)]
    #[schemars(with = "Vec<ExecRule>")]
    pub exec: Vec<Spanned<ExecRule>>,
    /// Rules about files.
    #[serde(default)]
    #[schemars(with = "Vec<FileRule>")]
    pub file: Vec<Spanned<FileRule>>,
    /// Rules about addresses.
    #[serde(default)]
    #[schemars(with = "Vec<NetRule>")]
    pub net: Vec<Spanned<NetRule>>,
    /// What the policy must say; checked whenever it is loaded.
    #[serde(default)]
    #[schemars(with = "Vec<TestTable>")]
    pub test: Vec<Spanned<TestTable>>,
}

/// What holds where no rule speaks; left out: what an extended policy says, or else deny.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultsTable {
    /// For programs.
    pub exec: Option<Word>,
    /// For files.
    pub file: Option<Word>,
    /// For addresses.
    pub net: Option<Word>,
}

/// A verdict as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Let it pass.
    Allow,
    /// Let it pass and record it.
    Audit,
    /// Ask a person; denied where nobody can be asked.
    Ask,
    /// Refuse it.
    Deny,
}

impl From<Word> for Verdict {
    fn from(word: Word) -> Self {
        match word {
            Word::Allow => Self::Allow,
            Word::Audit => Self::Audit,
            Word::Ask => Self::Ask,
            Word::Deny => Self::Deny,
        }
    }
}

/// How much a record of this rule matters to whoever watches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth keeping.
    #[default]
    Info,
    /// Worth a look some day.
    Low,
    /// Worth a look.
    Medium,
    /// Worth a look now.
    High,
    /// Worth waking somebody.
    Critical,
}

/// One way to use a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Open for reading; for a directory, list it.
    Read,
    /// Open for writing, truncation included.
    Write,
    /// Make it.
    Create,
    /// Remove it.
    Delete,
    /// Rename it, or give another file its name.
    Rename,
    /// Make a hard link to it, or of its name.
    Link,
    /// Change mode, owner, times or extended attributes.
    Metadata,
    /// Map it into memory as executable: a shared library.
    Map,
}

impl From<Access> for Operation {
    fn from(access: Access) -> Self {
        match access {
            Access::Read => Self::Read,
            Access::Write => Self::Write,
            Access::Create => Self::Create,
            Access::Delete => Self::Delete,
            Access::Rename => Self::Rename,
            Access::Link => Self::Link,
            Access::Metadata => Self::Metadata,
            Access::Map => Self::Map,
        }
    }
}

/// One way to use an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Connect a socket to it.
    Connect,
    /// Bind a socket to it.
    Bind,
    /// Send to it (UDP, TCP fast open).
    Send,
}

impl From<Reach> for Operation {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Connect => Self::Connect,
            Reach::Bind => Self::Bind,
            Reach::Send => Self::Send,
        }
    }
}

/// A protocol as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolWord {
    /// TCP, and MPTCP.
    Tcp,
    /// UDP.
    Udp,
    /// Those and every other.
    Any,
}

/// A rule about programs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecRule {
    /// What becomes of an exec that matches.
    pub verdict: Word,
    /// Patterns of the program's real path.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub program: Spanned<Vec<Spanned<String>>>,
    /// A name for the rule, unique in this file; left out: derived.
    #[schemars(with = "Option<String>")]
    pub id: Option<Spanned<String>>,
    /// Why, for whoever meets the rule.
    pub reason: Option<String>,
    /// How much a record of this rule matters.
    #[serde(default)]
    pub severity: Severity,
    /// Free words for searching records.
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub tags: Option<Spanned<Vec<String>>>,
}

/// A rule about files.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileRule {
    /// What becomes of an access that matches.
    pub verdict: Word,
    /// Patterns of the file's real path.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub path: Spanned<Vec<Spanned<String>>>,
    /// The accesses the rule speaks of; left out: all.
    #[schemars(with = "Option<Vec<Access>>", length(min = 1))]
    pub access: Option<Spanned<Vec<Access>>>,
    /// A name for the rule, unique in this file; left out: derived.
    #[schemars(with = "Option<String>")]
    pub id: Option<Spanned<String>>,
    /// Why, for whoever meets the rule.
    pub reason: Option<String>,
    /// How much a record of this rule matters.
    #[serde(default)]
    pub severity: Severity,
    /// Free words for searching records.
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub tags: Option<Spanned<Vec<String>>>,
}

/// A rule about addresses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetRule {
    /// What becomes of an operation that matches.
    pub verdict: Word,
    /// Addresses: `10.0.0.0/8`, `127.0.0.1:5432`, `[2001:db8::/32]:1-1024`, `*:53`.
    #[schemars(with = "Vec<String>", length(min = 1))]
    pub to: Spanned<Vec<Spanned<String>>>,
    /// The protocol the rule speaks of; left out: any.
    pub protocol: Option<ProtocolWord>,
    /// The operations the rule speaks of; left out: all.
    #[schemars(with = "Option<Vec<Reach>>", length(min = 1))]
    pub operation: Option<Spanned<Vec<Reach>>>,
    /// A name for the rule, unique in this file; left out: derived.
    #[schemars(with = "Option<String>")]
    pub id: Option<Spanned<String>>,
    /// Why, for whoever meets the rule.
    pub reason: Option<String>,
    /// How much a record of this rule matters.
    #[serde(default)]
    pub severity: Severity,
    /// Free words for searching records.
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub tags: Option<Spanned<Vec<String>>>,
}

/// One question and the answer the policy must give. Exactly one of `exec`, `file` and `net`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestTable {
    /// A program's path and its arguments.
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub exec: Option<Spanned<Vec<String>>>,
    /// A file's path.
    #[schemars(with = "Option<String>")]
    pub file: Option<Spanned<String>>,
    /// How the file is used: one word, or a list that is judged together.
    #[schemars(with = "Option<OneOrMany>")]
    pub access: Option<Spanned<OneOrMany>>,
    /// An address and a port: `93.184.216.34:443`, `[::1]:80`.
    #[schemars(with = "Option<String>")]
    pub net: Option<Spanned<String>>,
    /// The protocol; left out: tcp.
    pub protocol: Option<ProtocolWord>,
    /// The operation; left out: connect.
    pub operation: Option<Reach>,
    /// The verdict the policy must give.
    pub expect: Word,
}

/// One access or several.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMany {
    /// A single word.
    One(Access),
    /// A list.
    Many(Vec<Access>),
}

impl OneOrMany {
    /// As a list.
    #[must_use]
    pub fn as_slice(&self) -> &[Access] {
        match self {
            Self::One(access) => std::slice::from_ref(access),
            Self::Many(list) => list,
        }
    }
}

// By hand, because serde's untagged enums lose the message of the branch that was meant.
impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = OneOrMany;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an access or a list of accesses")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<OneOrMany, E> {
                Access::deserialize(serde::de::value::StrDeserializer::new(word)).map(OneOrMany::One)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, list: A) -> Result<OneOrMany, A::Error> {
                Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(list)).map(OneOrMany::Many)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Document {
    /// Parses the text of a source and checks its version.
    pub fn parse(source: &Source) -> Result<Self, PolicyError> {
        let document: Self = toml::from_str(&source.text).map_err(|error| refused(source, &error))?;
        if *document.version.get_ref() != 1 {
            return Err(source.error(
                document.version.span(),
                format!("version {} is not one this gatekeeper knows", document.version.get_ref()),
                "write `version = 1`, or use the gatekeeper this policy was written for",
            ));
        }
        Ok(document)
    }
}

fn refused(source: &Source, error: &toml::de::Error) -> PolicyError {
    let problem = error.message().trim().replace('\n', "; ");
    let mend = if problem.starts_with("unknown field") {
        "remove the key, or correct its spelling"
    } else if problem.starts_with("unknown variant") {
        "write one of the words listed"
    } else if problem.starts_with("missing field") {
        "add the key"
    } else if problem.starts_with("invalid type") || problem.starts_with("invalid value") {
        "write a value of the kind expected"
    } else {
        "correct the TOML here; `gatekeeper policy schema` helps an editor to check it"
    };
    source.error(error.span().unwrap_or(0..0), problem, mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document, PolicyError> {
        Document::parse(&Source::new("t", None, text.to_owned()))
    }

    #[test]
    fn access_is_a_word_or_a_list() {
        let document = parse(
            "version = 1\n[[test]]\nfile = '/a'\naccess = 'read'\nexpect = 'deny'\n\
             [[test]]\nfile = '/a'\naccess = ['read', 'map']\nexpect = 'ask'\n",
        )
        .unwrap();
        let list =
            |at: usize| document.test[at].get_ref().access.as_ref().unwrap().get_ref().as_slice().to_vec();
        assert_eq!(list(0), [Access::Read]);
        assert_eq!(list(1), [Access::Read, Access::Map]);
    }

    #[test]
    fn rules_know_their_place() {
        let text = "version = 1\n\n[[exec]]\nverdict = 'allow'\nprogram = ['/a']\n";
        let source = Source::new("t", None, text.to_owned());
        let document = Document::parse(&source).unwrap();
        assert_eq!(source.position(document.exec[0].span().start).0, 3);
        assert_eq!(source.position(document.exec[0].get_ref().program.get_ref()[0].span().start), (5, 12));
    }

    #[test]
    fn refusals_name_the_place() {
        for (text, place, part) in [
            ("version = 2\n", (1, 11), "version 2"),
            ("version = 1\nfoo = 2\n", (2, 1), "unknown field `foo`"),
            ("name = 'x'\n", (1, 1), "missing field `version`"),
            (
                "version = 1\n[[exec]]\nverdict = 'alow'\nprogram = ['/a']\n",
                (3, 11),
                "unknown variant `alow`",
            ),
            ("version = 1\n[[test]]\nfile = '/a'\naccess = 'raed'\nexpect = 'deny'\n", (4, 10), "`raed`"),
            (
                "version = 1\n[[file]]\npath = ['/a']\nverdict = 'deny'\nseverity = 'loud'\n",
                (5, 12),
                "`loud`",
            ),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.problem.contains(part), "{error}");
            assert_eq!((error.line, error.column), place, "{error}");
        }
    }
}
