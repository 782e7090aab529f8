//! Records: what the audit trail is made of, one JSON object a line. Described in `docs/json.md`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};
use serde::{Deserialize, Serialize};

use super::rules::RuleInfo;
use super::time::Moment;
use crate::session::id::SessionId;

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
    /// The innermost session of the task; none for the canaries that prove the hooks.
    pub session: Option<SessionId>,
    /// The session's short name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// User id of the session's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
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
    /// The task.
    pub task: Task,
    /// For operations that need a number: the address family, the ioctl, the flags.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub detail: u32,
}

impl Event {
    /// Whether it tells of a program that was started.
    #[must_use]
    pub fn is_start(&self) -> bool {
        self.passed && self.operation == Operation::Exec
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
    pub parent: u32,
    /// When the process started, in nanoseconds since boot: with `pid`, its identity.
    pub start: u64,
    /// User id.
    pub uid: u32,
    /// The thread's own name for itself: a hint, never proof.
    pub comm: String,
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        in_workspace: Option<String>,
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
        /// Bytes that the event does not hold.
        #[serde(default, skip_serializing_if = "is_zero_u64")]
        missing: u64,
    },
    /// A capability.
    Capability {
        /// Its name, as in capabilities(7).
        name: String,
    },
}

/// Events that never arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// When it was noticed.
    pub time: Moment,
    /// How many, by family, that found no room on the way; exact.
    pub families: BTreeMap<FamilyName, u64>,
    /// Numbers missing from the sequence that no counter explains.
    pub unexplained: u64,
    /// Records that followers saw and that could not be written to the trail.
    pub unwritten: u64,
}

/// A family of operations, as a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FamilyName {
    /// Programs.
    Exec,
    /// Files.
    File,
    /// Addresses.
    Net,
    /// Limits no policy changes.
    Builtin,
    /// UNIX sockets.
    Unix,
    /// Signals.
    Signal,
    /// Capabilities.
    Capability,
    /// What the kernel offers as a whole.
    Kernel,
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
    /// When.
    pub time: Moment,
    /// The session.
    pub session: SessionId,
    /// Its short name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// User id of its owner.
    pub owner: u32,
    /// What happened.
    pub change: Change,
    /// Its own policies, outermost first, each with its generation.
    pub policies: Vec<String>,
    /// For people: why, or what failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What happened to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was opened.
    Opened,
    /// Its policies were replaced.
    Reloaded,
    /// Its policies could not be replaced; the old ones hold.
    ReloadFailed,
    /// It ended.
    Ended,
}

/// A change in the life of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonChange {
    /// When.
    pub time: Moment,
    /// Whether it started or stopped.
    pub started: bool,
    /// gatekeeper's version.
    pub version: String,
    /// The kernel's id of this boot: sequence numbers count from 1 in each.
    pub boot: String,
}

impl Record {
    /// The session it is about, if it is about one.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::Event(event) => event.session,
            Self::Session(change) => Some(change.session),
            Self::Lost(_) | Self::Daemon(_) | Self::Missed { .. } => None,
        }
    }

    /// Whether a user may read it who may read only what is their own.
    #[must_use]
    pub fn concerns(&self, uid: u32) -> bool {
        match self {
            Self::Event(event) => event.owner == Some(uid),
            Self::Session(change) => change.owner == uid,
            // These say nothing of anybody's doings, and silence about a loss would be a lie.
            Self::Lost(_) | Self::Daemon(_) | Self::Missed { .. } => true,
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

/// The common crate's enums as the words people know.
mod words {
    macro_rules! words {
        ($module:ident, $kind:ty, $word:expr) => {
            pub mod $module {
                use super::super::*;
                use serde::{Deserializer, Serializer};

                pub fn serialize<S: Serializer>(value: &$kind, serializer: S) -> Result<S::Ok, S::Error> {
                    let word: fn($kind) -> &'static str = $word;
                    serializer.serialize_str(word(*value))
                }

                pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$kind, D::Error> {
                    let found = String::deserialize(deserializer)?;
                    let word: fn($kind) -> &'static str = $word;
                    super::all::$module()
                        .iter()
                        .copied()
                        .find(|value| word(*value) == found)
                        .ok_or_else(|| serde::de::Error::custom(format!("unknown word \"{found}\"")))
                }
            }
        };
    }

    words!(verdict, Verdict, |verdict| verdict.name());
    words!(operation, Operation, |operation| operation.name());
    words!(cause, Cause, cause_word);
    words!(protocol, Protocol, protocol_word);

    mod all {
        use super::super::{Cause, Operation, Protocol, Verdict};

        pub fn verdict() -> &'static [Verdict] {
            &Verdict::ALL
        }
        pub fn operation() -> &'static [Operation] {
            &Operation::ALL
        }
        pub fn cause() -> &'static [Cause] {
            &Cause::ALL
        }
        pub fn protocol() -> &'static [Protocol] {
            &[Protocol::Tcp, Protocol::Udp, Protocol::Other]
        }
    }
}

/// A cause as one word for programs; [`Cause::text`] is for people and may change.
#[must_use]
pub fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::Policy => "policy",
        Cause::NobodyToAsk => "nobody_to_ask",
        Cause::TooDeep => "too_deep",
        Cause::TooLong => "too_long",
        Cause::Detached => "detached",
        Cause::Unreadable => "unreadable",
        Cause::AddressFamily => "address_family",
        Cause::ShortAddress => "short_address",
        Cause::NoPolicy => "no_policy",
        Cause::Corrupt => "corrupt",
        Cause::NoMemory => "no_memory",
        Cause::TooManyLayers => "too_many_layers",
        Cause::Builtin => "builtin",
        Cause::Arguments => "arguments",
    }
}

/// A protocol's word.
#[must_use]
pub fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Other => "other",
    }
}
