//! The audit trail: takes in events and notes, writes them down, tells them on.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tracing::{error, warn};

use super::explain::{Context, Facts};
use super::feed::Feed;
use super::loss::{Losses, Reported};
use super::record::{Lost, Record};
use super::rules::{Edition, Rules};
use super::store::Store;
use super::time::Moment;
use crate::config::Config;
use crate::files;
use crate::kernel::RawEvent;
use crate::session::id::SessionId;

/// Ended sessions and retired layers still known: their last events may be on the way.
const AFTERMATH: usize = 64;

/// The trail.
#[derive(Debug)]
pub struct Trail {
    context: Context,
    losses: Losses,
    store: Store,
    feed: Feed,
    unwritten: u64,
    folder: PathBuf,
    ended: VecDeque<SessionId>,
    retired: VecDeque<u32>,
}

impl Trail {
    /// Opens the trail in the state folder, to go on where an earlier daemon of this boot stopped.
    pub fn open(config: &Config, boot: &str) -> io::Result<Self> {
        let folder = config.state.clone();
        for name in ["events", "rules"] {
            files::make_folder(&folder.join(name), 0o700)?;
        }
        let store = Store::open(folder.join("events"), config.events_file_bytes, config.events_files)?;
        let mut feed = Feed::new(config.events_in_memory);
        let mut context = Context::default();
        let mut next = 1;
        let mut this_boot = false;
        store.recent(|record| {
            match &record {
                Record::Daemon(change) if change.boot != boot => (next, this_boot) = (1, false),
                Record::Daemon(_) => this_boot = true,
                Record::Event(event) if this_boot => {
                    next = next.max(event.sequence + 1);
                    context.remember(event);
                }
                _ => {}
            }
            if !is_canary(&record) {
                feed.recall(record);
            }
        })?;
        let reported = read_reported(&folder.join("losses.json"), boot)?;
        let losses = Losses::resume(reported, next);
        let (ended, retired) = Default::default();
        Ok(Self { context, losses, store, feed, unwritten: 0, folder, ended, retired })
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

    /// Records that could not be written down and are not yet accounted for.
    #[must_use]
    pub fn unwritten(&self) -> u64 {
        self.unwritten
    }

    /// Takes in what the kernel sent.
    pub fn events(&mut self, raws: &[RawEvent]) {
        let now = Instant::now();
        let mut records = Vec::with_capacity(raws.len());
        for raw in raws {
            match self.context.explain(raw) {
                Ok(event) => {
                    self.losses.arrived(raw.header.sequence, now);
                    records.push(Record::Event(Box::new(event)));
                }
                // Its number stays missing, so it is reported as lost.
                Err(error) => error!("{error}"),
            }
        }
        self.add(records);
    }

    /// Takes in a note of the daemon's own.
    pub fn note(&mut self, record: Record) {
        self.add(vec![record]);
    }

    /// Reports what was lost since the last time.
    pub fn settle(&mut self, counters: &[u64]) {
        let fresh = self.losses.settle(counters, Instant::now());
        if fresh.is_none() && self.unwritten == 0 {
            return;
        }
        let lost = Lost {
            time: Moment::now().unwrap_or(Moment::from_micros(0)),
            families: fresh.as_ref().map(|fresh| fresh.families.clone()).unwrap_or_default(),
            unexplained: fresh.as_ref().map_or(0, |fresh| fresh.unexplained),
            unwritten: self.unwritten,
        };
        let record = Record::Lost(lost);
        match self.store.append([&record]) {
            Ok(()) => {
                self.unwritten = 0;
                self.feed.tell(record);
            }
            // Nothing new for followers to hear, and the disk still refuses: say it when it does not.
            Err(_) if fresh.is_none() => return,
            Err(error) => {
                error!("events: {error}");
                self.unwritten += 1;
                self.feed.tell(record);
            }
        }
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
        if let Err(error) = self.store.append(&records) {
            if self.unwritten == 0 {
                error!("events can't be written: {error}");
            }
            self.unwritten += records.len() as u64;
        }
        for record in records.into_iter().filter(|record| !is_canary(record)) {
            self.feed.tell(record);
        }
    }

    /// Makes a session known, so that its events are explained.
    pub fn session(&mut self, session: SessionId, facts: Facts) {
        self.context.facts.insert(session, facts);
    }

    /// Makes the rules of an edition known, now and to later daemons.
    pub fn rules(&mut self, edition: Edition, rules: Rules) -> io::Result<()> {
        files::write_atomically(&self.rules_path(edition), &serde_json::to_vec(&rules)?)?;
        for old in self.context.rules.add(edition, rules) {
            self.remove_rules(old);
        }
        Ok(())
    }

    /// Reads back the rules that an earlier daemon kept for these serials, and removes all others.
    pub fn recall_rules(&mut self, serials: &[u32]) -> io::Result<()> {
        for entry in fs::read_dir(self.folder.join("rules"))? {
            let path = entry?.path();
            let edition = edition_of(&path);
            match edition.filter(|edition| serials.contains(&edition.serial)) {
                Some(edition) => {
                    let rules = serde_json::from_slice(&fs::read(&path)?)?;
                    self.context.rules.add(edition, rules);
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
        }
        self.retire(serials);
    }

    /// Layers are retired; their rules are forgotten after a while.
    pub fn retire(&mut self, serials: impl IntoIterator<Item = u32>) {
        self.retired.extend(serials);
        while self.retired.len() > AFTERMATH {
            let Some(old) = self.retired.pop_front() else { return };
            for edition in self.context.rules.forget(old) {
                self.remove_rules(edition);
            }
        }
    }

    fn rules_path(&self, edition: Edition) -> PathBuf {
        self.folder.join("rules").join(format!("{}-{}.json", edition.serial, edition.generation))
    }

    fn remove_rules(&self, edition: Edition) {
        let path = self.rules_path(edition);
        if let Err(error) = fs::remove_file(&path) {
            warn!("{}: {error}", path.display());
        }
    }
}

/// Whether it tells of a canary's doings: in the trail, so that its numbers have no gap, and not for readers.
fn is_canary(record: &Record) -> bool {
    matches!(record, Record::Event(event) if event.session.is_none())
}

fn edition_of(path: &Path) -> Option<Edition> {
    let (serial, generation) = path.file_name()?.to_str()?.strip_suffix(".json")?.split_once('-')?;
    Some(Edition { serial: serial.parse().ok()?, generation: generation.parse().ok()? })
}

fn read_reported(path: &Path, boot: &str) -> io::Result<Reported> {
    let anew = Reported { boot: boot.into(), ..Reported::default() };
    match fs::read(path) {
        Ok(bytes) => {
            let found: Reported = serde_json::from_slice(&bytes)?;
            Ok(if found.boot == boot { found } else { anew })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(anew),
        Err(error) => Err(error),
    }
}
