//! Writing the trail: batches of records at the end, checkpoints, and a new segment from time to time.

use std::borrow::Borrow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::folder::{CHECKPOINTS, Head, LEAF_BYTES, Segment, write_heads};
use super::form::Former;
use super::key::Key;
use super::merkle::{Edge, Hash, leaf};
use super::pack::draft;
use super::seal::{Formed, Grown};
use super::signed_note::Checkpoint;
use crate::files;
use crate::ocsf::{Link, Machine};
use gatekeeper_record::record::Record;

/// The least time between two attempts at what is due: a disk that refuses is not asked without end.
const RETRY: Duration = Duration::from_millis(100);

/// The limits within which the trail is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Bytes of a segment before the next is begun.
    pub segment_bytes: u64,
    /// The time for which a segment is written to before the next is begun.
    pub segment_age: Duration,
    /// Records between two checkpoints, at most.
    pub checkpoint_records: u64,
    /// Time between a record and the checkpoint over it, at most.
    pub checkpoint_age: Duration,
    /// Bytes that all segments may take; the oldest are removed beyond that.
    pub keep_bytes: u64,
    /// The time for which segments are kept.
    pub keep_age: Duration,
}

impl Default for Options {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            segment_bytes: 64 << 20,
            segment_age: DAY,
            checkpoint_records: 10_000,
            checkpoint_age: Duration::from_secs(5),
            keep_bytes: 4 << 30,
            keep_age: DAY.saturating_mul(400),
        }
    }
}

/// The trail, open for writing.
#[derive(Debug)]
pub struct Log {
    pub(crate) folder: PathBuf,
    pub(super) machine: Machine,
    pub(super) key: Key,
    pub(super) options: Options,
    pub(super) heads: Vec<Head>,
    pub(super) segment: Segment,
    pub(super) current: Current,
    pub(super) edge: Edge,
    pub(super) last: Option<Link>,
    pub(super) signed: u64,
    pub(super) unsigned_since: Option<Instant>,
    pub(super) buffers: Buffers,
}

/// The files of the segment being written.
#[derive(Debug)]
pub struct Current {
    lines: File,
    leaves: File,
    bytes: u64,
    torn: bool,
    /// Whether the last synchronization with the disk failed.
    unsynced: bool,
    since: Instant,
}

/// Working memory, used again and again.
#[derive(Debug, Default)]
pub struct Buffers {
    formed: Formed,
    lines: Vec<u8>,
    leaves: Vec<u8>,
}

impl Current {
    /// Opens the segment's files to go on after so many bytes.
    ///
    /// # Errors
    /// Where they can't be opened for writing.
    pub fn open(folder: &Path, segment: &Segment, bytes: u64) -> io::Result<Self> {
        let open = |path: &Path| OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let (lines, leaves) = (open(&segment.path(folder))?, open(&segment.leaves(folder))?);
        // Their names must outlive a loss of power too.
        File::open(folder)?.sync_all()?;
        Ok(Self { lines, leaves, bytes, torn: false, unsynced: false, since: Instant::now() })
    }
}

impl Log {
    /// Records in the trail.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// Records under a signature.
    #[must_use]
    pub fn signed(&self) -> u64 {
        self.signed
    }

    /// The first record of the segment being written.
    #[must_use]
    pub fn segment_number(&self) -> u64 {
        self.segment.first
    }

