//! Records of what happened to sessions, policies, hooks, the daemon and the trail.

use std::collections::BTreeMap;

use gatekeeper_common::operation::Family;
use serde::{Deserialize, Serialize};

use super::time::Moment;
use crate::container::Container;
use crate::session_id::SessionId;

/// Events that never arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The time at which it was noticed.
    pub time: Moment,
    /// The exact number, by family, of those that found no room on the way.
    pub families: BTreeMap<FamilyName, u64>,
    /// Numbers missing from the sequence that no counter explains.
    pub unexplained: u64,
    /// Records that followers saw and that could not be written to the trail.
    pub unwritten: u64,
}

/// A family of operations, as a key. In the order of the words: so they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FamilyName {
    /// Limits no policy changes.
    Builtin,
    /// Capabilities.
    Capability,
    /// Programs.
    Exec,
    /// Files.
    File,
    /// Interfaces of the kernel as a whole.
    Kernel,
    /// Addresses.
    Net,
    /// Signals.
    Signal,
    /// UNIX sockets.
    Unix,
}

impl From<Family> for FamilyName {
    fn from(family: Family) -> Self {
        match family {
            Family::Exec => Self::Exec,
            Family::File => Self::File,
            Family::Net => Self::Net,
            Family::Builtin => Self::Builtin,
            Family::Unix => Self::Unix,
            Family::Signal => Self::Signal,
            Family::Capability => Self::Capability,
            Family::Kernel => Self::Kernel,
        }
    }
}

impl FamilyName {
    /// The word used in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exec => Family::Exec.name(),
            Self::File => Family::File.name(),
            Self::Net => Family::Net.name(),
            Self::Builtin => Family::Builtin.name(),
            Self::Unix => Family::Unix.name(),
            Self::Signal => Family::Signal.name(),
            Self::Capability => Family::Capability.name(),
            Self::Kernel => Family::Kernel.name(),
        }
    }
}

/// A change in the life of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionChange {
    /// The time of the change.
    pub time: Moment,
    /// The session.
    pub session: SessionId,
    /// Its short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// User id of its owner.
    pub owner: u32,
    /// The kind of change.
    pub change: Change,
    /// Its own policies, outermost first, each with its generation.
    pub policies: Vec<String>,
    /// Its purpose, as given when it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The container it was opened in, or whose cgroup it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// The session it was opened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<SessionId>,
    /// The value of `${workspace}` in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// Login name of its owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The time at which it is ended at the latest, where it has an end.
    #[serde(default, alias = "ends", skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
    /// The command that it was opened for, as the caller gave it, without its secrets. A hint: the execs are the proof.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// For people: why, or what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The kind of change in a session's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was opened.
    Opened,
    /// Its policies were replaced.
    Reloaded,
    /// Its policies could not be replaced; the old ones hold.
    ReloadFailed,
    /// Its time is over: all that runs in it is killed, and it ends.
    Expired,
    /// It ended.
    Ended,
    /// The recording of its terminal is complete.
    Recorded,
}

/// A change in the life of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonChange {
    /// The time of the change.
    pub time: Moment,
    /// Whether it started or stopped.
    pub started: bool,
    /// gatekeeper's version.
    pub version: String,
    /// At a start: the version that ran here before, where that was another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// The kernel's id of this boot: sequence numbers count from 1 in each.
    pub boot: String,
    /// At a stop: the failure that brought it about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// A policy that was asked for and refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRefused {
    /// The time of the change.
    pub time: Moment,
    /// User id of whoever asked.
    pub owner: u32,
    /// The policy, as it was named.
    pub policy: String,
    /// The reason.
    #[serde(alias = "why")]
    pub reason: String,
}

/// A hook was proved live, or is not live any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookChange {
    /// The time of the change.
    pub time: Moment,
    /// The hook's name.
    pub hook: String,
    /// Whether it enforces now.
    pub live: bool,
    /// If not, why.
    #[serde(default, alias = "why", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Something happened to the trail itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrailChange {
    /// The time of the change.
    pub time: Moment,
    /// The kind of change.
    pub change: Upkeep,
    /// For people: how much, and why.
    pub note: String,
    /// After a removal: the first record that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_from: Option<u64>,
}

/// The kind of change to the trail itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Upkeep {
    /// It was created.
    #[serde(alias = "begun")]
    Created,
    /// A torn record at its end was removed: the machine stopped while it was written.
    #[serde(alias = "cut")]
    Truncated,
    /// A damaged file of the state folder was kept under another name, and the daemon went on without it.
    SetAside,
    /// Its oldest records were removed, as the configuration says; or, where none is the first kept, a recording beside it.
    Removed,
}
