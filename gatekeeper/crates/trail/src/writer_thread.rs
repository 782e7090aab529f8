//! The thread that writes the trail, so that a slow disk never slows the daemon, and the one that
//! compresses what is closed.

mod health;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use tracing::error;

use crate::log::merkle::Hash;
use crate::log::open::FOLDER;
use crate::log::writer::{Log, Options};
use gatekeeper_record::record::Record;

pub use health::Health;
use writer::Writer;

/// Records that may wait to be written before no more events are read: the kernel's buffer and its counters
/// take over then, so that memory is bounded and nothing is lost uncounted.
const WAITING: u64 = 50_000;

/// A message to the writer.
enum Order {
    Write(Vec<Arc<Record>>),
    Packed(u64, io::Result<Hash>),
    Stop,
}

/// The thread that writes the trail.
#[derive(Debug)]
pub struct WriterThread {
    health: Arc<Health>,
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    /// Opens the trail in the state folder and starts writing.
    ///
    /// # Errors
    /// Where the folder, the key or the trail can't be read or written, or the thread can't be started.
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

    /// Whether its thread has ended, which it does at the end of `self` alone.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Returns the health of the writing.
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

    /// Takes what could not be written so far into account: the caller reports it in a record. Where that
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
