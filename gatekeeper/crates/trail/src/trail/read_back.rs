//! Records of earlier daemons, read back at a start: from the newest backwards until enough is known.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::log::backward::Backward;
use crate::log::folder::segments;
use crate::loss::NEIGHBOURS;
use crate::ocsf::Line;
use gatekeeper_record::record::{Change, Object, Record};
use gatekeeper_record::session_id::SessionId;

/// Bytes read back, at most: two segments of the usual size. Of sessions whose opening lies further back, records lack what
/// only older ones tell: the programs of processes that have run since, and the tool calls that these belong to.
pub const MOST: u64 = 128 << 20;
/// Records of another boot in a row after which none of this boot lies further back.
const OTHERS: usize = 64;

/// The records that have to be found before reading back may end.
#[derive(Debug)]
pub struct Sought<'a> {
    /// The kernel's id of this boot.
    pub boot: &'a str,
    /// Records for followers.
    pub records: usize,
    /// The number of the first event that is not accounted for; unknown of what earlier versions wrote.
    pub settled: Option<u64>,
    /// The sessions that are open: their records are read from their opening on.
    pub sessions: BTreeSet<SessionId>,
    /// Bytes, at most.
    pub bytes: u64,
}

/// A record that was read back.
#[derive(Debug)]
pub struct Recalled {
    /// Whether it is of this boot: numbers and processes mean something in their own only.
    pub of_boot: bool,
    /// The record.
    pub record: Record,
}

/// All that was read back.
#[derive(Debug, Default)]
pub struct Past {
    /// Oldest first. Of those that followers need no more, only those that later events refer to.
    pub records: Vec<Recalled>,
    /// Numbers of the events of this boot, in the order in which they were written.
    pub written: Vec<u64>,
    /// The version of the daemon that wrote last.
    pub version: Option<String>,
    /// Bytes that were read.
    pub bytes: u64,
}

/// Reads back what is sought, and says whether the folder and its segments could be read as far as that. A line that is no
/// record is left out: it is for `audit verify` to name.
pub fn read_back(folder: &Path, sought: Sought<'_>) -> (Past, io::Result<()>) {
    let mut reader = Reader { sought, past: Past::default(), others: 0, shown: 0, settled: 0 };
    let read = reader.read(folder);
    let mut past = reader.past;
    past.records.reverse();
    past.written.reverse();
    (past, read)
}

struct Reader<'a> {
    sought: Sought<'a>,
    past: Past,
    /// Records of another boot in a row.
    others: usize,
    /// Records for followers.
    shown: usize,
    /// Events of this boot that are accounted for.
    settled: usize,
}

impl Reader<'_> {
    fn read(&mut self, folder: &Path) -> io::Result<()> {
        for segment in segments(folder)?.iter().rev() {
            let mut lines = Backward::open(folder, segment)?;
            while let Some(bytes) = lines.line_before()? {
                self.past.bytes = self.past.bytes.saturating_add(bytes.len() as u64);
                if let Ok(line) = serde_json::from_slice::<Line<'_>>(&bytes)
                    && let Ok(record) = line.record()
                {
                    self.take(&line, record);
                }
                if self.is_done() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        // The first of those read may have neighbours that were written before it, so as many again.
        let accounted = self.settled >= 2 * NEIGHBOURS && self.sought.sessions.is_empty();
        let enough = self.shown >= self.sought.records && (accounted || self.others >= OTHERS);
        enough || self.past.bytes >= self.sought.bytes
    }

    fn take(&mut self, line: &Line<'_>, record: Record) {
        if self.past.version.is_none() {
            let version = match &record {
                Record::Daemon(change) => change.version.clone(),
                _ => line.metadata.product.version.to_string(),
            };
            self.past.version = Some(version);
        }
        let of_boot = line.device.boot_uid == self.sought.boot;
        self.others = if of_boot { 0 } else { self.others.saturating_add(1) };
        if of_boot {
            match &record {
                Record::Event(event) => {
                    self.past.written.push(event.sequence);
                    let settled = self.sought.settled.is_none_or(|settled| event.sequence < settled);
                    self.settled = self.settled.saturating_add(usize::from(settled));
                }
                Record::Session(change) if change.change == Change::Opened => {
                    self.sought.sessions.remove(&change.session);
                }
                _ => {}
            }
        }
        let shown = self.shown < self.sought.records && !record.is_canary();
        self.shown = self.shown.saturating_add(usize::from(shown));
        if shown || (of_boot && is_referred_to(&record)) {
            self.past.records.push(Recalled { of_boot, record });
        }
    }
}

/// Whether later events may refer to what a record tells.
fn is_referred_to(record: &Record) -> bool {
    match record {
        Record::Event(event) => {
            event.is_start() || event.tool_call.is_some() || matches!(event.object, Object::Arguments { .. })
        }
        Record::AssistantReport(_) => true,
        Record::Decision(decision) => decision.is_final,
        _ => false,
    }
}
