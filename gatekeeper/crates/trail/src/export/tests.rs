//! Real receivers, up, down and slow: everything arrives once and in order.

#[cfg(feature = "export-otlp")]
mod collector;
mod journal;
mod local;
#[cfg(not(feature = "export-otlp"))]
mod not_built_in;
mod servers;
mod syslogs;
mod web;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::setting::{Export, Since, Target};
use super::*;
use crate::log::writer::Options;
use crate::ocsf::samples::denial;
use crate::writer_thread::WriterThread;

const LIMIT: Duration = Duration::from_mins(1);

/// A trail that is written to, in a folder of its own, in small segments that are compressed.
struct Trail {
    state: tempfile::TempDir,
    writer: Option<WriterThread>,
    written: u64,
}

impl Trail {
    fn new() -> Self {
        let state = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let mut trail = Self { state, writer: None, written: 0 };
        trail.open();
        trail
    }

    fn open(&mut self) {
        let options = Options {
            segment_bytes: 64 << 10,
            segment_age: Duration::from_hours(1),
            checkpoint_records: 1000,
            checkpoint_age: Duration::from_secs(1),
            keep_bytes: u64::MAX,
            keep_age: Duration::MAX,
        };
        self.writer = Some(WriterThread::start(self.path(), "box", "b", options).unwrap());
    }

    fn path(&self) -> &Path {
        self.state.path()
    }

    fn writer(&self) -> &WriterThread {
        self.writer.as_ref().unwrap()
    }

    fn write(&mut self, count: u64) {
        for _ in 0..count {
            self.writer().write(vec![Arc::new(denial(self.written))]);
            self.written += 1;
        }
    }

    /// All is in the trail; how many records that is.
    fn settle(&self) -> u64 {
        let mut last = 0;
        until("the writer", || {
            let size = self.writer().health().size();
            let still = size == last && size > self.written;
            last = size;
            thread::sleep(Duration::from_millis(20));
            still
        });
        last
    }

    fn export(&self, target: &Target) -> Exports {
        let export = Export {
            name: "x".into(),
            target: target.clone(),
            batch: 50,
            timeout: Duration::from_secs(2),
            since: Since::Beginning,
        };
        Exports::start(&[export], self.path(), self.writer().health(), &mut Vec::new()).unwrap()
    }
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < LIMIT, "{what} never came");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Returns the numbers of the records that a receiver has taken.
#[derive(Clone, Debug, Default)]
struct Taken(Arc<Mutex<Vec<u64>>>);

impl Taken {
    fn add(&self, line: &[u8]) {
        let record: serde_json::Value =
            serde_json::from_slice(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        self.0.lock().unwrap().push(record["metadata"]["sequence"].as_u64().unwrap());
    }

    fn numbers(&self) -> Vec<u64> {
        self.0.lock().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Waits for so many, and a little longer for what should not come.
    fn all(&self, count: u64) {
        until("the last record", || self.count() as u64 >= count);
        thread::sleep(Duration::from_millis(300));
        assert_eq!(self.numbers(), (0..count).collect::<Vec<_>>());
    }
}

/// The state of the one export.
fn state(exports: &Exports, trail: &Trail) -> ExportState {
    exports.states(trail.writer().health().size()).pop().unwrap()
}
