//! The tool call that an event belongs to.

use serde::{Deserialize, Serialize};

/// The tool call that an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolLink {
    /// The call, by gatekeeper's number; several where it could be any of them; none for the hook's own processes.
    #[serde(alias = "calls")]
    pub ids: Vec<String>,
    /// The way in which that was found.
    pub matched_by: MatchedBy,
}

/// The way in which an event was matched with a tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// The process descends from the one assistant process that had this call open, and no other.
    ProcessTree,
    /// The same, with several calls open there, of which only this one's command is among its arguments.
    Command,
    /// The process descends from one that was matched.
    Parent,
    /// It is the assistant's own process, while these calls were open there.
    Assistant,
    /// Several calls were open there, and nothing tells them apart.
    Ambiguous,
    /// It is a process of the assistant's hook, which belongs to no tool.
    Hook,
}

impl MatchedBy {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::ProcessTree, Self::Command, Self::Parent, Self::Assistant, Self::Ambiguous, Self::Hook];

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ProcessTree => "by the process tree",
            Self::Command => "by process tree and command",
            Self::Parent => "by its parent",
            Self::Assistant => "the assistant itself",
            Self::Ambiguous => "could be several",
            Self::Hook => "the assistant's hook",
        }
    }
}
