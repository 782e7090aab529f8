//! Records: what the audit trail is made of, one JSON object a line. Described in `docs/json.md`.

use serde::{Deserialize, Serialize};

pub use super::assistant_report::{AssistantReport, PredictedDenial};
pub use super::change::*;
pub use super::event::Event;
pub use super::object::Object;
pub use super::process::{Ancestor, FileId, Task};
pub use super::tool_link::{MatchedBy, ToolLink};
pub use super::words::{cause_word, protocol_word};
use crate::decision::Decision;
use crate::session_id::SessionId;

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
        /// The number of records.
        count: u64,
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

    /// Whether it is of a canary that proves the hooks: in the trail, so that its numbers have no gap, and not for readers.
    #[must_use]
    pub fn is_canary(&self) -> bool {
        matches!(self, Self::Event(event) if event.session.is_none())
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
