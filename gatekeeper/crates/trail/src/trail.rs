//! The audit trail: takes in events and notes, writes them down, hands them to followers.

mod losses;
mod notes;
pub mod read_back;
mod rules;
mod settings;
mod start;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tracing::error;

use crate::explain::{Context, Facts, Unreadable};
use crate::export::{ExportState, Exports};
use crate::feed::Feed;
use crate::loss::Losses;
use crate::mask::Mask;
use crate::writer_thread::{Health, WriterThread};
use gatekeeper_policy::question::Question;
use gatekeeper_policy::rulebook::{Asked, Conditions};
use gatekeeper_record::decision::HoldId;
use gatekeeper_record::raw_event::RawEvent;
use gatekeeper_record::record::{Event, Object, Record};
use gatekeeper_record::session_id::SessionId;

pub use rules::Others;
pub use settings::Settings;

/// Ended sessions and retired layers still known: their last events may be on the way.
const AFTERMATH: usize = 64;

/// The trail.
#[derive(Debug)]
pub struct Trail {
    context: Context,
    losses: Losses,
    /// Whether more of losses is reported than the next daemon would know.
    unkept: bool,
    /// The number below which all events are accounted for, as the next daemon would know.
    kept: u64,
    writer: WriterThread,
    exports: Exports,
    mask: Mask,
    /// The layers of sessions, and the masks with what their policies add.
    masks: BTreeMap<SessionId, (Vec<u32>, Mask)>,
    feed: Feed,
    folder: PathBuf,
    ended: VecDeque<SessionId>,
    retired: VecDeque<u32>,
    /// Holds of earlier daemons of this boot whose decisions are recorded.
    decided: BTreeSet<HoldId>,
    /// The version of the daemon that was here last.
    version_before: Option<String>,
}

impl Trail {
    /// The version of the daemon that was here last, as far as the trail tells.
    #[must_use]
    pub fn version_before(&self) -> Option<&str> {
        self.version_before.as_deref()
    }

    /// Has `tell` called, now and whenever it changes, with whether the trail takes records.
    pub fn tell_kernel(&self, tell: impl Fn(bool) -> io::Result<()> + Send + 'static) {
        self.health().tell(Box::new(tell));
    }

    /// Compares with the kernel's counters as they are at the start.
    pub fn begin(&mut self, counters: &[u64]) {
        self.losses.check_start(counters);
    }

    /// The records, for readers.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Returns the health of the writing.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        self.writer.health()
    }

    /// Returns the name of a thread of the trail's that has ended and must not, if there is one.
    #[must_use]
    pub fn ended_thread(&self) -> Option<String> {
        if self.writer.has_ended() {
            return Some("trail".to_owned());
        }
        self.exports.ended().map(|name| format!("export-{name}"))
    }

    /// Returns the states of the exports.
    #[must_use]
    pub fn exports(&self) -> Vec<ExportState> {
        self.exports.states(self.health().size())
    }

    /// Whether so much waits to be written that no more events should be read.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.writer.is_behind()
    }

    /// Takes in what the kernel sent.
    pub fn events(&mut self, raws: &[RawEvent]) {
        let now = Instant::now();
        let mut records = Vec::with_capacity(raws.len());
        for raw in raws {
            match self.context.explain(raw) {
                Ok(mut event) => {
                    if let Object::Arguments { arguments, .. } = &mut event.object {
                        *arguments = self.mask_of(event.session).command(arguments);
                        self.context.remember_arguments(&event);
                    }
                    self.losses.arrived(raw.header.sequence, now);
                    records.push(Record::Event(Box::new(event)));
                }
                // Its number stays missing, so it is reported as lost.
                Err(error) => error!("{error}"),
            }
        }
        self.add(records);
    }

    /// Explains an operation that waits, and says on what terms it is decided.
    ///
    /// # Errors
    /// Where the kernel side sent a number that this daemon does not know.
    pub fn explain(
        &mut self,
        raw: &RawEvent,
        question: Option<Question>,
    ) -> Result<(Event, Conditions), Unreadable> {
        let event = self.context.explain(raw)?;
        let serials = event.session.map(|session| self.serials_of(session)).unwrap_or_default();
        let conditions = self.context.rules.conditions(serials, &Asked { header: &raw.header, question });
        Ok((event, conditions))
    }

    /// Returns how many holds a minute people are asked about for a session, by all its policies.
    #[must_use]
    pub fn rate(&self, session: SessionId) -> usize {
        self.context.rules.approval(self.serials_of(session)).rate()
    }

    /// A session's layers; none where it is not known.
    fn serials_of(&self, session: SessionId) -> &[u32] {
        self.masks.get(&session).map(|(serials, _)| serials.as_slice()).unwrap_or_default()
    }

    /// Makes a session known, so that its events are explained.
    pub fn session(&mut self, session: SessionId, mut facts: Facts) {
        facts.purpose = facts.purpose.as_deref().map(|purpose| self.masked_text(Some(session), purpose));
        self.context.facts.insert(session, facts);
    }

    /// A session has ended and its layers are retired; forgotten after a while.
    pub fn ended(&mut self, session: SessionId, serials: impl IntoIterator<Item = u32>) {
        self.ended.push_back(session);
        if self.ended.len() > AFTERMATH
            && let Some(old) = self.ended.pop_front()
        {
            self.context.facts.remove(&old);
            self.masks.remove(&old);
            self.context.assistants.remove(&old);
            self.context.calls.forget(old);
        }
        self.retire(serials);
    }

    fn add(&mut self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let records: Vec<Arc<Record>> = records.into_iter().map(Arc::new).collect();
        self.writer.write(records.clone());
        for record in records.into_iter().filter(|record| !record.is_canary()) {
            self.feed.tell(record);
        }
    }
}
