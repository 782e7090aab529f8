//! The story of one hold.

use std::fmt;

use serde::Serialize;

use gatekeeper_record::decision::{Decision, HoldId, Outcome};
use gatekeeper_record::record::Event;
use gatekeeper_record::time::Moment;

/// An operation that was held for a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HoldStory {
    /// The hold.
    pub hold: HoldId,
    /// The record that announces it; absent where that was lost, or is no longer kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The time since which it waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
    /// The request in a few words.
    pub summary: String,
    /// The program that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Its outcome; absent where no record has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The time that it waited for that, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
    /// The decisions on it, in order.
    pub decisions: Vec<StoryDecision>,
    /// The records of what was then let or refused by it.
    pub resulting_records: Vec<u64>,
}

/// A decision on a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryDecision {
    /// The record's number.
    pub record: u64,
    /// The decision, without the operation that it is about.
    #[serde(flatten)]
    pub decision: Decision,
}

impl HoldStory {
    pub(super) fn new(hold: HoldId) -> Self {
        Self {
            hold,
            record: None,
            since: None,
            summary: String::new(),
            program: None,
            pid: None,
            outcome: None,
            waited_ms: None,
            decisions: Vec::new(),
            resulting_records: Vec::new(),
        }
    }

    pub(super) fn ask(&mut self, event: &Event) {
        self.summary = format!("{} {}", event.operation.name(), event.object.brief());
        self.program.clone_from(&event.program);
        self.pid = Some(event.task.pid);
    }

    /// Returns the decision that was final.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.decisions.iter().map(|one| &one.decision).find(|decision| decision.is_final)
    }
}

/// The outcome in words.
impl fmt::Display for HoldStory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.outcome, self.decision()) {
            (Some(Outcome::Withdrawn), _) => f.write_str("ended undecided"),
            (Some(Outcome::Expired), _) => f.write_str("denied, for nobody answered in time"),
            (Some(outcome), Some(decision)) => {
                write!(f, "{} by {}", outcome.word(), decision.decided_by)?;
                if decision.approved { write!(f, ", {}", decision.scope) } else { Ok(()) }
            }
            _ => f.write_str("not decided yet"),
        }
    }
}

/// Time that something waited, in words.
#[must_use]
pub fn waited(ms: u64) -> String {
    format!("{}.{:03} s", ms / 1000, ms % 1000)
}
