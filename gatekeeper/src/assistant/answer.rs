//! Replies to an assistant's hook, in the assistant's own form.

use serde_json::{Value, json};

use super::Assistant;
use gatekeeper_record::hook_report::ReportKind;

/// Output and exit status of a hook.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// For standard output: JSON or nothing.
    pub out: Option<Value>,
    /// For standard error: what the assistant, or its user, reads where standard output is not asked for.
    pub error: Option<String>,
    /// The exit status.
    pub status: u8,
}

/// The exit status that blocks, where an assistant knows one.
const BLOCKED: u8 = 2;

/// Returns the reply that lets the event pass: it is empty, so that the assistant's own rules and its user still decide.
#[must_use]
pub fn pass() -> Reply {
    Reply::default()
}

/// Returns a refusal with a reason for the assistant. Where the event can't be refused, the reason is only shown.
#[must_use]
pub fn refuse(assistant: Assistant, kind: ReportKind, event: &str, reason: &str) -> Reply {
    if !kind.is_question() {
        return Reply { error: Some(reason.to_owned()), ..Reply::default() };
    }
    let out = match (assistant, kind) {
        (Assistant::Claude | Assistant::Codex, ReportKind::PermissionRequest) => {
            json!({"hookSpecificOutput": {
                "hookEventName": event,
                "decision": {"behavior": "deny", "message": reason},
            }})
        }
        (Assistant::Claude | Assistant::Codex, ReportKind::Prompt) => {
            json!({"decision": "block", "reason": reason})
        }
        (Assistant::Claude | Assistant::Codex, _) => json!({"hookSpecificOutput": {
            "hookEventName": event,
            "permissionDecision": "deny",
            "permissionDecisionReason": reason,
        }}),
        (Assistant::Gemini, _) => json!({"decision": "deny", "reason": reason}),
        (Assistant::Cursor, ReportKind::Prompt) => json!({"continue": false, "user_message": reason}),
        (Assistant::Cursor, _) => {
            json!({"permission": "deny", "user_message": reason, "agent_message": reason})
        }
        (Assistant::Copilot, ReportKind::PermissionRequest) => json!({"behavior": "deny", "message": reason}),
        (Assistant::Copilot, ReportKind::Prompt) => {
            // It has no answer to a prompt; only the exit status counts.
            return Reply { error: Some(reason.to_owned()), status: BLOCKED, ..Reply::default() };
        }
        (Assistant::Copilot, _) => {
            json!({"permissionDecision": "deny", "permissionDecisionReason": reason})
        }
        // The plugin that setup writes reads this and throws.
        (Assistant::Opencode, _) => json!({"deny": reason}),
    };
    Reply { out: Some(out), ..Reply::default() }
}

/// Blocks where not even the event could be read, so that no form is known to fit: the exit status that every
/// assistant takes for a refusal.
#[must_use]
pub fn block(reason: &str) -> Reply {
    Reply { out: None, error: Some(reason.to_owned()), status: BLOCKED }
}
