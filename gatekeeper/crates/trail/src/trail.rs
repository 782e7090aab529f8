//! The audit trail: takes in events and notes, writes them down, tells them on.

pub mod read_back;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tracing::{error, warn};

use self::read_back::{Recalled, Sought, read_back};
use super::explain::{Context, Facts, Unreadable};
use super::export::setting::Export;
use super::export::{ExportState, Exports};
use super::feed::Feed;
use super::log::key::mask_key;
use super::log::open::FOLDER;
use super::log::writer::Options;
use super::loss::{Fresh, Losses, Reported};
use super::mask::Mask;
use super::writer_thread::{Health, WriterThread};
use crate::files;
use gatekeeper_policy::question::Question;
use gatekeeper_policy::rulebook::{Asked, Conditions, PolicyVersion, Rules};
use gatekeeper_record::decision::{Decision, HoldId};
use gatekeeper_record::raw_event::RawEvent;
use gatekeeper_record::record::{AssistantReport, Event, Lost, Object, Record};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

/// Numbers of events after which the book of losses is kept even where nothing was lost: a start reads back all that it does
/// not account for.
const KEPT_EVERY: u64 = 10_000;
/// Ended sessions and retired layers still known: their last events may be on the way.
const AFTERMATH: usize = 64;

/// Where the trail lies, how it is kept, and where it goes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of state; the trail lies in it.
    pub state: PathBuf,
    /// How the log is kept.
    pub log: Options,
    /// Patterns of secrets besides the built-in ones; the secret part is the group `s`.
    pub secrets: Vec<String>,
    /// Where records go besides.
    pub exports: Vec<Export>,
    /// Events kept in memory for followers.
    pub events_in_memory: usize,
}

impl Settings {
    /// The usual ones, for a state folder.
    #[must_use]
    pub fn usual(state: PathBuf) -> Self {
        Self {
            state,
            log: Options::default(),
            secrets: Vec::new(),
            exports: Vec::new(),
            events_in_memory: 20_000,
        }
    }
}

/// The trail.
#[derive(Debug)]
pub struct Trail {
    context: Context,
    losses: Losses,
    /// Whether more of losses is reported than the next daemon would know.
    unkept: bool,
    /// The number below which all events are accounted for, as the next daemon would know.
    kept: u64,
    keeper: WriterThread,
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
    /// Opens the trail in the state folder where no session is open.
    ///
    /// # Errors
    /// See [`Trail::resume`].
    pub fn open(settings: &Settings, boot: &str) -> io::Result<Self> {
        Self::resume(settings, boot, [])
    }

    /// Opens the trail in the state folder, to go on where an earlier daemon of this boot stopped. `sessions` are those that
    /// are open: what was written of them is read back from their opening on, up to a bound (see [`read_back::MOST`]).
    ///
    /// # Errors
    /// Where the state folder, the key or the trail can't be read or written, or an export can't be started.
    pub fn resume(
        settings: &Settings,
        boot: &str,
        sessions: impl IntoIterator<Item = SessionId>,
    ) -> io::Result<Self> {
        let folder = settings.state.clone();
        files::make_folder(&folder.join("rules"), 0o700)?;
        let mask =
            Mask::new(mask_key(&folder.join("mask.key"))?, &settings.secrets).map_err(io::Error::other)?;
        let reported = read_reported(&folder.join("losses.json"), boot)?;
        let sought = Sought {
            boot,
            records: settings.events_in_memory,
            settled: reported.settled,
            sessions: sessions.into_iter().collect(),
            bytes: read_back::MOST,
        };
        // Before anything is written or compressed.
        let (past, read) = read_back(&folder.join(FOLDER), sought);
        if let Err(error) = read
            && error.kind() != io::ErrorKind::NotFound
        {
            warn!(
                "`gatekeeper events` begins with what could be read: the trail can't be read any further back: {error}"
            );
        }
        let mut feed = Feed::new(settings.events_in_memory);
        let mut context = Context::default();
        let mut decided = BTreeSet::new();
        for Recalled { of_boot, record } in past.records {
            match &record {
                _ if !of_boot => {}
                Record::Event(event) => {
                    context.calls.remember(event);
                    context.remember(event);
                    context.remember_arguments(event);
                }
                Record::AssistantReport(report) => context.calls.recall(report),
                Record::Decision(decision) if decision.is_final => {
                    decided.insert(decision.hold);
                }
                _ => {}
            }
            if !record.is_canary() {
                feed.recall(record);
            }
        }
        let host = fs::read_to_string("/proc/sys/kernel/hostname")?;
        let keeper = WriterThread::start(&folder, host.trim_end(), boot, settings.log.clone())?;
        let exports = Exports::start(&settings.exports, &folder, keeper.health())?;
        let kept = reported.settled.unwrap_or(0);
        let losses = Losses::resume(reported, past.written, Instant::now());
        let (ended, retired) = Default::default();
        Ok(Self {
            context,
            losses,
            unkept: false,
            kept,
            keeper,
            exports,
            mask,
            masks: BTreeMap::new(),
            feed,
            folder,
            ended,
            retired,
            decided,
            version_before: past.version,
        })
    }

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

