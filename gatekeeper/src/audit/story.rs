//! What happened in one session, told in order: its processes as a tree, and what each did.

mod build;
pub mod html;

use serde::Serialize;

use super::record::{Event, Record, SessionChange};
use super::time::Moment;
use crate::session::id::SessionId;

/// The story of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// The session.
    pub session: SessionId,
    /// How it was opened; absent where that record is no longer kept.
    pub opened: Option<SessionChange>,
    /// When it ended, if it did.
    pub ended: Option<Moment>,
    /// What else happened to it.
    pub changes: Vec<SessionChange>,
    /// Sessions opened in it.
    pub nested: Vec<SessionId>,
    /// The numbers.
    pub counts: Counts,
    /// Its processes, parents before their children.
    pub processes: Vec<Process>,
}

/// How many of what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records of the session.
    pub records: u64,
    /// Processes that did anything recorded.
    pub processes: u64,
    /// Programs started.
    pub programs: u64,
    /// Operations refused.
    pub refused: u64,
    /// Operations let and recorded, programs started left out.
    pub audited: u64,
}

/// A process of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// When it started, in nanoseconds since boot.
    pub start: u64,
    /// Which of the processes here it descends from, by place in the list.
    pub parent: Option<usize>,
    /// How many it descends from.
    pub depth: usize,
    /// What it did, in order.
    pub deeds: Vec<Deed>,
}

/// Something a process did or was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// The record's number.
    pub record: u64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

impl Process {
    /// The last program it started, or the one it was running at first.
    #[must_use]
    pub fn program(&self) -> &str {
        let started = self.deeds.iter().rev().find(|deed| deed.event.is_start());
        let started = started.and_then(|deed| deed.event.path());
        let known = self.deeds.first().map(|deed| &deed.event);
        started.or(known.and_then(|event| event.program.as_deref())).unwrap_or("?")
    }
}

impl Story {
    /// The story that these records tell, each with its number.
    #[must_use]
    pub fn of(session: SessionId, records: &[(u64, Record)]) -> Self {
        build::build(session, records)
    }

    /// Everything done or refused, in order.
    #[must_use]
    pub fn deeds(&self) -> Vec<&Deed> {
        let mut all: Vec<&Deed> = self.processes.iter().flat_map(|process| &process.deeds).collect();
        all.sort_by_key(|deed| deed.record);
        all
    }

    /// Everything refused, in order.
    #[must_use]
    pub fn refused(&self) -> Vec<&Deed> {
        self.deeds().into_iter().filter(|deed| !deed.event.passed).collect()
    }
}

#[cfg(test)]
mod tests;
