//! The actor: process, user, session.

use serde::{Deserialize, Serialize};

use super::objects::File;
use super::text::Text;
use gatekeeper_record::container;
use gatekeeper_record::record::Ancestor;
use gatekeeper_record::session_id::SessionId;

/// The actor of an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor<'a> {
    /// The program, where no process is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_name: Option<Text<'a>>,
    /// The process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process<'a>>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The user the session acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User<'a>>,
}

/// A process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process<'a> {
    /// The processes that it descends from, nearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ancestry: Vec<ProcessEntity<'a>>,
    /// The arguments of its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmd_line: Option<Text<'a>>,
    /// The container it runs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container<'a>>,
    /// The file of its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<File<'a>>,
    /// The thread's own name for itself.
    pub name: Text<'a>,
    /// The parent, by number.
    pub parent_process: ProcessEntity<'a>,
    /// Process id.
    pub pid: u32,
    /// Thread id.
    pub tid: u32,
    /// Process id and start time: its identity in this boot.
    pub uid: Text<'a>,
    /// The user it runs as.
    pub user: User<'a>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container<'a> {
    /// The Kubernetes pod it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_uuid: Option<Text<'a>>,
    /// Its runtime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Text<'a>>,
    /// Its id.
    pub uid: Text<'a>,
}

impl<'a> Container<'a> {
    /// As the session has it.
    #[must_use]
    pub fn of(container: &'a container::Container) -> Self {
        Self {
            pod_uuid: container.pod_uid.as_deref().map(Text::from),
            runtime: container.runtime.map(|runtime| runtime.name().into()),
            uid: container.id.as_str().into(),
        }
    }

    /// Read back.
    #[must_use]
    pub fn read(&self) -> container::Container {
        let named = |runtime: &container::Runtime| Some(runtime.name()) == self.runtime.as_deref();
        container::Container {
            id: self.uid.to_string(),
            pod_uid: self.pod_uuid.as_ref().map(ToString::to_string),
            runtime: container::Runtime::ALL.into_iter().find(named),
        }
    }
}

/// A process in a few words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessEntity<'a> {
    /// The program's path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text<'a>>,
    /// Process id.
    pub pid: u32,
    /// Process id and start time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
}

impl<'a> ProcessEntity<'a> {
    /// As a record has it.
    #[must_use]
    pub fn of(process: &'a Ancestor) -> Self {
        Self {
            path: Some(process.path.as_str().into()),
            pid: process.pid,
            uid: Some(identity(process.pid, process.start).into()),
        }
    }

    /// Read back.
    #[must_use]
    pub fn ancestor(&self) -> Option<Ancestor> {
        let start = self.uid.as_ref()?.split_once('-')?.1.parse().ok()?;
        Some(Ancestor { pid: self.pid, start, path: self.path.as_ref()?.to_string() })
    }
}

/// The identity of a process in its boot: numbers are given out again, start times are not.
#[must_use]
pub fn identity(pid: u32, start: u64) -> String {
    format!("{pid}-{start}")
}

/// A session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Its identity.
    pub uid: SessionId,
}

/// A user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User<'a> {
    /// Login name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// User id.
    pub uid: Text<'a>,
}
