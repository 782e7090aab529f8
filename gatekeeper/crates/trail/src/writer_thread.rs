//! The thread that writes the trail, so that a slow disk never slows the daemon, and the one that
//! compresses what is closed.

use std::fmt;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tracing::{error, warn};

use super::log::merkle::Hash;
use super::log::open::FOLDER;
use super::log::pack::pack;
use super::log::writer::{Log, Options};
use gatekeeper_record::record::{Change, Record};

/// Records that may wait to be written before no more events are read: the kernel's buffer and its counters
/// take over then, so that memory is bounded and nothing is lost uncounted.
const WAITING: u64 = 50_000;
/// Records written at once, at most.
const BATCH: usize = 8192;

/// A message to the writer.
enum Order {
    Write(Vec<Arc<Record>>),
    Packed(u64, io::Result<Hash>),
    Stop,
}

/// Bytes that must be free before a trail that found no room is written again. A record now and then fits into the last
/// page, and the kernel would be notified back and forth.
const ROOM: u64 = 1 << 20;
/// How often what was not taken is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// Tells the programs in the kernel whether the trail takes records.
type Tell = Box<dyn Fn(bool) -> io::Result<()> + Send>;

/// How the writing goes.
#[derive(Debug, Default)]
pub struct Health {
    waiting: AtomicU64,
    unwritten: AtomicU64,
    owed: AtomicU64,
    size: AtomicU64,
    signed: AtomicU64,
    state: Mutex<State>,
    grown: (Mutex<()>, Condvar),
}

#[derive(Default)]
struct State {
    trouble: Option<String>,
    tell: Option<Tell>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("trouble", &self.trouble).finish_non_exhaustive()
    }
}

impl State {
    /// Tells the programs how it is.
    fn pass_on(&self) {
        let Some(tell) = &self.tell else { return };
        if let Err(error) = tell(self.trouble.is_none()) {
            error!("the kernel can't be notified whether the trail is written: {error}");
        }
    }
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

    /// Waits until there are more records than this, or for so long.
    pub fn wait_beyond(&self, size: u64, limit: Duration) {
        let (lock, grown) = &self.grown;
        let guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        // Whatever comes of the wait, the caller looks again.
        drop(grown.wait_timeout_while(guard, limit, |()| self.size() <= size));
    }

    /// Says how many records there are.
    fn grow(&self, size: u64) {
        let (lock, grown) = &self.grown;
        let _guard = lock.lock().unwrap_or_else(PoisonError::into_inner);
        if self.size.swap(size, Ordering::AcqRel) != size {
            grown.notify_all();
        }
    }

    /// Records under a signature.
    #[must_use]
    pub fn signed(&self) -> u64 {
        self.signed.load(Ordering::Acquire)
    }

    /// Returns why the trail can't be written, if it can't.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        self.state().trouble.clone()
    }

    /// Records of what passed on the promise that it is recorded, and that are still to be written.
    #[must_use]
    pub fn owed(&self) -> u64 {
        self.owed.load(Ordering::Acquire)
    }

    /// Has somebody notified, now and whenever it changes, of whether records are taken.
    pub fn tell(&self, tell: Tell) {
        let mut state = self.state();
        state.tell = Some(tell);
        state.pass_on();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_trouble(&self, trouble: Option<String>) {
        let mut state = self.state();
        let changed = state.trouble.is_some() != trouble.is_some();
        match &trouble {
            Some(why) if changed => error!("the trail can't be written: {why}"),
            None if changed => warn!("the trail is written again"),
            _ => {}
        }
        state.trouble = trouble;
        if changed {
            state.pass_on();
        }
    }
}

/// The writer.
#[derive(Debug)]
pub struct WriterThread {
    health: Arc<Health>,
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
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
            neglected: None,
            owed: Vec::new(),
        };
        let thread = thread::Builder::new().name("trail".into()).spawn(move || writer.run(&receiver))?;
        Ok(Self { health, orders, thread: Some(thread) })
    }

    /// How the writing goes.
    #[must_use]
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Whether so much waits to be written that no more should be read.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.health.waiting.load(Ordering::Acquire) > WAITING
    }

    /// Whether all that was handed over is written.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.health.waiting.load(Ordering::Acquire) == 0
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
impl Drop for WriterThread {
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
    /// Why the last signature or segment could not.
    neglected: Option<String>,
    /// Records of operations that passed only because they are recorded, not written yet. Bounded: while one waits,
    /// nothing more passes.
    owed: Vec<Arc<Record>>,
}

