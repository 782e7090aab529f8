//! A record as the index has it.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use rusqlite::{Statement, params};

use crate::log::merkle::Hash;
use crate::ocsf::Line;
use gatekeeper_record::decision::HoldId;
use gatekeeper_record::record::{Object, Record};

/// Puts a row in; see [`Row::insert`].
pub const INSERT: &str =
    "INSERT INTO record VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19)";

/// A row of the index.
#[derive(Debug, Default)]
pub struct Row {
    pub(super) id: u64,
    pub(super) time: i64,
    pub(super) kind: &'static str,
    pub(super) session: Option<String>,
    pub(super) owner: Option<u32>,
    pub(super) assistant: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) verdict: Option<&'static str>,
    pub(super) passed: Option<bool>,
    pub(super) operation: Option<&'static str>,
    pub(super) path: Option<String>,
    pub(super) address: Option<String>,
    pub(super) program: Option<String>,
    pub(super) hold: Option<u64>,
    pub(super) decision: Option<&'static str>,
    pub(super) decided_by: Option<String>,
    pub(super) message: String,
    pub(super) hash: [u8; 32],
}

fn path(object: &Object) -> Option<String> {
    match object {
        Object::File { path, .. } => Some(path.clone()),
        _ => None,
    }
}

fn address(object: &Object) -> Option<String> {
    match object {
        Object::Address { address, .. } => Some(address.to_string()),
        _ => None,
    }
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
                // What waits has neither passed nor been refused.
                passed: Some(event.passed).filter(|_| !event.is_held()),
                owner: event.owner,
                assistant: event.assistant,
                policy: event.policy,
                rule: event.rule.map(|rule| rule.id),
                verdict: Some(event.verdict.name()),
                hold: event.hold.map(HoldId::number),
                operation: Some(event.operation.name()),
                program: event.program,
                path: path(&event.object),
                address: address(&event.object),
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
            Record::AssistantReport(record) => Self {
                kind: "assistant_report",
                owner: Some(record.owner),
                assistant: Some(record.report.assistant.name().to_owned()),
                policy: record.policy,
                rule: record.predicted_denial.as_ref().and_then(|refused| refused.rule.clone()),
                passed: Some(record.predicted_denial.is_none()),
                operation: Some("tool").filter(|_| record.report.tool.is_some()),
                // So that a search for words finds the report.
                message: [Some(base.message), record.report.text, record.report.input]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" "),
                ..base
            },
            Record::PolicyRefused(refused) => Self {
                kind: "policy_refused",
                owner: Some(refused.owner),
                policy: Some(refused.policy),
                ..base
            },
            Record::Decision(decision) => Self {
                kind: "decision",
                owner: decision.owner,
                hold: Some(decision.hold.number()),
                decision: Some(decision.outcome().word()),
                decided_by: decision.decided_by.name().map(str::to_owned),
                // All but the operation, which is counted with the event.
                path: decision.event.as_ref().and_then(|event| path(&event.object)),
                address: decision.event.as_ref().and_then(|event| address(&event.object)),
                assistant: decision.event.as_ref().and_then(|event| event.assistant.clone()),
                policy: decision.event.as_ref().and_then(|event| event.policy.clone()),
                rule: decision.event.as_ref().and_then(|event| Some(event.rule.as_ref()?.id.clone())),
                program: decision.event.and_then(|event| event.program),
                message: [Some(base.message), Some(decision.summary), decision.reason]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" "),
                ..base
            },
            Record::Lost(_) => Self { kind: "lost", ..base },
            Record::Daemon(_) => Self { kind: "daemon", ..base },
            Record::Hook(_) => Self { kind: "hook", ..base },
            Record::Trail(_) => Self { kind: "trail", ..base },
            Record::Missed { .. } => Self { kind: "missed", ..base },
        })
    }

    /// Puts it into the table, with `INSERT`.
    ///
    /// # Errors
    /// Where the table can't be written.
    pub fn insert(&self, statement: &mut Statement<'_>) -> rusqlite::Result<()> {
        statement.execute(params![
            self.id.cast_signed(),
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
            self.hold.map(u64::cast_signed),
            self.decision,
            self.decided_by,
            self.message,
            self.hash.as_slice(),
        ])?;
        Ok(())
    }
}
