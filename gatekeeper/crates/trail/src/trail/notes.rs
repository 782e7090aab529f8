//! Records that the daemon itself makes, without the secrets in them.

use super::Trail;
use crate::log::open::note_of;
use crate::mask::Mask;
use crate::state_file::SetAside;
use gatekeeper_record::decision::Decision;
use gatekeeper_record::record::{AssistantReport, Object, Record, Upkeep};
use gatekeeper_record::session_id::SessionId;

impl Trail {
    /// Takes in a decision of an earlier daemon, unless the trail has it.
    pub fn repeat(&mut self, decision: &Decision) {
        if self.decided.insert(decision.hold) {
            self.note(Record::Decision(Box::new(decision.clone())));
        }
    }

    /// Puts on record that files of the state folder were damaged and are kept under other names.
    pub fn set_aside(&mut self, files: &[SetAside]) {
        for file in files {
            self.note(note_of(Upkeep::SetAside, file.to_string(), None));
        }
    }

    /// Takes in a note of the daemon's own, without the secrets in it.
    pub fn note(&mut self, mut record: Record) {
        if let Record::Session(change) = &mut record {
            let mask = self.mask_of(Some(change.session));
            change.command = mask.command(&change.command);
            change.purpose = change.purpose.as_deref().map(|purpose| mask.text(purpose));
        }
        if let Record::Decision(decision) = &mut record
            && let Some(event) = &mut decision.event
            && let Object::Arguments { arguments, .. } = &mut event.object
        {
            *arguments = self.mask_of(event.session).command(arguments);
        }
        self.add(vec![record]);
    }

    /// Takes in the report that the process `pid` of a session sent, without the secrets in it; the number of the tool call
    /// it is about. `inside`: whether a process is one of the session's.
    pub fn assistant_report(
        &mut self,
        mut record: AssistantReport,
        pid: u32,
        inside: impl Fn(u32) -> bool,
    ) -> Option<String> {
        record.reported_by = self.context.processes.chain(pid);
        let outside = record.reported_by.iter().position(|process| !inside(process.pid));
        record.reported_by.truncate(outside.unwrap_or(usize::MAX));
        let denied = record.predicted_denial.is_some();
        let AssistantReport { session, report, reported_by, boot_time, .. } = &record;
        record.tool_call_id = self.context.calls.reported(*session, report, reported_by, *boot_time, denied);
        let call = record.tool_call_id.clone();
        let mask = self.mask_of(Some(record.session));
        record.report.each(|text, _| *text = mask.text(text));
        record.purpose = record.purpose.as_deref().map(|purpose| mask.text(purpose));
        self.add(vec![Record::AssistantReport(Box::new(record))]);
        call
    }

    /// A session's command without its secrets.
    #[must_use]
    pub fn masked(&self, session: Option<SessionId>, command: &[String]) -> Vec<String> {
        self.mask_of(session).command(command)
    }

    /// A session's text without its secrets.
    #[must_use]
    pub fn masked_text(&self, session: Option<SessionId>, text: &str) -> String {
        self.mask_of(session).text(text)
    }

    /// Returns the mask of a session's records.
    pub(super) fn mask_of(&self, session: Option<SessionId>) -> &Mask {
        session.and_then(|session| self.masks.get(&session)).map_or(&self.mask, |(_, mask)| mask)
    }

    /// Makes the layers of a session known, whose policies say what is masked in its records.
    pub fn layers(&mut self, session: SessionId, serials: Vec<u32>) {
        let mask = self.mask.with(self.context.rules.secrets(&serials));
        self.masks.insert(session, (serials, mask));
    }
}
