//! What an assistant tells, in one form for all of them, and how much of it is taken.

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

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// The assistant's own session began.
    Begun,
    /// A person, or whatever speaks for one, said something.
    Prompt,
    /// A tool is about to be used.
    Tool,
    /// The assistant asks its user for leave.
    Permission,
    /// A tool was used.
    ToolDone,
    /// A tool failed.
    ToolFailed,
    /// A sub-agent begins.
    SubagentBegun,
    /// A sub-agent is done.
    SubagentDone,
    /// The assistant has answered.
    TurnDone,
    /// The assistant's own session ended.
    Ended,
    /// Something else, named by `event`.
    Other,
}

impl ReportKind {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Begun,
        Self::Prompt,
        Self::Tool,
        Self::Permission,
        Self::ToolDone,
        Self::ToolFailed,
        Self::SubagentBegun,
        Self::SubagentDone,
        Self::TurnDone,
        Self::Ended,
        Self::Other,
    ];

    /// Whether the assistant waits for an answer before it does something.
    #[must_use]
    pub const fn is_question(self) -> bool {
        matches!(self, Self::Prompt | Self::Tool | Self::Permission)
    }

    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Begun => "assistant began",
            Self::Prompt => "prompt",
            Self::Tool => "tool call",
            Self::Permission => "asks its user",
            Self::ToolDone => "tool done",
            Self::ToolFailed => "tool failed",
            Self::SubagentBegun => "sub-agent began",
            Self::SubagentDone => "sub-agent done",
            Self::TurnDone => "turn done",
            Self::Ended => "assistant ended",
            Self::Other => "told",
        }
    }
}

/// What an assistant tells through one hook. All of it is what the assistant says, and none of it proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookReport {
    /// Which assistant.
    pub assistant: Assistant,
    /// What is told.
    pub what: ReportKind,
    /// The same as the assistant calls it.
    pub event: String,
    /// The assistant's own session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// The turn in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<String>,
    /// The assistant's own id of the tool call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_use: Option<String>,
    /// The tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// What the tool is given, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The shell command in that, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What the tool gave back, or why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// The prompt, or a sub-agent's or the assistant's last words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The sub-agent that speaks, or is spoken of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subagent: Option<String>,
    /// What kind of sub-agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subagent_kind: Option<String>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The folder it works in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Variables in the hook's environment that say what it belongs to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hints: BTreeMap<String, String>,
    /// Bytes left out because they were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cut: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl HookReport {
    /// A telling that says nothing yet.
    #[must_use]
    pub fn of(assistant: Assistant, what: ReportKind, event: &str) -> Self {
        Self {
            assistant,
            what,
            event: event.to_owned(),
            conversation: None,
            turn: None,
            tool_use: None,
            tool: None,
            input: None,
            command: None,
            output: None,
            text: None,
            subagent: None,
            subagent_kind: None,
            model: None,
            folder: None,
            hints: BTreeMap::new(),
            cut: 0,
        }
    }

    /// Does something to each text in it that somebody else chose, with the bytes it may have.
    pub fn each(&mut self, mut act: impl FnMut(&mut String, usize)) {
        act(&mut self.event, WORD);
        let words = [
            &mut self.conversation,
            &mut self.turn,
            &mut self.tool_use,
            &mut self.tool,
            &mut self.subagent,
            &mut self.subagent_kind,
            &mut self.model,
        ];
        words.into_iter().flatten().for_each(|word| act(word, WORD));
        self.folder.iter_mut().for_each(|path| act(path, PATH));
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
        self.cut += cut;
    }

    /// Leaves out the long texts.
    pub fn empty(&mut self) {
        for text in [&mut self.input, &mut self.command, &mut self.output, &mut self.text] {
            self.cut += text.take().map_or(0, |text| text.len() as u64);
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
