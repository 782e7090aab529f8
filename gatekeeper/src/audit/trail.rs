//! The audit trail: takes in events and notes, writes them down, tells them on.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tracing::{error, warn};

use super::explain::{Context, Facts};
use super::feed::Feed;
use super::keeper::{Health, Keeper};
use super::log::folder::{Lines, segments};
use super::log::key::mask_key;
use super::log::open::FOLDER;
use super::loss::{Losses, Reported};
use super::mask::Mask;
use super::ocsf::Line;
use super::record::{Lost, Object, Record};
use super::rules::{Edition, Rules};
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
    keeper: Keeper,
    mask: Mask,
    feed: Feed,
    folder: PathBuf,
    ended: VecDeque<SessionId>,
    retired: VecDeque<u32>,
}

impl Trail {
    /// Opens the trail in the state folder, to go on where an earlier daemon of this boot stopped.
    pub fn open(config: &Config, boot: &str) -> io::Result<Self> {
        let folder = config.state.clone();
        files::make_folder(&folder.join("rules"), 0o700)?;
        let mask =
            Mask::new(mask_key(&folder.join("mask.key"))?, &config.secrets).map_err(io::Error::other)?;
        let mut feed = Feed::new(config.events_in_memory);
        let mut context = Context::default();
        let mut next = 1;
        // Before anything is written or compressed.
        let recalled = recent(&folder.join(FOLDER), |of_boot, record| {
            // Numbers and processes mean something in their own boot only.
            if let Record::Event(event) = &record
                && of_boot == boot
            {
                next = next.max(event.sequence + 1);
                context.remember(event);
            }
            if !is_canary(&record) {
                feed.recall(record);
            }
        });
        match recalled {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                warn!("`gatekeeper events` begins anew: the trail can't be read: {error}");
            }
            _ => {}
        }
        let host = fs::read_to_string("/proc/sys/kernel/hostname")?;
        let keeper = Keeper::start(&folder, host.trim_end(), boot, config.trail.clone())?;
        let reported = read_reported(&folder.join("losses.json"), boot)?;
        let losses = Losses::resume(reported, next);
        let (ended, retired) = Default::default();
        Ok(Self { context, losses, keeper, mask, feed, folder, ended, retired })
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
    pub fn health(&self) -> &Health {
        self.keeper.health()
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
                        *arguments = self.mask.command(arguments);
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

    /// Takes in a note of the daemon's own, without the secrets in it.
    pub fn note(&mut self, mut record: Record) {
        if let Record::Session(change) = &mut record {
            change.command = self.mask.command(&change.command);
            change.purpose = change.purpose.as_deref().map(|purpose| self.mask.text(purpose));
        }
        self.add(vec![record]);
    }

    /// Reports what was lost since the last time.
    pub fn settle(&mut self, counters: &[u64]) {
        let fresh = self.losses.settle(counters, Instant::now());
        let refusing = self.health().trouble().is_some();
        let unwritten = self.keeper.take_unwritten();
        if fresh.is_none() && unwritten == 0 {
            return;
        }
        let lost = Record::Lost(Lost {
            time: Moment::now().unwrap_or(Moment::from_micros(0)),
            families: fresh.as_ref().map(|fresh| fresh.families.clone()).unwrap_or_default(),
            unexplained: fresh.as_ref().map_or(0, |fresh| fresh.unexplained),
            unwritten,
        });
        if fresh.is_none() && refusing {
            // An attempt, once more: followers have heard of it.
            return self.keeper.write(vec![Arc::new(lost)]);
        }
        self.add(vec![lost]);
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
        for record in records.into_iter().filter(|record| !is_canary(record)) {
            self.feed.tell(record);
        }
    }

    /// Makes a session known, so that its events are explained.
    pub fn session(&mut self, session: SessionId, mut facts: Facts) {
        facts.purpose = facts.purpose.as_deref().map(|purpose| self.mask.text(purpose));
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
            self.context.assistants.remove(&old);
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

/// Hands on the records of the last two segments, each with its boot, oldest first. What can't be read is left out: it is for
/// `audit verify` to name.
fn recent(folder: &Path, mut each: impl FnMut(&str, Record)) -> io::Result<()> {
    let all = segments(folder)?;
    for segment in all.iter().skip(all.len().saturating_sub(2)) {
        let mut lines: Lines = segment.read(folder)?;
        let mut bytes = Vec::new();
        while lines.next(&mut bytes)?.is_some() {
            if let Ok(line) = serde_json::from_slice::<Line>(&bytes)
                && let Ok(record) = line.record()
            {
                each(&line.device.boot_uid, record);
            }
        }
    }
    Ok(())
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
