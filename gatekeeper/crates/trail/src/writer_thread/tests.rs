use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::*;
use crate::log::verify::verify;
use crate::ocsf::Line;
use crate::ocsf::samples::denial;
use gatekeeper_record::record::Lost;
use gatekeeper_record::time::Moment;

fn options() -> Options {
    Options {
        segment_bytes: 50_000,
        segment_age: Duration::from_hours(1),
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
    let started = WriterThread::start(state.path(), "box", "b", options()).unwrap();
    for number in 0..200 {
        started.write(vec![Arc::new(denial(number))]);
    }
    until(|| started.health().size() == 201 && started.health().signed() == 201);
    let is_packed = || state.path().join("trail/0000000000000000.jsonl.gz").exists();
    until(is_packed);
    started.write(vec![Arc::new(denial(200))]);
    drop(started);
    let report = verify(&state.path().join("trail"), None, None).unwrap();
    assert_eq!((report.findings, report.size, report.signed), (vec![], 202, 202));
}

#[test]
fn the_end_of_its_thread_is_noticed() {
    let state = tempfile::tempdir().unwrap();
    let started = WriterThread::start(state.path(), "box", "b", options()).unwrap();
    assert!(!started.has_ended());
    started.orders.send(Order::Stop).unwrap();
    until(|| started.has_ended());
}

/// A writer whose disk is full, and the end of the channel that must outlive it.
fn on_full_disk(state: &Path) -> (Writer, Receiver<Order>) {
    let mut log = Log::open(state, "box", "b", options()).unwrap();
    drop(log.break_with(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap()));
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
fn unwritten_records_are_counted_and_reported() {
    let state = tempfile::tempdir().unwrap();
    let (mut writer, _receiver) = on_full_disk(state.path());
    let health = Arc::clone(&writer.health);
    writer.write(vec![Arc::new(denial(1)), Arc::new(denial(2))]);
    assert_eq!(health.unwritten(), 2);
    assert!(health.trouble().unwrap().contains("No space left"), "{:?}", health.trouble());
    // What tells of the loss is no loss itself, and trying again without a record changes nothing.
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
fn required_records_are_written_late_and_once_and_the_kernel_is_notified() {
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
        let line: Line<'_> = serde_json::from_slice(&bytes).unwrap();
        if let Ok(Record::Event(event)) = line.record() {
            assert!(event.record_required);
            found.push(event.sequence);
        }
    }
    assert_eq!(found, [1, 3, 4]);
}
