//! The thread that writes the trail, so that a slow disk never slows the daemon, and the one that
//! compresses what is closed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tracing::{error, warn};

use super::log::merkle::Hash;
use super::log::open::FOLDER;
use super::log::pack::pack;
use super::log::writer::{Log, Options};
use super::record::{Change, Record};

/// Records that may wait to be written before no more events are read: the kernel's buffer and its counters
/// take over then, so that memory is bounded and nothing is lost uncounted.
const WAITING: u64 = 50_000;
/// Records written at once, at most.
const BATCH: usize = 8192;

/// What the writer is told.
enum Order {
    Write(Vec<Arc<Record>>),
    Packed(u64, io::Result<Hash>),
    Stop,
}

/// How the writing goes.
#[derive(Debug, Default)]
pub struct Health {
    waiting: AtomicU64,
    unwritten: AtomicU64,
    size: AtomicU64,
    signed: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl Health {
    /// Records that could not be written down and are not yet accounted for.
    #[must_use]
    pub fn unwritten(&self) -> u64 {
        self.unwritten.load(Ordering::Acquire)
    }

    /// Records in the trail.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Records under a signature.
    #[must_use]
    pub fn signed(&self) -> u64 {
        self.signed.load(Ordering::Acquire)
    }

    /// What keeps the trail from being written, if anything does.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_trouble(&self, trouble: Option<String>) {
        let mut now = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*now, &trouble) {
            (None, Some(why)) => error!("the trail can't be written: {why}"),
            (Some(_), None) => warn!("the trail is written again"),
            _ => {}
        }
        *now = trouble;
    }
}

/// The writer.
#[derive(Debug)]
pub struct Keeper {
    health: Arc<Health>,
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Opens the trail in the state folder and starts writing.
    pub fn start(state: &Path, host: &str, boot: &str, options: Options) -> io::Result<Self> {
        let log = Log::open(state, host, boot, options)?;
        let health = Arc::new(Health::default());
        health.size.store(log.size(), Ordering::Release);
        health.signed.store(log.signed(), Ordering::Release);
        let (orders, receiver) = channel();
        let writer = Writer {
            log,
            health: Arc::clone(&health),
            folder: state.join(FOLDER),
            packing: None,
            orders: orders.clone(),
            refused: None,
        };
        let thread = thread::Builder::new().name("trail".into()).spawn(move || writer.run(&receiver))?;
        Ok(Self { health, orders, thread: Some(thread) })
    }

    /// How the writing goes.
    #[must_use]
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Whether so much waits to be written that no more should be read.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.health.waiting.load(Ordering::Acquire) > WAITING
    }

    /// Has records written down.
    pub fn write(&self, records: Vec<Arc<Record>>) {
        let count = records.len() as u64;
        self.health.waiting.fetch_add(count, Ordering::AcqRel);
        if self.orders.send(Order::Write(records)).is_err() {
            self.health.waiting.fetch_sub(count, Ordering::AcqRel);
            self.health.unwritten.fetch_add(count, Ordering::AcqRel);
            self.health.set_trouble(Some("the thread that writes it ended".to_owned()));
        }
    }

    /// Takes what could not be written so far into account: the caller tells of it in a record. Where that
    /// can't be written either, its count comes back.
    #[must_use]
    pub fn take_unwritten(&self) -> u64 {
        self.health.unwritten.swap(0, Ordering::AcqRel)
    }
}

/// All that waits is written and signed.
impl Drop for Keeper {
    fn drop(&mut self) {
        // An error means that the thread has ended already.
        let _ = self.orders.send(Order::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the thread that writes the trail panicked");
        }
    }
}

struct Writer {
    log: Log,
    health: Arc<Health>,
    folder: PathBuf,
    packing: Option<JoinHandle<()>>,
    orders: Sender<Order>,
    /// Why the last batch could not be written.
    refused: Option<String>,
}

