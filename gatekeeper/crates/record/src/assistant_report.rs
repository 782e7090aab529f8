//! Reports of assistants about themselves, and the tool call that an event belongs to.

use serde::{Deserialize, Serialize};

use super::record::Ancestor;
use super::time::Moment;
use crate::hook_report::{HookReport, ReportKind};
use crate::session_id::SessionId;

/// A report of an assistant through its hooks. The assistant's word, and no proof: any program of the session
/// can report the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssistantReport {
    /// When it arrived.
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
    #[serde(default, alias = "call", skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The denial that it was answered with, where the policy would deny.
    #[serde(default, alias = "refused", skip_serializing_if = "Option::is_none")]
    pub predicted_denial: Option<PredictedDenial>,
    /// The process that reported it, and those it descends from within the session, nearest first: the kernel's word.
    #[serde(alias = "tellers")]
    pub reported_by: Vec<Ancestor>,
    /// How many reports were turned away, too many in too short a time. Such a record is about nothing else.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// The report itself.
    #[serde(alias = "telling")]
    pub report: HookReport,
}

/// Characters of a report in brief, at most.
const BRIEF: usize = 200;

impl AssistantReport {
    /// The report in a few words: the command, the text, the tool's input or its output.
    #[must_use]
    pub fn brief(&self) -> String {
        let report = &self.report;
        let done = matches!(report.kind, ReportKind::ToolResult | ReportKind::ToolError);
        let asked = report.command.as_ref().or(report.text.as_ref()).or(report.input.as_ref());
        let words = if done { report.output.as_ref().or(asked) } else { asked };
        let words = words.map(String::as_str).unwrap_or_default();
        let short: String = words.chars().take(BRIEF).collect();
        if short.len() < words.len() { format!("{short}…") } else { short }
    }
}

/// A denial that the policy would give, predicted before the tool call.
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
    #[serde(alias = "calls")]
    pub ids: Vec<String>,
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
