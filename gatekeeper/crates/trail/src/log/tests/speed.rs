//! Records a second that the trail takes in. Figures mean something in a release build only.

use std::sync::Arc;
use std::time::Instant;

use super::super::super::writer_thread::WriterThread;
use super::super::writer::Options;
use super::*;

/// The time for which records are pushed.
const PUSHING: Duration = Duration::from_secs(10);

#[test]
#[ignore = "a figure, not a check: cargo test --release --lib speed -- --ignored --nocapture"]
fn records_a_second() {
    let state = tempfile::tempdir().unwrap();
    let usual = crate::log::writer::Options::default();
    let writer =
        WriterThread::start(state.path(), "box", "b", Options { keep_bytes: 1 << 30, ..usual }).unwrap();
    let (begun, mut pushed, mut held) = (Instant::now(), 0u64, 0u64);
    while begun.elapsed() < PUSHING {
        if writer.is_behind() {
            held += 1;
            std::thread::sleep(Duration::from_micros(200));
            continue;
        }
        writer.write((0..1000).map(|more| Arc::new(denial(pushed + more))).collect());
        pushed += 1000;
    }
    let unwritten = writer.health().unwritten();
    drop(writer);
    let took = begun.elapsed();
    println!(
        "{pushed} records in {took:?}: {} a second; {unwritten} unwritten, {held} waits",
        u128::from(pushed) * 1000 / took.as_millis().max(1)
    );
    let begun = Instant::now();
    let report = sound(state.path());
    println!("verified records {} to {} in {:?}", report.first, report.size, begun.elapsed());
    assert!(report.size >= pushed);
    assert_eq!(unwritten, 0);
}