impl Writer {
    fn run(mut self, receiver: &Receiver<Order>) {
        self.pack_next();
        loop {
            let mut batch = Vec::new();
            let mut order = match receiver.recv_timeout(self.log.due_in()) {
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
            self.write(&batch);
            if stop {
                break;
            }
        }
        if let Err(error) = self.log.checkpoint() {
            error!("the trail's last records are not signed: {error}");
        }
        if let Some(packing) = self.packing.take() {
            // Its result is found at the next start.
            let _ = packing.join();
        }
    }

    fn write(&mut self, batch: &[Arc<Record>]) {
        let before = self.log.segment_number();
        if !batch.is_empty() {
            self.refused = self.log.append(batch).err().map(|error| error.to_string());
            if self.refused.is_some() {
                let told = batch.iter().map(|record| weight(record)).sum();
                self.health.unwritten.fetch_add(told, Ordering::AcqRel);
            }
            self.health.waiting.fetch_sub(batch.len() as u64, Ordering::AcqRel);
        }
        // A session's end is when people look.
        let ended = |record: &Arc<Record>| matches!(&**record, Record::Session(change) if change.change == Change::Ended);
        let upkeep = if batch.iter().any(ended) { self.log.checkpoint() } else { Ok(()) };
        let upkeep = upkeep
            .and_then(|()| self.log.upkeep())
            .and_then(|()| if self.log.segment_number() == before { Ok(None) } else { self.log.retain() });
        self.health.set_trouble(self.refused.clone().or(upkeep.err().map(|error| error.to_string())));
        self.health.size.store(self.log.size(), Ordering::Release);
        self.health.signed.store(self.log.signed(), Ordering::Release);
        if self.log.segment_number() != before {
            self.pack_next();
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

/// What is lost with a record: itself, unless it only tells of others, and those.
fn weight(record: &Record) -> u64 {
    match record {
        Record::Lost(lost) => u64::from(lost.unexplained > 0 || !lost.families.is_empty()) + lost.unwritten,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    use super::super::log::verify::verify;
    use super::super::ocsf::samples::denial;
    use super::super::record::Lost;
    use super::super::time::Moment;
    use super::*;

    fn options() -> Options {
        Options {
            segment_bytes: 50_000,
            segment_age: Duration::from_secs(3600),
            checkpoint_records: 1000,
            checkpoint_age: Duration::from_millis(50),
            keep_bytes: u64::MAX,
            keep_age: Duration::MAX,
        }
    }

    fn until(what: impl Fn() -> bool) {
        let begun = Instant::now();
        while !what() {
            assert!(begun.elapsed() < Duration::from_secs(20), "never came");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn what_is_handed_over_is_written_signed_and_compressed() {
        let state = tempfile::tempdir().unwrap();
        let keeper = Keeper::start(state.path(), "box", "b", options()).unwrap();
        for number in 0..200 {
            keeper.write(vec![Arc::new(denial(number))]);
        }
        until(|| keeper.health().size() == 201 && keeper.health().signed() == 201);
        let is_packed = || state.path().join("trail/0000000000000000.jsonl.gz").exists();
        until(is_packed);
        keeper.write(vec![Arc::new(denial(200))]);
        drop(keeper);
        let report = verify(&state.path().join("trail"), None, None).unwrap();
        assert_eq!((report.findings, report.size, report.signed), (vec![], 202, 202));
    }

    #[test]
    fn what_can_not_be_written_is_counted_and_said() {
        let state = tempfile::tempdir().unwrap();
        let mut log = Log::open(state.path(), "box", "b", options()).unwrap();
        log.break_with(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        let (orders, _receiver) = channel();
        let health = Arc::new(Health::default());
        let folder = state.path().join(FOLDER);
        let mut writer =
            Writer { log, health: Arc::clone(&health), folder, packing: None, orders, refused: None };
        writer.write(&[Arc::new(denial(1)), Arc::new(denial(2))]);
        assert_eq!(health.unwritten(), 2);
        assert!(health.trouble().unwrap().contains("No space left"), "{:?}", health.trouble());
        // What tells of the loss is no loss itself, and trying again without a record mends nothing.
        let (families, time) = (BTreeMap::new(), Moment::from_micros(0));
        let told = Record::Lost(Lost { time, families, unexplained: 0, unwritten: 2 });
        let unwritten = health.unwritten.swap(0, Ordering::AcqRel);
        writer.write(&[Arc::new(told.clone())]);
        writer.write(&[]);
        assert_eq!((unwritten, health.unwritten()), (2, 2));
        assert!(health.trouble().is_some());
        writer.log = Log::open(state.path(), "box", "b", options()).unwrap();
        writer.write(&[Arc::new(told)]);
        assert_eq!(health.trouble(), None);
    }
}
