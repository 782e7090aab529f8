//! What was held in a session, and what was said to it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Counts;
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
    /// Since when it waited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Moment>,
    /// What was asked, in a few words.
    pub summary: String,
    /// The program that asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// What came of it; absent where no record tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How long it waited for that, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
    /// What was said, in order.
    pub decisions: Vec<StoryDecision>,
    /// The records of what was then let or refused by it.
    pub resulting_records: Vec<u64>,
}

/// Something said of a hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoryDecision {
    /// The record's number.
    pub record: u64,
    /// What was said, without what it is about.
    #[serde(flatten)]
    pub decision: Decision,
}

impl HoldStory {
    fn new(hold: HoldId) -> Self {
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

    fn ask(&mut self, event: &Event) {
        self.summary = format!("{} {}", event.operation.name(), event.object.brief());
        self.program.clone_from(&event.program);
        self.pid = Some(event.task.pid);
    }

    /// What decided it.
    #[must_use]
    pub fn decision(&self) -> Option<&Decision> {
        self.decisions.iter().map(|said| &said.decision).find(|decision| decision.is_final)
    }
}

/// What came of it, in words.
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

/// Holds as the records tell of them.
#[derive(Debug, Default)]
pub struct Holds(BTreeMap<HoldId, HoldStory>);

impl Holds {
    fn hold(&mut self, hold: HoldId) -> &mut HoldStory {
        self.0.entry(hold).or_insert_with(|| HoldStory::new(hold))
    }

    /// Takes in an event.
    pub fn event(&mut self, record: u64, event: &Event) {
        let Some(hold) = event.hold.map(|hold| self.hold(hold)) else { return };
        if event.is_held() {
            hold.ask(event);
            (hold.record, hold.since) = (Some(record), Some(event.time));
        } else {
            if hold.summary.is_empty() {
                hold.ask(event);
            }
            hold.resulting_records.push(record);
        }
    }

    /// Takes in what was said of one.
    pub fn decision(&mut self, record: u64, decision: &Decision) {
        let hold = self.hold(decision.hold);
        // It also tells what the program was to start with.
        hold.summary.clone_from(&decision.summary);
        // What announced it may be lost, or be no longer kept.
        if let Some(event) = decision.event.as_ref().filter(|_| hold.since.is_none()) {
            hold.since = Some(event.time);
            hold.program.clone_from(&event.program);
            hold.pid = Some(event.task.pid);
        }
        if decision.is_final && hold.outcome.is_none() {
            hold.outcome = Some(decision.outcome());
            let waited = hold.since.map(|since| decision.time.micros() - since.micros());
            hold.waited_ms = waited.map(|waited| waited.max(0).unsigned_abs() / 1000);
        }
        let decision = Decision { event: None, ..decision.clone() };
        hold.decisions.push(StoryDecision { record, decision });
    }

    /// All of them, in order, and counted. What nobody decided is over where its session is.
    pub fn finish(self, ended: bool, counts: &mut Counts) -> Vec<HoldStory> {
        let mut all: Vec<HoldStory> = self.0.into_values().collect();
        for hold in &mut all {
            if ended && hold.outcome.is_none() {
                hold.outcome = Some(Outcome::Withdrawn);
            }
            counts.held += 1;
            *(match hold.outcome {
                Some(Outcome::Approved) => &mut counts.approved,
                Some(Outcome::Denied) => &mut counts.denied,
                Some(Outcome::Expired) => &mut counts.expired,
                Some(Outcome::Withdrawn | Outcome::Agreed) | None => &mut counts.undecided,
            }) += 1;
        }
        all
    }
}
