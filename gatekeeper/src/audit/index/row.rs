//! A record as the index has it.

use rusqlite::{Statement, params};

use crate::audit::log::merkle::Hash;
use crate::audit::ocsf::Line;
use crate::audit::record::{Object, Record};

/// Puts a row in; see [`Row::insert`].
pub const INSERT: &str = "INSERT INTO record VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16)";

/// A row of the index.
#[derive(Debug, Default)]
pub struct Row {
    id: u64,
    time: i64,
    kind: &'static str,
    session: Option<String>,
    owner: Option<u32>,
    assistant: Option<String>,
    policy: Option<String>,
    rule: Option<String>,
    verdict: Option<&'static str>,
    passed: Option<bool>,
    operation: Option<&'static str>,
    path: Option<String>,
    address: Option<String>,
    program: Option<String>,
    message: String,
    hash: [u8; 32],
}

impl Row {
    /// The row of a record.
    #[must_use]
    pub fn of(line: &Line<'_>, hash: &Hash) -> Option<Self> {
        let record = line.record().ok()?;
        let base = Self {
            id: line.metadata.sequence,
            time: line.time_dt.micros(),
            session: record.session().map(|session| session.to_string()),
            message: line.message.to_string(),
            hash: hash.0,
            ..Self::default()
        };
        Some(match record {
            Record::Event(event) => Self {
                kind: "event",
                owner: event.owner,
                assistant: event.assistant,
                policy: event.policy,
                rule: event.rule.map(|rule| rule.id),
                verdict: Some(event.verdict.name()),
                passed: Some(event.passed),
                operation: Some(event.operation.name()),
                program: event.program,
                path: match &event.object {
                    Object::File { path, .. } => Some(path.clone()),
                    _ => None,
                },
                address: match event.object {
                    Object::Address { address, .. } => Some(address.to_string()),
                    _ => None,
                },
                ..base
            },
            Record::Session(change) => Self {
                kind: "session",
                owner: Some(change.owner),
                // So that a search for words finds the task.
                message: [Some(base.message), change.purpose, change.note, Some(change.command.join(" "))]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" "),
                ..base
            },
            Record::Refused(refused) => {
                Self { kind: "refused", owner: Some(refused.owner), policy: Some(refused.policy), ..base }
            }
            Record::Lost(_) => Self { kind: "lost", ..base },
            Record::Daemon(_) => Self { kind: "daemon", ..base },
            Record::Hook(_) => Self { kind: "hook", ..base },
            Record::Trail(_) => Self { kind: "trail", ..base },
            Record::Missed { .. } => Self { kind: "missed", ..base },
        })
    }

    /// Puts it into the table, with [`INSERT`].
    pub fn insert(&self, statement: &mut Statement<'_>) -> rusqlite::Result<()> {
        statement.execute(params![
            self.id as i64,
            self.time,
            self.kind,
            self.session,
            self.owner,
            self.assistant,
            self.policy,
            self.rule,
            self.verdict,
            self.passed,
            self.operation,
            self.path,
            self.address,
            self.program,
            self.message,
            &self.hash[..],
        ])?;
        Ok(())
    }
}
