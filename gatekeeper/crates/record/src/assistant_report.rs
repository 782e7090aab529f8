//! Reports of assistants about themselves.

use serde::{Deserialize, Serialize};

use super::process::Ancestor;
use super::time::Moment;
use crate::hook_report::{HookReport, ReportKind};
use crate::session_id::SessionId;

/// A report of an assistant through its hooks. The assistant's word, and no proof: any program of the session
/// can report the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssistantReport {
    /// The time of its arrival.
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
    /// The session's purpose, as given when it was opened.
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
    /// The number of reports that were turned away, too many in too short a time. Such a record is about nothing else.
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

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
