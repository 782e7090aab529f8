//! Processes and files, as records name them.

use serde::{Deserialize, Serialize};

/// A task that asked for an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Process id of the parent.
    #[serde(alias = "parent")]
    pub parent_pid: u32,
    /// The start of the process, in nanoseconds since boot: with `pid`, its identity.
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
    /// Its start, in nanoseconds since boot.
    pub start: u64,
    /// The program it was running, by the path it was started from.
    pub path: String,
}