    /// The trail's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.machine.origin
    }

    /// Writes records down. On an error none of them is there, and the trail is as it was.
    ///
    /// # Errors
    /// Where a file can't be written.
    pub fn append<R: Borrow<Record> + Sync>(&mut self, records: &[R]) -> io::Result<()> {
        if self.current.torn {
            self.take_back()?;
        }
        let (size, before) = (self.edge.size(), self.last.as_ref().map(|last| last.type_uid));
        let Buffers { formed, lines, leaves } = &mut self.buffers;
        let mut grown = Grown { edge: self.edge.clone(), last: self.last.clone(), lines, leaves };
        let (mut bytes, files) = (0, (&self.current.lines, &self.current.leaves));
        let former = Former { records, machine: &self.machine, size, before };
        let written = former.run(formed, |formed| {
            grown.lines.clear();
            grown.leaves.clear();
            formed.link(&mut grown)?;
            bytes = u64::saturating_add(bytes, grown.lines.len() as u64);
            let (mut lines, mut leaves) = files;
            lines.write_all(grown.lines).and_then(|()| leaves.write_all(grown.leaves))
        });
        if let Err(error) = written {
            self.current.torn = true;
            // Where that fails too, it is tried again before the next batch.
            let _ = self.take_back();
            return Err(error);
        }
        let Grown { edge, last, .. } = grown;
        (self.edge, self.last) = (edge, last);
        self.current.bytes = self.current.bytes.saturating_add(bytes);
        self.unsigned_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Takes half a batch away: the next one would be glued to it.
    fn take_back(&mut self) -> io::Result<()> {
        self.current.lines.set_len(self.current.bytes)?;
        let records = self.edge.size().saturating_sub(self.segment.first);
        self.current.leaves.set_len(records.saturating_mul(LEAF_BYTES))?;
        self.current.torn = false;
        Ok(())
    }

    /// Does what is due: a checkpoint, a new segment.
    ///
    /// # Errors
    /// Those of [`Log::checkpoint`] and [`Log::rotate`].
    pub fn upkeep(&mut self) -> io::Result<()> {
        let fresh = self.edge.size().saturating_sub(self.signed);
        let waiting = self.unsigned_since.is_some_and(|since| since.elapsed() >= self.options.checkpoint_age);
        if fresh >= self.options.checkpoint_records || (fresh > 0 && waiting) {
            self.checkpoint()?;
        }
        let full = self.current.bytes >= self.options.segment_bytes;
        let old = self.current.since.elapsed() >= self.options.segment_age;
        if full || (old && self.edge.size() > self.segment.first) {
            self.rotate()?;
        }
        Ok(())
    }

    /// Returns the time until something is due, if nothing more is written.
    #[must_use]
    pub fn due_in(&self) -> Duration {
        let checkpoint =
            self.unsigned_since.map(|since| self.options.checkpoint_age.saturating_sub(since.elapsed()));
        checkpoint.unwrap_or(Duration::from_mins(1)).max(RETRY)
    }

    /// Signs the tree as it is, once all of it is on the disk.
    ///
    /// # Errors
    /// Where a file can't be written or synchronized with the disk.
    pub fn checkpoint(&mut self) -> io::Result<()> {
        if self.signed == self.edge.size() {
            return Ok(());
        }
        if self.current.unsynced {
            self.rewrite()?;
        }
        if let Err(error) = self.current.lines.sync_data().and_then(|()| self.current.leaves.sync_data()) {
            self.current.unsynced = true;
            return Err(error);
        }
        let (origin, size, root) = (self.machine.origin.clone(), self.edge.size(), self.edge.root());
        let note = Checkpoint { origin, size, root }.sign(&self.key.key);
        let path = self.folder.join(CHECKPOINTS);
        let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        let before = file.metadata()?.len();
        if let Err(error) = file.write_all(note.as_bytes()).and_then(|()| file.sync_data()) {
            file.set_len(before)?;
            return Err(error);
        }
        (self.signed, self.unsigned_since) = (size, None);
        Ok(())
    }

    /// Writes the segment being written anew, after it could not be synchronized with the disk. The kernel forgets what it could
    /// not write, and the next synchronization would succeed without it (fsync(2); `mm/filemap.c`, `file_check_and_advance_wb_err`,
    /// 6.12).
    fn rewrite(&mut self) -> io::Result<()> {
        let (lines, leaves) = (self.segment.path(&self.folder), self.segment.leaves(&self.folder));
        let mut bytes = fs::read(&lines)?;
        bytes.truncate(usize::try_from(self.current.bytes).map_err(io::Error::other)?);
        let mut edge = self.heads.last().map(|head| head.edge.clone()).unwrap_or_default();
        let mut hashes = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let hash = leaf(line.strip_suffix(b"\n").unwrap_or(line));
            edge.push(hash);
            hashes.extend_from_slice(&hash.0);
        }
        if (edge.size(), edge.root()) != (self.edge.size(), self.edge.root()) {
            let why = format!(
                "{}: the disk lost records that were written, and they are signed by nobody",
                lines.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        files::write_atomically(&lines, &bytes)?;
        files::write_atomically(&leaves, &hashes)?;
        let since = self.current.since;
        self.current = Current { since, ..Current::open(&self.folder, &self.segment, self.current.bytes)? };
        Ok(())
    }

    /// Closes the segment and begins the next.
    ///
    /// # Errors
    /// Where a file can't be written; the segment goes on then.
    pub fn rotate(&mut self) -> io::Result<()> {
        let Some(last) = self.last.clone().filter(|_| self.edge.size() > self.segment.first) else {
            return Ok(());
        };
        self.checkpoint()?;
        let next = Segment { first: self.edge.size(), packed: false };
        let mut heads = self.heads.clone();
        heads.push(Head { first: self.segment.first, edge: self.edge.clone(), last, packed: None });
        // The books come first: a new segment without them could not be placed after a crash.
        write_heads(&self.folder, &heads)?;
        let current = match Current::open(&self.folder, &next, 0) {
            Ok(current) => current,
            Err(error) => {
                write_heads(&self.folder, &self.heads)?;
                return Err(error);
            }
        };
        (self.heads, self.segment, self.current) = (heads, next, current);
        Ok(())
    }

    /// Closed segments that are not compressed yet.
    #[must_use]
    pub fn unpacked(&self) -> Vec<u64> {
        let plain = |head: &&Head| head.packed.is_none();
        self.heads
            .iter()
            .filter(plain)
            .map(|head| head.first)
            .filter(|first| *first >= self.kept_from())
            .collect()
    }

    /// The first record that is kept. The head before it is of a segment that is gone.
    fn kept_from(&self) -> u64 {
        self.heads.first().map_or(0, |head| {
            let there = Segment { first: head.first, packed: false }.leaves(&self.folder).exists();
            if there { head.first } else { head.edge.size() }
        })
    }

    /// Takes a segment's compressed form in its place, unless it was removed meanwhile.
    ///
    /// # Errors
    /// Where a file can't be renamed, written or removed.
    pub fn packed(&mut self, first: u64, hash: Hash) -> io::Result<()> {
        let draft = draft(&self.folder, first);
        let plain = Segment { first, packed: false }.path(&self.folder);
        let mut heads = self.heads.clone();
        // The head of the last that was removed is kept.
        let Some(head) = heads.iter_mut().find(|head| head.first == first).filter(|_| plain.exists()) else {
            return fs::remove_file(draft);
        };
        head.packed = Some(hash);
        fs::rename(draft, Segment { first, packed: true }.path(&self.folder))?;
        File::open(&self.folder)?.sync_all()?;
        write_heads(&self.folder, &heads)?;
        self.heads = heads;
        fs::remove_file(plain)
    }
}

#[cfg(test)]
impl Log {
    /// Makes the next write fail; the file that was there.
    pub fn break_with(&mut self, file: File) -> File {
        std::mem::replace(&mut self.current.lines, file)
    }

    /// Makes the next write fail once its lines are written.
    pub fn break_leaves_with(&mut self, file: File) {
        self.current.leaves = file;
    }
}
