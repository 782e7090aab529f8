//! The parts of a story.

use serde::Serialize;

use super::hold_story::HoldStory;
use gatekeeper_record::record::{AssistantReport, Change, Event, MatchedBy, SessionChange, ToolLink};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

/// The story of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// The session.
    pub session: SessionId,
    /// Its opening; absent where that record is no longer kept.
    pub opened: Option<SessionChange>,
    /// The time of its end, if it ended.
    pub ended: Option<Moment>,
    /// Its other changes.
    pub changes: Vec<SessionChange>,
    /// Sessions opened in it.
    pub nested: Vec<SessionId>,
    /// The numbers.
    pub counts: Counts,
    /// The reports of its assistants about themselves, in order.
    pub assistant_reports: Vec<Report>,
    /// Its holds with their decisions, in order.
    pub holds: Vec<HoldStory>,
    /// Its processes, parents before their children.
    pub processes: Vec<Process>,
}

/// The numbers of a story.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Records of the session.
    pub records: u64,
    /// Processes that did anything recorded.
    pub processes: u64,
    /// Programs started.
    pub programs: u64,
    /// Operations refused. What waited and was denied then counts here; that it waited counts below.
    pub refused: u64,
    /// Operations held for a decision; the next four add up to it.
    pub held: u64,
    /// Of these, approved.
    pub approved: u64,
    /// Denied.
    pub denied: u64,
    /// Denied because nobody answered in time.
    pub expired: u64,
    /// Not decided.
    pub undecided: u64,
    /// Operations let and recorded, programs started left out.
    pub audited: u64,
    /// Prompts that were reported.
    pub prompts: u64,
    /// Tool calls that were reported.
    pub tool_calls: u64,
}

/// A process of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Its start, in nanoseconds since boot.
    pub start: u64,
    /// The place in the list of the process that it descends from.
    pub parent_index: Option<usize>,
    /// The number of processes that it descends from.
    pub depth: usize,
    /// The tool call it belongs to, where one was reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call: Option<ToolLink>,
    /// Its events, in order.
    pub events: Vec<StoryEvent>,
}

/// A report of an assistant about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The record's number.
    pub record: u64,
    /// The report.
    #[serde(flatten)]
    pub report: AssistantReport,
}

/// Something a process did or was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryEvent {
    /// The record's number.
    pub record: u64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

impl Process {
    /// Returns the number of its events that were refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.events.iter().filter(|one| one.event.is_refused()).count()
    }

    /// The last program it started, or the one it was running at first.
    #[must_use]
    pub fn program(&self) -> &str {
        let started = self.events.iter().rev().find(|one| one.event.is_start());
        let started = started.and_then(|one| one.event.path());
        let known = self.events.first().map(|one| &one.event);
        started.or(known.and_then(|event| event.program.as_deref())).unwrap_or("?")
    }
}

impl Story {
    /// Returns when its time was over, where it had an end and came to it.
    #[must_use]
    pub fn expired(&self) -> Option<Moment> {
        self.changes.iter().find(|change| change.change == Change::Expired).map(|change| change.time)
    }

    /// Everything done or refused, in order.
    #[must_use]
    pub fn events(&self) -> Vec<&StoryEvent> {
        let mut all: Vec<&StoryEvent> = self.processes.iter().flat_map(|process| &process.events).collect();
        all.sort_by_key(|one| one.record);
        all
    }

    /// The processes that belong to a tool call, each with how that was found.
    pub fn of_call<'a>(&'a self, call: &'a str) -> impl Iterator<Item = (&'a Process, MatchedBy)> {
        self.processes.iter().filter_map(move |process| {
            let link = process.tool_call.as_ref()?;
            link.ids.iter().any(|one| one == call).then_some((process, link.matched_by))
        })
    }

    /// The hold that an event announces.
    #[must_use]
    pub fn hold_of(&self, announced: &StoryEvent) -> Option<&HoldStory> {
        let hold = announced.event.hold.filter(|_| announced.event.is_held())?;
        self.holds.iter().find(|held| held.hold == hold)
    }

    /// Everything refused, in order.
    #[must_use]
    pub fn refused(&self) -> Vec<&StoryEvent> {
        self.events().into_iter().filter(|one| one.event.is_refused()).collect()
    }
}