    /// How the writing goes.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        self.keeper.health()
    }

    /// How the exports are.
    #[must_use]
    pub fn exports(&self) -> Vec<ExportState> {
        self.exports.states(self.health().size())
    }

    /// Whether so much waits to be written that no more events should be read.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.keeper.is_behind()
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

    /// How many holds a minute people are asked about for a session, by all its policies.
    #[must_use]
    pub fn rate(&self, session: SessionId) -> usize {
        self.context.rules.approval(self.serials_of(session)).rate()
    }

    /// A session's layers; none where it is not known.
    fn serials_of(&self, session: SessionId) -> &[u32] {
        self.masks.get(&session).map(|(serials, _)| serials.as_slice()).unwrap_or_default()
    }

    /// Takes in a decision of an earlier daemon, unless the trail has it.
    pub fn repeat(&mut self, decision: &Decision) {
        if self.decided.insert(decision.hold) {
            self.note(Record::Decision(Box::new(decision.clone())));
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

    fn mask_of(&self, session: Option<SessionId>) -> &Mask {
        session.and_then(|session| self.masks.get(&session)).map_or(&self.mask, |(_, mask)| mask)
    }

    /// Makes the layers of a session known, whose policies say what is masked in its records.
    pub fn layers(&mut self, session: SessionId, serials: Vec<u32>) {
        let mask = self.mask.with(self.context.rules.secrets(&serials));
        self.masks.insert(session, (serials, mask));
    }

    /// Reports what was lost since the last time.
    pub fn settle(&mut self, counters: &[u64]) {
        // Once what was reported is written: reported twice, where it is killed before, is better than not at all.
        if (self.unkept || self.numbers_unkept() >= KEPT_EVERY) && self.keeper.is_idle() {
            self.keep_losses();
        }
        let before = self.losses.reported().clone();
        let fresh = self.losses.settle(counters, Instant::now());
        self.unkept |= self.losses.reported().differs(&before);
        self.tell_losses(fresh);
    }

    fn tell_losses(&mut self, fresh: Option<Fresh>) {
        let refusing = self.health().trouble().is_some();
        let unwritten = self.keeper.take_unwritten();
        if fresh.is_none() && unwritten == 0 {
            return;
        }
        let lost = Record::Lost(Lost {
            time: Moment::now(),
            families: fresh.as_ref().map(|fresh| fresh.families.clone()).unwrap_or_default(),
            unexplained: fresh.as_ref().map_or(0, |fresh| fresh.unexplained),
            unwritten,
        });
        if fresh.is_none() && refusing {
            // An attempt, once more: followers have heard of it.
            return self.keeper.write(vec![Arc::new(lost)]);
        }
        self.add(vec![lost]);
    }

    /// Numbers of events by which the book on disk is behind, or ahead where the kernel began anew.
    fn numbers_unkept(&self) -> u64 {
        self.losses.reported().settled.unwrap_or(0).abs_diff(self.kept)
    }

    /// Writes the book of losses down, for the next daemon.
    fn keep_losses(&mut self) {
        self.unkept = false;
        self.kept = self.losses.reported().settled.unwrap_or(0);
        let path = self.folder.join("losses.json");
        if let Err(error) = serde_json::to_vec(self.losses.reported())
            .map_err(io::Error::from)
            .and_then(|bytes| files::write_atomically(&path, &bytes))
        {
            error!("{}: {error}", path.display());
        }
    }

    fn add(&mut self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let records: Vec<Arc<Record>> = records.into_iter().map(Arc::new).collect();
        self.keeper.write(records.clone());
        for record in records.into_iter().filter(|record| !record.is_canary()) {
            self.feed.tell(record);
        }
    }

    /// Makes a session known, so that its events are explained.
    pub fn session(&mut self, session: SessionId, mut facts: Facts) {
        facts.purpose = facts.purpose.as_deref().map(|purpose| self.masked_text(Some(session), purpose));
        self.context.facts.insert(session, facts);
    }

    /// Makes the rules of an version_key known, now and to later daemons.
    pub fn rules(&mut self, version_key: PolicyVersion, rules: Rules) -> io::Result<()> {
        files::write_atomically(&self.rules_path(version_key), &serde_json::to_vec(&rules)?)?;
        for old in self.context.rules.add(version_key, rules) {
            self.remove_rules(old);
        }
        for (serials, mask) in self.masks.values_mut() {
            if serials.contains(&version_key.serial) {
                *mask = self.mask.with(self.context.rules.secrets(serials));
            }
        }
        Ok(())
    }

    /// Whether these are the rules of an version_key. What is masked in the record is none of what the kernel has.
    #[must_use]
    pub fn has_rules(&self, version_key: PolicyVersion, rules: &Rules) -> bool {
        let bare = |rules: &Rules| Rules { secrets: Vec::new(), ..rules.clone() };
        self.context.rules.get(version_key).map(bare) == Some(bare(rules))
    }

    /// Reads back the rules that an earlier daemon kept for these serials, and removes all others.
    pub fn recall_rules(&mut self, serials: &[u32]) -> io::Result<()> {
        for entry in fs::read_dir(self.folder.join("rules"))? {
            let path = entry?.path();
            let version_key = edition_of(&path);
            match version_key.filter(|version_key| serials.contains(&version_key.serial)) {
                Some(version_key) => {
                    let rules = serde_json::from_slice(&fs::read(&path)?)?;
                    self.context.rules.add(version_key, rules);
                }
                None => fs::remove_file(&path)?,
            }
        }
        Ok(())
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

    /// Layers are retired; their rules are forgotten after a while.
    pub fn retire(&mut self, serials: impl IntoIterator<Item = u32>) {
        self.retired.extend(serials);
        while self.retired.len() > AFTERMATH {
            let Some(old) = self.retired.pop_front() else { return };
            for version_key in self.context.rules.forget(old) {
                self.remove_rules(version_key);
            }
        }
    }

    fn rules_path(&self, version_key: PolicyVersion) -> PathBuf {
        self.folder.join("rules").join(format!("{}-{}.json", version_key.serial, version_key.generation))
    }

    fn remove_rules(&self, version_key: PolicyVersion) {
        let path = self.rules_path(version_key);
        if let Err(error) = fs::remove_file(&path) {
            warn!("{}: {error}", path.display());
        }
    }
}

fn edition_of(path: &Path) -> Option<PolicyVersion> {
    let (serial, generation) = path.file_name()?.to_str()?.strip_suffix(".json")?.split_once('-')?;
    Some(PolicyVersion { serial: serial.parse().ok()?, generation: generation.parse().ok()? })
}

/// Keeps the book of losses. Records that wait are written by the writer thread, which ends after this.
impl Drop for Trail {
    fn drop(&mut self) {
        if self.unkept || self.numbers_unkept() > 0 {
            self.keep_losses();
        }
    }
}

fn read_reported(path: &Path, boot: &str) -> io::Result<Reported> {
    let anew = Reported::none(boot);
    match fs::read(path) {
        Ok(bytes) => {
            let found: Reported = serde_json::from_slice(&bytes)?;
            Ok(if found.boot == boot { found } else { anew })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(anew),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
