//! `[approval]` as written, and the same keys in a rule that asks.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

/// The terms on which holds are decided; a rule that asks can have terms of its own.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApprovalTable {
    /// The time that a hold waits before it is denied, such as `30s` or `5m`; left out: 5m.
    #[schemars(with = "Option<String>")]
    pub timeout: Option<Spanned<String>>,
    /// The number of different people who must approve; left out: 1.
    #[schemars(with = "Option<u32>", range(min = 1, max = 16))]
    pub quorum: Option<Spanned<u32>>,
    /// Who may decide, as `user:NAME` and `group:NAME`; left out: the session's owner. Root always may.
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub approvers: Option<Spanned<Vec<Spanned<String>>>>,
    /// Whether the session's owner can't be the only one who approves.
    pub separation: Option<bool>,
    /// Checks before a person is asked: `hash`, and `command:` with the path of a program.
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub check: Option<Spanned<Vec<Spanned<String>>>>,
    /// Holds a minute that a session may ask people about, beyond which they are denied; left out: 30.
    #[schemars(with = "Option<u32>", range(min = 1, max = 10_000))]
    pub per_minute: Option<Spanned<u32>>,
}

/// The same keys of one rule.
#[derive(Debug, Clone, Copy, Default)]
pub struct AskKeys<'a> {
    /// See [`ApprovalTable::timeout`].
    pub timeout: Option<&'a Spanned<String>>,
    /// See [`ApprovalTable::quorum`].
    pub quorum: Option<&'a Spanned<u32>>,
    /// See [`ApprovalTable::approvers`].
    pub approvers: Option<&'a Spanned<Vec<Spanned<String>>>>,
    /// See [`ApprovalTable::separation`].
    pub separation: Option<&'a Spanned<bool>>,
    /// See [`ApprovalTable::check`].
    pub check: Option<&'a Spanned<Vec<Spanned<String>>>>,
}

impl AskKeys<'_> {
    /// Where the first of them stands, with its name.
    #[must_use]
    pub fn first(&self) -> Option<(std::ops::Range<usize>, &'static str)> {
        let keys = [
            (self.timeout.map(Spanned::span), "timeout"),
            (self.quorum.map(Spanned::span), "quorum"),
            (self.approvers.map(Spanned::span), "approvers"),
            (self.separation.map(Spanned::span), "separation"),
            (self.check.map(Spanned::span), "check"),
        ];
        keys.into_iter().find_map(|(span, name)| Some((span?, name)))
    }
}
