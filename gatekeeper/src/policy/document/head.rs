//! What the tables of all kinds of rule begin with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use gatekeeper_common::verdict::Verdict;

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

/// What the tables of all kinds have in common.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The verdict.
    pub verdict: Word,
    /// The name given to the rule.
    pub id: Option<&'a Spanned<String>>,
    /// Why.
    pub reason: Option<&'a str>,
    /// How much a record matters.
    pub severity: Severity,
    /// Words for searching.
    pub tags: Option<&'a Spanned<Vec<String>>>,
}

/// A table that is a rule.
pub trait Table {
    /// The table's name, from which ids are derived.
    const KIND: &'static str;
    /// What it has in common with the others.
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
            /// What becomes of what matches.
            pub verdict: super::head::Word,
            $($fields)*
            /// A name for the rule, unique in this file; left out: derived.
            #[schemars(with = "Option<String>")]
            pub id: Option<toml::Spanned<String>>,
            /// Why, for whoever meets the rule.
            pub reason: Option<String>,
            /// How much a record of this rule matters.
            #[serde(default)]
            pub severity: super::head::Severity,
            /// Free words for searching records.
            #[schemars(with = "Option<Vec<String>>", length(min = 1))]
            pub tags: Option<toml::Spanned<Vec<String>>>,
        }

        impl super::head::Table for $name {
            const KIND: &'static str = $kind;

            fn head(&self) -> super::head::Head<'_> {
                super::head::Head {
                    verdict: self.verdict,
                    id: self.id.as_ref(),
                    reason: self.reason.as_deref(),
                    severity: self.severity,
                    tags: self.tags.as_ref(),
                }
            }
        }
    };
}
pub(super) use rule_table;
