//! The writer: batches of records into the log, and its upkeep.

use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::{error, warn};

use super::Order;
use super::health::Health;
use crate::log::merkle::Hash;
use crate::log::pack::pack;
use crate::log::writer::Log;
use gatekeeper_record::record::{Change, Record};

/// Records written at once, at most.
const BATCH: usize = 8192;

/// Bytes that must be free before a trail that found no room is written again. A record now and then fits into the last
/// page, and the kernel would be notified back and forth.
const ROOM: u64 = 1 << 20;
/// The interval at which what was not taken is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// The writer, on its thread.
pub(super) struct Writer {
    pub(super) log: Log,
    pub(super) health: Arc<Health>,
    pub(super) folder: PathBuf,
    pub(super) packing: Option<JoinHandle<()>>,
    pub(super) orders: Sender<Order>,
    /// The reason why the last batch could not be written.
    pub(super) refused: Option<String>,
    /// The reason why the last signature or segment could not.
    pub(super) neglected: Option<String>,
    /// Records of operations that passed only because they are recorded, not written yet. Bounded: while one waits,
    /// nothing more passes.
    pub(super) owed: Vec<Arc<Record>>,
}

impl Writer {
    /// Carries out orders until it is stopped, then writes and signs all that waits.
    pub(super) fn run(mut self, receiver: &Receiver<Order>) {
        self.pack_next();
        loop {
            let mut batch = Vec::new();
            let mut order = match receiver.recv_timeout(self.due_in()) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut stop = false;
            // Whatever waits goes in one write.
            while let Some(next) = order {
                match next {
                    Order::Write(records) => batch.extend(records),
                    Order::Packed(first, hash) => self.packed(first, hash),
                    Order::Stop => stop = true,
                }
                order = if stop || batch.len() >= BATCH { None } else { receiver.try_recv().ok() };
            }
            self.write(batch);
            if stop {
                break;
            }
        }
        if !self.owed.is_empty() {
            error!("{} required records could not be written", self.owed.len());
        }
        if let Err(error) = self.log.checkpoint() {
            error!("the trail's last records are not signed: {error}");
        }
        if let Some(packing) = self.packing.take() {
            // Its result is found at the next start.
            let _ = packing.join();
        }
    }

    fn due_in(&self) -> Duration {
        if self.owed.is_empty() { self.log.due_in() } else { AGAIN }
    }

    /// Writes records down, with those that are still owed, and does what is due.
    pub(super) fn write(&mut self, fresh: Vec<Arc<Record>>) {
        let before = self.log.segment_number();
        let count = fresh.len() as u64;
        let mut batch = mem::take(&mut self.owed);
        batch.extend(fresh);
        if !batch.is_empty() {
            self.append(&batch);
            if self.refused.is_some() {
                let (owed, lost): (Vec<_>, Vec<_>) = batch.drain(..).partition(|record| is_owed(record));
                let count = lost.iter().map(|record| weight(record)).sum();
                self.health.unwritten.fetch_add(count, Ordering::AcqRel);
                self.owed = owed;
            }
            self.health.owed.store(self.owed.len() as u64, Ordering::Release);
            self.health.waiting.fetch_sub(count, Ordering::AcqRel);
        }
        // A session's end is when people look.
        let ended = |record: &Arc<Record>| matches!(&**record, Record::Session(change) if change.change == Change::Ended);
        let upkeep = if batch.iter().any(ended) { self.log.checkpoint() } else { Ok(()) };
        let upkeep = upkeep
            .and_then(|()| self.log.upkeep())
            .and_then(|()| if self.log.segment_number() == before { Ok(None) } else { self.log.retain() });
        match upkeep {
            Err(error) => self.neglected = Some(error.to_string()),
            Ok(_) if self.neglected.is_none() || has_room(&self.folder) => self.neglected = None,
            Ok(_) => {}
        }
        self.health.set_trouble(self.refused.clone().or(self.neglected.clone()));
        self.health.grow(self.log.size());
        self.health.signed.store(self.log.signed(), Ordering::Release);
        if self.log.segment_number() != before {
            self.pack_next();
        }
    }

    fn append(&mut self, batch: &[Arc<Record>]) {
        if self.refused.is_none() || has_room(&self.folder) {
            self.refused = self.log.append(batch).err().map(|error| error.to_string());
        }
    }

    /// Begins to compress the oldest segment that is not, unless one is being compressed.
    fn pack_next(&mut self) {
        if self.packing.is_some() {
            return;
        }
        let Some(first) = self.log.unpacked().first().copied() else { return };
        let (folder, orders) = (self.folder.clone(), self.orders.clone());
        let work = move || {
            // Of this thread alone. It has time, and the writer has none: where it can't be, it is only slower.
            let _ = rustix::process::nice(19);
            let hash = pack(&folder, first);
            // The writer may have stopped meanwhile.
            let _ = orders.send(Order::Packed(first, hash));
        };
        match thread::Builder::new().name("trail-pack".into()).spawn(work) {
            Ok(packing) => self.packing = Some(packing),
            Err(error) => warn!("segment {first} stays uncompressed for now: {error}"),
        }
    }

    fn packed(&mut self, first: u64, hash: io::Result<Hash>) {
        self.packing = None;
        match hash.and_then(|hash| self.log.packed(first, hash)) {
            Ok(()) => self.pack_next(),
            // Tried again when the next segment is closed.
            Err(error) => warn!("segment {first} stays uncompressed for now: {error}"),
        }
    }
}

/// Whether there is room again, as far as can be asked; else writing tells.
fn has_room(folder: &Path) -> bool {
    rustix::fs::statvfs(folder).map_or(true, |disk| disk.f_bfree.saturating_mul(disk.f_frsize) >= ROOM)
}

/// Whether it tells of what passed on the promise that it is recorded.
fn is_owed(record: &Record) -> bool {
    matches!(record, Record::Event(event) if event.is_owed())
}

/// Returns how many are lost with a record: itself, unless it only reports others, and those.
fn weight(record: &Record) -> u64 {
    match record {
        Record::Lost(lost) => {
            u64::from(lost.unexplained > 0 || !lost.families.is_empty()).saturating_add(lost.unwritten)
        }
        _ => 1,
    }
}
