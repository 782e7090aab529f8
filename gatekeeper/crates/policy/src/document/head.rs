//! The keys that the tables of all kinds of rule share.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use gatekeeper_common::verdict::Verdict;

use super::approval::AskKeys;

/// A verdict as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Let it pass.
    Allow,
    /// Let it pass and record it.
    Audit,
    /// Ask a person: it is held until there is a decision.
    Ask,
    /// Refuse it.
    Deny,
}

impl Word {
    /// Whether it keeps something from passing.
    #[must_use]
    pub fn forbids(self) -> bool {
        matches!(self, Self::Ask | Self::Deny)
    }
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

/// The importance of a rule's records.
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

/// Whether there must be a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordWord {
    /// An operation that can't be recorded does not pass.
    Required,
}

/// The keys that the tables of all kinds share.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The verdict.
    pub verdict: Word,
    /// The name given to the rule.
    pub id: Option<&'a Spanned<String>>,
    /// Why.
    pub reason: Option<&'a str>,
    /// Whether there must be a record.
    pub record: Option<&'a Spanned<RecordWord>>,
    /// The importance of its records.
    pub severity: Severity,
    /// Free words for searching.
    pub tags: Option<&'a Spanned<Vec<String>>>,
    /// The terms on which a hold is decided, where it asks.
    pub asks: AskKeys<'a>,
}

/// A table that is a rule.
pub trait Table {
    /// The table's name, from which ids are derived.
    const KIND: &'static str;
    /// The keys that it shares with the others.
    fn head(&self) -> Head<'_>;
}

/// Defines the table of one kind of rule. serde's `flatten` would lose the refusal of unknown keys, and
/// the places of values.
macro_rules! rule_table {
    ($(#[$about:meta])* $kind:literal $name:ident { $($fields:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The verdict on operations that match.
            pub verdict: super::head::Word,
            $($fields)*
            /// A name for the rule, unique in this file; left out: derived.
            #[schemars(with = "Option<String>")]
            pub id: Option<toml::Spanned<String>>,
            /// Why, for whoever meets the rule.
            pub reason: Option<String>,
            /// `"required"`: what the rule lets pass may pass only if it can be recorded.
            #[schemars(with = "Option<super::head::RecordWord>")]
            pub record: Option<toml::Spanned<super::head::RecordWord>>,
            /// The importance of its records.
            #[serde(default)]
            pub severity: super::head::Severity,
            /// Free words for searching records.
            #[schemars(with = "Option<Vec<String>>", length(min = 1))]
            pub tags: Option<toml::Spanned<Vec<String>>>,
            /// With `ask`: how long a hold waits, as in `[approval]`.
            #[schemars(with = "Option<String>")]
            pub timeout: Option<toml::Spanned<String>>,
            /// With `ask`: how many must approve.
            #[schemars(with = "Option<u32>", range(min = 1, max = 16))]
            pub quorum: Option<toml::Spanned<u32>>,
            /// With `ask`: who may decide.
            #[schemars(with = "Option<Vec<String>>", length(min = 1))]
            pub approvers: Option<toml::Spanned<Vec<toml::Spanned<String>>>>,
            /// With `ask`: whether the session's owner can't be the only one who approves.
            #[schemars(with = "Option<bool>")]
            pub separation: Option<toml::Spanned<bool>>,
            /// With `ask`: checks before a person is asked.
            #[schemars(with = "Option<Vec<String>>", length(min = 1))]
            pub check: Option<toml::Spanned<Vec<toml::Spanned<String>>>>,
        }

        impl super::head::Table for $name {
            const KIND: &'static str = $kind;

            fn head(&self) -> super::head::Head<'_> {
                super::head::Head {
                    verdict: self.verdict,
                    id: self.id.as_ref(),
                    reason: self.reason.as_deref(),
                    record: self.record.as_ref(),
                    severity: self.severity,
                    tags: self.tags.as_ref(),
                    asks: super::approval::AskKeys {
                        timeout: self.timeout.as_ref(),
                        quorum: self.quorum.as_ref(),
                        approvers: self.approvers.as_ref(),
                        separation: self.separation.as_ref(),
                        check: self.check.as_ref(),
                    },
                }
            }
        }
    };
}
pub(super) use rule_table;
