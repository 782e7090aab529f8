//! The holds of a session, and the decisions on them.

use std::collections::BTreeMap;

use super::hold_story::{HoldStory, StoryDecision};
use super::types::Counts;
use gatekeeper_record::decision::{Decision, HoldId, Outcome};
use gatekeeper_record::record::Event;

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

    /// Takes in a decision.
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
