//! Records: what the audit trail is made of, one JSON object a line. Described in `docs/json.md`.

use std::net::SocketAddr;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Verdict};
use serde::{Deserialize, Serialize};

pub use super::assistant_report::{AssistantReport, MatchedBy, PredictedDenial, ToolLink};
pub use super::change::*;
use super::time::Moment;
use super::words;
pub use super::words::{cause_word, protocol_word};
use crate::container::Container;
use crate::decision::{Decision, HoldId};
use crate::session_id::SessionId;
use gatekeeper_policy::rulebook::RuleInfo;

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// An operation of a labelled task.
    Event(Box<Event>),
    /// Events that never arrived.
    Lost(Lost),
    /// A session was opened, changed or ended.
    Session(SessionChange),
    /// The daemon started or stopped.
    Daemon(DaemonChange),
    /// A policy that was asked for and refused.
    #[serde(alias = "refused")]
    PolicyRefused(PolicyRefused),
    /// A hook was proved live, or is not live any more.
    Hook(HookChange),
    /// Something happened to the trail itself.
    Trail(TrailChange),
    /// A report of an assistant about itself.
    #[serde(alias = "told")]
    AssistantReport(Box<AssistantReport>),
    /// A hold was decided, or somebody had a say in it.
    Decision(Box<Decision>),
    /// A follower was too slow; the trail on disk has what it missed.
    Missed {
        /// How many records.
        count: u64,
    },
}

/// An operation of a labelled task, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The kernel's number of the event, from 1 at each boot.
    pub sequence: u64,
    /// When.
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
    /// What the session is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The assistant: the first program of the session, by its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assistant: Option<String>,
    /// The container that the session is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// What the rules said.
    #[serde(with = "words::verdict")]
    pub verdict: Verdict,
    /// Whether the operation passed.
    pub passed: bool,
    /// What was asked for.
    #[serde(with = "words::operation")]
    pub operation: Operation,
    /// On what.
    pub object: Object,
    /// Why, where no rule decided.
    #[serde(with = "words::cause")]
    pub cause: Cause,
    /// For people: the rule's reason, or the cause's text, or that no rule speaks of it.
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
    /// What that program was started with, without its secrets, words that could be taken for several in quotes; the
    /// beginning where it is long. None where that is not known, and where it is the object.
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

/// The task that asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Process id of the parent.
    #[serde(alias = "parent")]
    pub parent_pid: u32,
    /// When the process started, in nanoseconds since boot: with `pid`, its identity.
    pub start: u64,
    /// User id.
    pub uid: u32,
    /// The thread's own name for itself: a hint, never proof.
    pub comm: String,
}

/// A file, whatever its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileId {
    /// Device number, `major << 20 | minor`.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
}

/// A process that another descends from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ancestor {
    /// Process id.
    pub pid: u32,
    /// When it started, in nanoseconds since boot.
    pub start: u64,
    /// The program it was running, by the path it was started from.
    pub path: String,
}

/// What an operation is on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Object {
    /// Nothing that has a name.
    None,
    /// A file.
    File {
        /// Its path as the kernel sees it.
        path: String,
        /// The path's bytes in hexadecimal, where they are not UTF-8 and `path` only comes near.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path_hex: Option<String>,
        /// The path seen from the workspace, where it lies in there.
        #[serde(default, alias = "in_workspace", skip_serializing_if = "Option::is_none")]
        workspace_path: Option<String>,
        /// Device number, `major << 20 | minor`; 0 where the file does not exist yet.
        #[serde(default, skip_serializing_if = "is_zero_u64")]
        device: u64,
        /// Inode number; 0 where the file does not exist yet.
        #[serde(default, skip_serializing_if = "is_zero_u64")]
        inode: u64,
    },
    /// An address on the network.
    Address {
        /// Address and port.
        address: SocketAddr,
        /// What is spoken.
        #[serde(with = "words::protocol")]
        protocol: Protocol,
    },
    /// A UNIX socket.
    Unix {
        /// Its path, or `@` and its abstract name; empty where it has neither.
        name: String,
        /// The bytes of path or name in hexadecimal, where they are not UTF-8 and `name` only comes near.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name_hex: Option<String>,
    },
    /// A process outside the session.
    Process {
        /// Its process id.
        pid: u32,
        /// The path of the program it runs.
        program: String,
        /// The path's bytes in hexadecimal, where they are not UTF-8 and `program` only comes near.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        program_hex: Option<String>,
        /// The signal it was sent, by name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    /// The arguments of the program that an exec started.
    Arguments {
        /// As many as the event holds, the name it is called by first.
        arguments: Vec<String>,
        /// How many there are.
        count: u32,
        /// Bytes that found no room in the event.
        #[serde(default, alias = "missing", skip_serializing_if = "is_zero_u64")]
        missing_bytes: u64,
    },
    /// A capability.
    Capability {
        /// Its name, as in capabilities(7).
        name: String,
    },
}

impl Record {
    /// The session it is about, if it is about one.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::Event(event) => event.session,
            Self::Session(change) => Some(change.session),
            Self::AssistantReport(report) => Some(report.session),
            Self::Decision(decision) => decision.session,
            Self::Lost(_)
            | Self::Daemon(_)
            | Self::PolicyRefused(_)
            | Self::Hook(_)
            | Self::Trail(_)
            | Self::Missed { .. } => None,
        }
    }

    /// Whether a user may read it who may read only what is their own.
    #[must_use]
    pub fn concerns(&self, uid: u32) -> bool {
        match self {
            Self::Event(event) => event.owner == Some(uid),
            Self::Session(change) => change.owner == uid,
            Self::AssistantReport(report) => report.owner == uid,
            Self::Decision(decision) => decision.owner == Some(uid),
            Self::PolicyRefused(refused) => refused.owner == uid,
            // These say nothing of anybody's doings, and silence about a loss would be a lie.
            Self::Lost(_) | Self::Daemon(_) | Self::Hook(_) | Self::Trail(_) | Self::Missed { .. } => true,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero_u64(number: &u64) -> bool {
    *number == 0
}

impl Object {
    /// In a few words, for people; empty where it is nothing.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::File { workspace_path: Some(path), .. } => format!("./{path}"),
            Self::File { path, .. } => path.clone(),
            Self::Address { address, protocol } => format!("{}/{address}", protocol_word(*protocol)),
            Self::Unix { name, .. } if name.is_empty() => "a socket without a name".to_owned(),
            Self::Unix { name, .. } => name.clone(),
            Self::Process { pid, program, signal, .. } => {
                let signal = signal.as_deref().map(|signal| format!("{signal} to ")).unwrap_or_default();
                format!("{signal}{program}[{pid}]")
            }
            Self::Arguments { arguments, count, missing_bytes } => {
                let cut = if *missing_bytes > 0 { format!(" … ({count} in all)") } else { String::new() };
                format!("{}{cut}", arguments.join(" "))
            }
            Self::Capability { name } => name.clone(),
        }
    }
}
