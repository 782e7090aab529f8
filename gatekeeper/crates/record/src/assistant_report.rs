//! What an assistant told of itself, and which tool call an event belongs to.

use serde::{Deserialize, Serialize};

use super::record::Ancestor;
use super::time::Moment;
use crate::hook_report::{HookReport, ReportKind};
use crate::session_id::SessionId;

/// What an assistant told through its hooks. The assistant's word, and no proof: any program of the session
/// can say the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssistantReport {
    /// When it was told.
    pub time: Moment,
    /// The same on the kernel's own clock.
    pub boot_time: u64,
    /// The session.
    pub session: SessionId,
    /// The session's short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// User id of the session's owner.
    pub owner: u32,
    /// What the session is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The policy that says no; else the session's, the innermost of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// That policy's generation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
    /// gatekeeper's own number of the tool call it is about: `SESSION.N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// What it was answered, where that was a no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<PredictedDenial>,
    /// The process that told it, and those it descends from within the session, nearest first: the kernel's word.
    pub tellers: Vec<Ancestor>,
    /// How many more were told, too many in too short a time, and turned away; with this set it tells of nothing else.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// What it told.
    pub telling: HookReport,
}

/// Characters of what was said where it is told in brief.
const BRIEF: usize = 200;

impl AssistantReport {
    /// What it is about, in a few words: the command, what was said, what the tool is given, what it gave back.
    #[must_use]
    pub fn brief(&self) -> String {
        let telling = &self.telling;
        let done = matches!(telling.what, ReportKind::ToolDone | ReportKind::ToolFailed);
        let said = telling.command.as_ref().or(telling.text.as_ref()).or(telling.input.as_ref());
        let words = if done { telling.output.as_ref().or(said) } else { said };
        let words = words.map(String::as_str).unwrap_or_default();
        let short: String = words.chars().take(BRIEF).collect();
        if short.len() < words.len() { format!("{short}…") } else { short }
    }
}

/// A refusal that the policy would give, told beforehand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PredictedDenial {
    /// For the assistant and for people.
    pub reason: String,
    /// The policy.
    pub policy: String,
    /// The rule, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// Which tool call an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolLink {
    /// The call, by gatekeeper's number; several where it could be any of them; none for the hook's own processes.
    pub calls: Vec<String>,
    /// How that was found.
    pub matched_by: MatchedBy,
}

/// How an event was matched with a tool call.
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
