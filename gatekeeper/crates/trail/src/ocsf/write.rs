//! From a record to its stored form.

use super::base::{Machine, Place};
use super::line::Line;
use super::{assistant_report, event, notes};
use gatekeeper_record::record::Record;

impl<'a> Line<'a> {
    /// A record in its stored form, without its own fingerprint.
    #[must_use]
    pub fn of(record: &'a Record, machine: &'a Machine, place: &'a Place) -> Self {
        match record {
            Record::Event(event) => event::line(event, machine, place),
            Record::Lost(lost) => notes::lost(lost, machine, place),
            Record::Session(change) => notes::session(change, machine, place),
            Record::Daemon(change) => notes::daemon(change, machine, place),
            Record::PolicyRefused(refused) => notes::refused(refused, machine, place),
            Record::Hook(change) => notes::hook(change, machine, place),
            Record::Trail(change) => notes::trail(change, machine, place),
            Record::AssistantReport(report) => assistant_report::line(report, machine, place),
            Record::Decision(decision) => notes::decision(decision, machine, place),
            Record::Missed { count } => notes::missed(*count, machine, place),
        }
    }
}
