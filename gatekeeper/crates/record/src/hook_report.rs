//! The report of an assistant's hook, in one form for all assistants, and the bounds of its texts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::assistant::Assistant;

/// Bytes of a text (prompt, input, output), at most: what is longer is cut, and says so.
pub const TEXT: usize = 32 << 10;
/// Bytes of a name or number, at most.
pub const WORD: usize = 256;
/// Bytes of a path, at most.
pub const PATH: usize = 4096;
/// Hints taken, at most.
pub const HINTS: usize = 16;

/// The kind of a hook's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// The assistant's own session began.
    #[serde(alias = "begun")]
    SessionStart,
    /// A person, or whatever acts for one, wrote something.
    Prompt,
    /// A tool is about to be used.
    #[serde(alias = "tool")]
    ToolCall,
    /// The assistant asks its user for permission.
    #[serde(alias = "permission")]
    PermissionRequest,
    /// A tool was used.
    #[serde(alias = "tool_done")]
    ToolResult,
    /// A tool failed.
    #[serde(alias = "tool_failed")]
    ToolError,
    /// A sub-agent begins.
    #[serde(alias = "subagent_begun")]
    SubagentStart,
    /// A sub-agent is done.
    #[serde(alias = "subagent_done")]
    SubagentEnd,
    /// The assistant has answered.
    #[serde(alias = "turn_done")]
    TurnEnd,
    /// The assistant's own session ended.
    #[serde(alias = "ended")]
    SessionEnd,
    /// Something else, named by `event`.
    Other,
}

impl ReportKind {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::SessionStart,
        Self::Prompt,
        Self::ToolCall,
        Self::PermissionRequest,
        Self::ToolResult,
        Self::ToolError,
        Self::SubagentStart,
        Self::SubagentEnd,
        Self::TurnEnd,
        Self::SessionEnd,
        Self::Other,
    ];

    /// Whether the assistant waits for an answer before it does something.
    #[must_use]
    pub const fn is_question(self) -> bool {
        matches!(self, Self::Prompt | Self::ToolCall | Self::PermissionRequest)
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::SessionStart => "assistant began",
            Self::Prompt => "prompt",
            Self::ToolCall => "tool call",
            Self::PermissionRequest => "asks its user",
            Self::ToolResult => "tool done",
            Self::ToolError => "tool failed",
            Self::SubagentStart => "sub-agent began",
            Self::SubagentEnd => "sub-agent done",
            Self::TurnEnd => "turn done",
            Self::SessionEnd => "assistant ended",
            Self::Other => "other",
        }
    }
}

/// A report of an assistant through one hook. All of it is the assistant's word, and none of it proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookReport {
    /// The assistant.
    pub assistant: Assistant,
    /// The kind of report.
    #[serde(alias = "what")]
    pub kind: ReportKind,
    /// The same as the assistant calls it.
    pub event: String,
    /// The assistant's own session.
    #[serde(default, alias = "conversation", skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// The turn in it.
    #[serde(default, alias = "turn", skip_serializing_if = "Option::is_none")]
    pub turn_id: Option<String>,
    /// The assistant's own id of the tool call.
    #[serde(default, alias = "tool_use", skip_serializing_if = "Option::is_none")]
    pub tool_use_id: Option<String>,
    /// The tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The tool's input, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The shell command in that, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The tool's output, or why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The prompt, or a sub-agent's or the assistant's last words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The sub-agent that reports, or that the report is about.
    #[serde(default, alias = "subagent", skip_serializing_if = "Option::is_none")]
    pub subagent_id: Option<String>,
    /// The type of that sub-agent.
    #[serde(default, alias = "subagent_kind", skip_serializing_if = "Option::is_none")]
    pub subagent_type: Option<String>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The directory it works in.
    #[serde(default, alias = "folder", skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Variables in the hook's environment that say what it belongs to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<String, String>,
    /// Bytes left out because they were too many.
    #[serde(default, alias = "cut", skip_serializing_if = "is_zero")]
    pub truncated_bytes: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl HookReport {
    /// Returns a report with nothing but its kind.
    #[must_use]
    pub fn of(assistant: Assistant, kind: ReportKind, event: &str) -> Self {
        Self {
            assistant,
            kind,
            event: event.to_owned(),
            conversation_id: None,
            turn_id: None,
            tool_use_id: None,
            tool: None,
            input: None,
            command: None,
            output: None,
            text: None,
            subagent_id: None,
            subagent_type: None,
            model: None,
            working_directory: None,
            hints: BTreeMap::new(),
            truncated_bytes: 0,
        }
    }

    /// Does something to each text in it that somebody else chose, with the bytes it may have.
    pub fn each(&mut self, mut act: impl FnMut(&mut String, usize)) {
        act(&mut self.event, WORD);
        let words = [
            &mut self.conversation_id,
            &mut self.turn_id,
            &mut self.tool_use_id,
            &mut self.tool,
            &mut self.subagent_id,
            &mut self.subagent_type,
            &mut self.model,
        ];
        words.into_iter().flatten().for_each(|word| act(word, WORD));
        self.working_directory.iter_mut().for_each(|path| act(path, PATH));
        let texts = [&mut self.input, &mut self.command, &mut self.output, &mut self.text];
        texts.into_iter().flatten().for_each(|text| act(text, TEXT));
        self.hints.values_mut().for_each(|hint| act(hint, WORD));
    }

    /// Cuts what is too long.
    pub fn shorten(&mut self) {
        let mut cut = 0;
        self.each(|text, most| {
            if text.len() > most {
                let end = text.floor_char_boundary(most);
                cut += (text.len() - end) as u64;
                text.truncate(end);
            }
        });
        while self.hints.len() > HINTS || self.hints.keys().any(|name| name.len() > WORD) {
            self.hints.pop_last();
        }
        self.truncated_bytes += cut;
    }

    /// Leaves out the long texts.
    pub fn empty(&mut self) {
        for text in [&mut self.input, &mut self.command, &mut self.output, &mut self.text] {
            self.truncated_bytes += text.take().map_or(0, |text| text.len() as u64);
        }
    }

    /// Bytes of it, about.
    #[must_use]
    pub fn size(&mut self) -> usize {
        let mut size = 0;
        self.each(|text, _| size += text.len());
        size
    }
}
