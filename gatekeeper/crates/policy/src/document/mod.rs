//! The policy as written: the grammar, and nothing of its meaning. One table of rules a file.

mod approval;
mod capability;
mod exec;
mod file;
mod head;
mod net;
mod record;
mod signal;
mod test;
mod tool;
mod unix;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use gatekeeper_common::limits::ARGUMENT_BYTES_MOST;
use gatekeeper_common::verdict::Verdict;

pub use approval::{ApprovalTable, AskKeys};
pub use capability::CapabilityRule;
pub use exec::ExecRule;
pub use file::{Access, FileRule};
pub use head::{Head, RecordWord, Severity, Table, Word};
pub use net::{NetRule, ProtocolWord, Reach};
pub use record::{RecordTable, Required};
pub use signal::{SignalRule, SignalWord};
pub use test::TestTable;
pub use tool::ToolTable;
pub use unix::{UnixReach, UnixRule};

use crate::error::PolicyError;
use crate::source::Source;

/// A policy file of gatekeeper.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "gatekeeper policy")]
pub struct Document {
    /// Version of the grammar: 1.
    #[schemars(with = "u32", range(min = 1, max = 1))]
    pub version: Spanned<u32>,
    /// Its name in sessions, records and other policies; left out: the file's name without `.toml`.
    #[schemars(with = "Option<String>")]
    pub name: Option<Spanned<String>>,
    /// One sentence for people.
    pub description: Option<String>,
    /// Names of policies this one adds to: in this file's folder, then in the policy directories.
    #[schemars(with = "Option<Vec<String>>")]
    pub extends: Option<Spanned<Vec<Spanned<String>>>>,
    /// The verdicts where no rule matches.
    #[serde(default)]
    pub defaults: DefaultsTable,
    /// Features of the kernel as a whole, without rules.
    #[serde(default)]
    pub kernel: KernelTable,
    /// Requirements on the record.
    #[serde(default)]
    pub record: RecordTable,
    /// The terms on which holds are decided.
    #[serde(default)]
    pub approval: ApprovalTable,
    /// Pieces of text for patterns, used as `${name}`; private to this file.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub vars: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Descriptions of tools whose subcommands rules name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, ToolTable>")]
    pub tools: BTreeMap<Spanned<String>, Spanned<ToolTable>>,
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
    /// Rules about UNIX sockets.
    #[serde(default)]
    #[schemars(with = "Vec<UnixRule>")]
    pub unix: Vec<Spanned<UnixRule>>,
    /// Rules about signals.
    #[serde(default)]
    #[schemars(with = "Vec<SignalRule>")]
    pub signal: Vec<Spanned<SignalRule>>,
    /// Rules about capabilities.
    #[serde(default)]
    #[schemars(with = "Vec<CapabilityRule>")]
    pub capability: Vec<Spanned<CapabilityRule>>,
    /// Questions with the verdicts that the policy must give; asked whenever it is loaded.
    #[serde(default)]
    #[schemars(with = "Vec<TestTable>")]
    pub test: Vec<Spanned<TestTable>>,
}

/// The verdicts where no rule matches; left out: those of an extended policy, or else deny.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultsTable {
    /// For programs.
    pub exec: Option<Word>,
    /// For files.
    pub file: Option<Word>,
    /// For addresses.
    pub net: Option<Word>,
    /// For UNIX sockets that are not the session's own.
    pub unix: Option<Word>,
    /// For signals to processes outside the session.
    pub signal: Option<Word>,
    /// For capabilities.
    pub capability: Option<Word>,
    /// Bytes of arguments that rules look at, at most; left out: 2,097,152.
    #[schemars(with = "Option<u32>", range(min = 1, max = ARGUMENT_BYTES_MOST))]
    pub arguments: Option<Spanned<u32>>,
}

/// Features of the kernel as a whole.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KernelTable {
    /// Whether a task may make an `io_uring`; left out: allow, for what goes through one is judged as ever.
    pub io_uring: Option<KernelWord>,
    /// Whether a task may make a user namespace; left out: deny.
    pub user_namespaces: Option<KernelWord>,
}

/// A verdict on what nobody is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KernelWord {
    /// Let it pass.
    Allow,
    /// Let it pass and record it.
    Audit,
    /// Refuse it.
    Deny,
}

impl From<KernelWord> for Verdict {
    fn from(word: KernelWord) -> Self {
        match word {
            KernelWord::Allow => Self::Allow,
            KernelWord::Audit => Self::Audit,
            KernelWord::Deny => Self::Deny,
        }
    }
}

impl Document {
    /// Parses the text of a source and checks its version.
    ///
    /// # Errors
    /// Where the text is no policy of version 1.
    pub fn parse(source: &Source) -> Result<Self, PolicyError> {
        let document: Self = toml::from_str(&source.text).map_err(|error| refused(source, &error))?;
        if *document.version.get_ref() != 1 {
            return Err(source.error(
                document.version.span(),
                format!("version {} is not one this gatekeeper knows", document.version.get_ref()),
                "write `version = 1`, or use the gatekeeper this policy was written for",
            ));
        }
        let arguments = document.defaults.arguments.as_ref();
        if let Some(bytes) = arguments.filter(|bytes| !(1..=ARGUMENT_BYTES_MOST).contains(bytes.get_ref())) {
            return Err(source.error(
                bytes.span(),
                format!("{} is no limit for bytes of arguments", bytes.get_ref()),
                format!("write a number from 1 to {ARGUMENT_BYTES_MOST}"),
            ));
        }
        Ok(document)
    }
}

/// One document of a policy.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The policy's name.
    pub name: String,
    /// The text.
    pub source: Source,
    /// The parsed text.
    pub document: Document,
}

fn refused(source: &Source, error: &toml::de::Error) -> PolicyError {
    let problem = error.message().trim().replace('\n', "; ");
    let help = if problem.starts_with("unknown field") {
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
    source.error(error.span().unwrap_or(0..0), problem, help)
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
        let program = document.exec[0].get_ref().program.as_ref().unwrap();
        assert_eq!(source.position(program.get_ref()[0].span().start), (5, 12));
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
