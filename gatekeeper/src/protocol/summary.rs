//! A session as `gatekeeper sessions` shows it.

use std::path::PathBuf;

use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use serde::{Deserialize, Serialize};

/// The way a session was opened, which is also the way it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// By `run`, in a cgroup of our own: ends with its last task.
    Run,
    /// By `label`, on somebody else's cgroup: ends when that is removed, for until then a task may enter.
    Label,
}

/// A session as `gatekeeper sessions` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Its identity.
    pub session: SessionId,
    /// Its short name.
    pub name: Option<String>,
    /// Its purpose.
    pub purpose: Option<String>,
    /// Login name of the owner.
    pub user: String,
    /// User id of the owner.
    pub uid: u32,
    /// The value of `${workspace}`.
    pub workspace: PathBuf,
    /// The way it was opened.
    pub kind: Kind,
    /// Its own policies, outermost first.
    pub policies: Vec<PolicySummary>,
    /// All its layers, those of the sessions around it included.
    pub layers: usize,
    /// The session it was opened in.
    pub parent: Option<SessionId>,
    /// The time it was opened.
    pub opened: Moment,
    /// Seconds until it is ended; absent where it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
    /// Its cgroup's folder.
    pub cgroup: PathBuf,
    /// The processes that carry its label; absent where the kernel could not be asked.
    pub processes: Option<Vec<u32>>,
}

/// A policy of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicySummary {
    /// Its name.
    pub name: String,
    /// Its generation.
    pub generation: u64,
}
