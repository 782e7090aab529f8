//! The thread of one export.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{error, warn};

use super::cursor::Cursor;
use super::reader::{ReadError, Reader};
use super::sink::{ExportState, SendError, Sink};
use crate::writer_thread::Health;

/// The time that a single record waits for others.
const LINGER: Duration = Duration::from_millis(100);
/// The interval at which it looks whether to stop.
const LOOK: Duration = Duration::from_millis(200);
/// The wait after a failure, first and at most.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The progress of an export, for others to read.
#[derive(Debug)]
pub struct Progress(Mutex<ExportState>);

impl Progress {
    pub fn new(next: u64) -> Self {
        Self(Mutex::new(ExportState { next, ..ExportState::default() }))
    }

    pub fn state(&self) -> ExportState {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, ExportState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, why: String) {
        let mut state = self.lock();
        if state.error.as_ref() != Some(&why) {
            warn!("export: {why}");
        }
        state.error = Some(why);
    }
}

pub struct Worker {
    pub sink: Box<dyn Sink>,
    pub reader: Reader,
    pub cursor: Cursor,
    pub batch: usize,
    pub health: Arc<Health>,
    pub progress: Arc<Progress>,
    pub stop: Arc<AtomicBool>,
}

impl Worker {
    pub fn run(mut self) {
        let mut wait = FIRST_WAIT;
        while !self.stopped() {
            let end = self.health.size();
            if self.cursor.next >= end {
                self.health.wait_beyond(end, LOOK);
                continue;
            }
            if end - self.cursor.next < self.batch as u64 {
                thread::sleep(LINGER);
            }
            match self.once() {
                Ok(()) => wait = FIRST_WAIT,
                Err(error) => {
                    self.progress.failed(error.message);
                    self.pause(error.wait.unwrap_or(wait).min(LONGEST_WAIT));
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn pause(&self, wait: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < wait && !self.stopped() {
            thread::sleep(LOOK.min(wait));
        }
    }

    /// Sends one batch and moves the cursor over what was taken.
    fn once(&mut self) -> Result<(), SendError> {
        let next = self.cursor.next;
        let batch = match self.reader.read(next, self.health.size(), self.batch) {
            Ok(batch) => batch,
            Err(ReadError::Gone(kept)) => {
                let missed = kept - next;
                error!("export: {missed} records were removed from the trail before they could be sent");
                self.progress.lock().missed += missed;
                return self.moved(kept, None);
            }
            Err(error) => return Err(SendError::new(error.to_string())),
        };
        let taken = self.sink.send(&batch)?;
        let last = taken.checked_sub(1).and_then(|at| batch.hash(at));
        self.progress.lock().rejected += self.sink.rejected();
        self.moved(next + taken as u64, last)
    }

    fn moved(&mut self, next: u64, last: Option<super::super::log::merkle::Hash>) -> Result<(), SendError> {
        let stored = self.cursor.store(next, last, self.sink.mark());
        let mut state = self.progress.lock();
        (state.next, state.error) = (self.cursor.next, None);
        drop(state);
        stored.map_err(SendError::at("its cursor"))
    }
}
