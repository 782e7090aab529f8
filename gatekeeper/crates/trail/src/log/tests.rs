//! The trail as a whole: what is written is found again, whatever happens in between.

mod crash;
mod life;
mod proof;
mod speed;
mod tamper;

use std::path::Path;
use std::time::Duration;

use super::signed_note::Checkpoint;
use super::verify::{Report, verify};
use super::writer::{Log, Options};
use crate::ocsf::samples::denial;
use gatekeeper_record::record::Record;

/// Small segments and few records between checkpoints, so that a test sees all of it.
fn options() -> Options {
    Options {
        segment_bytes: 12_000,
        segment_age: Duration::from_hours(1),
        checkpoint_records: 5,
        checkpoint_age: Duration::from_hours(1),
        keep_bytes: u64::MAX,
        keep_age: Duration::MAX,
    }
}

/// A folder in memory where there is one: these tests wait for the disk thousands of times.
fn memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn open(state: &Path, options: Options) -> Log {
    Log::open(state, "box", "b00t", options).unwrap()
}

/// Writes so many records, a few at a time.
fn write(log: &mut Log, count: u64) {
    let records: Vec<Record> = (0..count).map(|more| denial(log.size() + more)).collect();
    for batch in records.chunks(3) {
        log.append(batch).unwrap();
        log.upkeep().unwrap();
    }
}

/// Compresses what is closed, as the thread beside the writer does.
fn pack(log: &mut Log) {
    for first in log.unpacked() {
        let hash = super::pack::pack(&log.folder, first).unwrap();
        log.packed(first, hash).unwrap();
    }
}

fn check(state: &Path, from: Option<&Checkpoint>) -> Report {
    verify(&state.join(super::open::FOLDER), None, from).unwrap()
}

fn sound(state: &Path) -> Report {
    let report = check(state, None);
    assert_eq!(report.findings, [], "{report:?}");
    report
}
