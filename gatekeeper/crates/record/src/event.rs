//! Operations of labelled tasks, with what became of them.

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Verdict};
use serde::{Deserialize, Serialize};

use crate::container::Container;
use crate::hold_id::HoldId;
use crate::object::Object;
use crate::process::{Ancestor, FileId, Task};
use crate::session_id::SessionId;
use crate::time::Moment;
use crate::tool_link::ToolLink;
use crate::words;
use gatekeeper_policy::rulebook::RuleInfo;

/// An operation of a labelled task, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The kernel's number of the event, from 1 at each boot.
    pub sequence: u64,
    /// The time.
    pub time: Moment,
    /// The same on the kernel's own clock: nanoseconds since boot, time asleep included.
    #[serde(default)]
    pub boot_time: u64,
    /// The innermost session of the task; none for the canaries that prove the hooks.
    pub session: Option<SessionId>,
    /// The session's short name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// User id of the session's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    /// The session's purpose, as given when it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The assistant: the first program of the session, by its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant: Option<String>,
    /// The container that the session is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// The verdict of the rules.
    #[serde(with = "words::verdict")]
    pub verdict: Verdict,
    /// Whether the operation passed.
    pub passed: bool,
    /// The operation that was asked for.
    #[serde(with = "words::operation")]
    pub operation: Operation,
    /// On what.
    pub object: Object,
    /// The cause, where no rule decided.
    #[serde(with = "words::cause")]
    pub cause: Cause,
    /// For people: the rule's reason, or the cause's text, or that no rule matches.
    pub reason: String,
    /// The rule that decided; none where a default or the kernel side itself did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleInfo>,
    /// The policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The policy's generation.
    pub generation: u64,
    /// The layer that decided, counted from the outermost.
    pub layer: u8,
    /// The program that was running, by the path it was started from; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The very file that program was started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_file: Option<FileId>,
    /// That program's arguments without their secrets, in one line; words that could be taken for several in quotes.
    /// The beginning where it is long. None where they are not known, and where they are the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// The task.
    pub task: Task,
    /// The processes it descends from, nearest first, as far as the session's execs tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ancestry: Vec<Ancestor>,
    /// Whether it could pass only if recorded.
    #[serde(default, alias = "required", skip_serializing_if = "std::ops::Not::not")]
    pub record_required: bool,
    /// For operations that need a number: the address family, the ioctl, the flags.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub detail: u32,
    /// The tool call it belongs to, where one was reported.
    #[serde(default, alias = "tool", skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolLink>,
    /// The hold it announces or follows from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
}

impl Event {
    /// The path of the file it is on, if it is on one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match &self.object {
            Object::File { path, .. } => Some(path),
            _ => None,
        }
    }

    /// Whether it passed on the promise that it is recorded.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        self.record_required && self.passed
    }

    /// Whether it announces a hold: neither passed nor refused, but waiting.
    #[must_use]
    pub fn is_held(&self) -> bool {
        !self.passed && self.cause == Cause::Held
    }

    /// Whether it was refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.passed && self.cause != Cause::Held
    }

    /// Whether it tells of a program that was started.
    #[must_use]
    pub fn is_start(&self) -> bool {
        self.passed && self.operation == Operation::Exec && !matches!(self.object, Object::Arguments { .. })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