impl Writer {
    fn run(mut self, receiver: &Receiver<Order>) {
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

    fn write(&mut self, fresh: Vec<Arc<Record>>) {
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
        Record::Lost(lost) => u64::from(lost.unexplained > 0 || !lost.families.is_empty()) + lost.unwritten,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use super::super::log::verify::verify;
    use super::super::ocsf::samples::denial;
    use super::*;
    use gatekeeper_record::record::Lost;
    use gatekeeper_record::time::Moment;

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
        let keeper = WriterThread::start(state.path(), "box", "b", options()).unwrap();
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

    /// A writer whose disk is full, and the end of the channel that must outlive it.
    fn on_full_disk(state: &Path) -> (Writer, Receiver<Order>) {
        let mut log = Log::open(state, "box", "b", options()).unwrap();
        log.break_with(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        let (orders, receiver) = channel();
        let (health, folder) = (Arc::new(Health::default()), state.join(FOLDER));
        let writer = Writer {
            log,
            health,
            folder,
            packing: None,
            orders,
            refused: None,
            neglected: None,
            owed: Vec::new(),
        };
        (writer, receiver)
    }

    #[test]
    fn what_can_not_be_written_is_counted_and_said() {
        let state = tempfile::tempdir().unwrap();
        let (mut writer, _receiver) = on_full_disk(state.path());
        let health = Arc::clone(&writer.health);
        writer.write(vec![Arc::new(denial(1)), Arc::new(denial(2))]);
        assert_eq!(health.unwritten(), 2);
        assert!(health.trouble().unwrap().contains("No space left"), "{:?}", health.trouble());
        // What tells of the loss is no loss itself, and trying again without a record mends nothing.
        let (families, time) = (BTreeMap::new(), Moment::from_micros(0));
        let lost = Record::Lost(Lost { time, families, unexplained: 0, unwritten: 2 });
        let unwritten = health.unwritten.swap(0, Ordering::AcqRel);
        writer.write(vec![Arc::new(lost.clone())]);
        writer.write(vec![]);
        assert_eq!((unwritten, health.unwritten()), (2, 2));
        assert!(health.trouble().is_some());
        writer.log = Log::open(state.path(), "box", "b", options()).unwrap();
        writer.write(vec![Arc::new(lost)]);
        assert_eq!(health.trouble(), None);
    }

    #[test]
    fn what_is_required_is_written_late_and_once_and_the_kernel_is_told() {
        let state = tempfile::tempdir().unwrap();
        let (mut writer, _receiver) = on_full_disk(state.path());
        let health = Arc::clone(&writer.health);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hear = Arc::clone(&heard);
        health.tell(Box::new(move |takes| {
            hear.lock().unwrap().push(takes);
            Ok(())
        }));
        let required = |number| {
            let Record::Event(mut event) = denial(number) else { panic!("no event") };
            (event.record_required, event.passed) = (true, true);
            Arc::new(Record::Event(event))
        };
        writer.write(vec![required(1), Arc::new(denial(2)), required(3)]);
        writer.write(vec![required(4)]);
        assert_eq!((health.unwritten(), health.owed()), (1, 3));
        assert_eq!(*heard.lock().unwrap(), [true, false]);
        writer.log = Log::open(state.path(), "box", "b", options()).unwrap();
        writer.write(vec![]);
        assert_eq!((health.unwritten(), health.owed(), health.trouble()), (1, 0, None));
        assert_eq!(*heard.lock().unwrap(), [true, false, true]);
        let mut found = Vec::new();
        let segments = crate::log::folder::segments(&writer.folder).unwrap();
        let mut lines = segments[0].read(&writer.folder).unwrap();
        let mut bytes = Vec::new();
        while lines.next(&mut bytes).unwrap().is_some() {
            let line: super::super::ocsf::Line = serde_json::from_slice(&bytes).unwrap();
            if let Ok(Record::Event(event)) = line.record() {
                assert!(event.record_required);
                found.push(event.sequence);
            }
        }
        assert_eq!(found, [1, 3, 4]);
    }
}
