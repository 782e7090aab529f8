//! Segments, retention, restarts.

use std::fs;
use std::time::Duration;

use super::super::folder::{self, Segment};
use super::super::writer::Options;
use super::*;

#[test]
fn a_trail_is_begun_signed_and_gone_on_with() {
    let state = memory();
    let mut log = open(state.path(), options());
    write(&mut log, 30);
    pack(&mut log);
    log.checkpoint().unwrap();
    drop(log);
    let report = sound(state.path());
    assert_eq!((report.first, report.size, report.signed), (0, 31, 31));
    let found = folder::segments(&state.path().join("trail")).unwrap();
    assert!(found.len() > 2 && found[0].packed && !found.last().unwrap().packed, "{found:?}");

    let mut log = open(state.path(), options());
    assert_eq!(log.size(), 31);
    write(&mut log, 4);
    log.checkpoint().unwrap();
    assert_eq!(sound(state.path()).size, 35);
}

#[test]
fn what_is_removed_leaves_the_rest_verifiable() {
    let state = memory();
    let keep = Options { keep_bytes: 30_000, ..options() };
    let mut log = open(state.path(), keep.clone());
    write(&mut log, 60);
    let removed = log.retain().unwrap().unwrap();
    assert_eq!(removed.from, 0);
    log.checkpoint().unwrap();
    let report = sound(state.path());
    assert_eq!((report.first, report.size), (removed.to, 62));
    assert_eq!(log.retain().unwrap(), None);

    drop(log);
    let mut log = open(state.path(), keep);
    write(&mut log, 40);
    pack(&mut log);
    log.checkpoint().unwrap();
    assert_eq!(sound(state.path()).size, 102);
    // Without the head nobody could know what came before.
    fs::remove_file(state.path().join("trail/heads")).unwrap();
    let report = check(state.path(), None);
    assert_eq!(report.findings[0].record, Some(0), "{report:?}");
}

#[test]
fn what_is_removed_while_it_is_compressed_stays_removed() {
    let state = memory();
    let mut log = open(state.path(), Options { keep_bytes: 30_000, ..options() });
    write(&mut log, 60);
    let compressed: Vec<_> = log
        .unpacked()
        .into_iter()
        .map(|first| (first, super::super::pack::pack(&log.folder, first).unwrap()))
        .collect();
    let removed = log.retain().unwrap().unwrap();
    for (first, hash) in compressed {
        log.packed(first, hash).unwrap();
    }
    log.checkpoint().unwrap();
    let report = sound(state.path());
    assert_eq!((report.first, report.size), (removed.to, 62));
    let drafts = fs::read_dir(&log.folder)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "draft"));
    assert_eq!(drafts.count(), 0);
}

#[test]
fn old_segments_are_removed_by_age() {
    let state = memory();
    let mut log = open(state.path(), Options { keep_age: Duration::ZERO, ..options() });
    write(&mut log, 20);
    assert!(log.retain().unwrap().is_some());
    assert_eq!(folder::segments(&state.path().join("trail")).unwrap().len(), 1);
    sound(state.path());
}

#[test]
fn a_full_disk_loses_only_what_was_not_acknowledged() {
    let state = memory();
    let mut log = open(state.path(), options());
    write(&mut log, 4);
    // A device that takes nothing, as a full disk does.
    let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    drop(log.break_with(full()));
    assert!(log.append(&[denial(7)]).is_err());
    assert_eq!(log.size(), 5);
    drop(log);
    let mut log = open(state.path(), options());
    write(&mut log, 2);
    log.checkpoint().unwrap();
    assert_eq!(sound(state.path()).size, 7);
}

#[test]
fn many_at_once_are_as_good_as_one_by_one() {
    let state = memory();
    let usual = crate::log::writer::Options::default();
    let mut log = open(state.path(), usual.clone());
    let many = |from: u64| -> Vec<Record> { (from..from + 1000).map(denial).collect() };
    log.append(&many(log.size())).unwrap();
    write(&mut log, 3);
    log.append(&many(log.size())).unwrap();
    log.checkpoint().unwrap();
    assert_eq!(sound(state.path()).size, 2004);
    // All or nothing, however much is written when it fails.
    log.break_leaves_with(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    assert!(log.append(&many(log.size())).is_err());
    assert_eq!(log.size(), 2004);
    drop(log);
    let log = open(state.path(), usual);
    assert_eq!((log.size(), sound(state.path()).size), (2004, 2004));
}

#[test]
fn a_trail_that_was_changed_is_set_aside() {
    let state = memory();
    let mut log = open(state.path(), options());
    write(&mut log, 4);
    log.checkpoint().unwrap();
    drop(log);
    let path = Segment { first: 0, packed: false }.path(&state.path().join("trail"));
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("secret-2", "secret-3", 1)).unwrap();
    let log = open(state.path(), options());
    assert_eq!(log.size(), 1);
    assert!(state.path().join("trail-aside-1/checkpoints").exists());
    let begun = fs::read_to_string(&path).unwrap();
    assert!(begun.contains("trail-aside-1: 5 records were signed, and from record 2 on"), "{begun}");
    sound(state.path());
}

#[test]
fn without_its_key_a_trail_is_neither_written_on_nor_replaced() {
    let state = memory();
    drop(open(state.path(), options()));
    let key = state.path().join("trail.key");
    let bytes = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let error = Log::open(state.path(), "box", "b00t", options()).unwrap_err().to_string();
    assert!(error.contains(&*key.to_string_lossy()) && error.contains("\nhelp: "), "{error}");
    assert!(!key.exists() && !state.path().join("trail-aside-1").exists());
    fs::write(&key, bytes).unwrap();
    open(state.path(), options()).checkpoint().unwrap();
    sound(state.path());
    // Where the trail was moved away, a new one begins.
    fs::remove_file(&key).unwrap();
    fs::rename(state.path().join("trail"), state.path().join("trail-kept")).unwrap();
    assert_eq!(open(state.path(), options()).size(), 1);
    sound(state.path());
}

/// A trail with five records, whose file can't be synchronized.
fn unsynchronized(state: &std::path::Path) -> Log {
    let mut log = open(state, Options { checkpoint_records: u64::MAX, ..options() });
    write(&mut log, 4);
    // fdatasync(2) fails on a device with EINVAL.
    let null = fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    let file = log.break_with(null);
    assert!(log.checkpoint().is_err());
    drop(log.break_with(file));
    log
}

#[test]
fn what_could_not_be_synchronized_is_written_anew_before_it_is_signed() {
    use std::os::unix::fs::MetadataExt;
    let state = memory();
    let mut log = unsynchronized(state.path());
    let path = state.path().join("trail/0000000000000000.jsonl");
    let before = fs::metadata(&path).unwrap().ino();
    let signed = log.signed();
    assert!(signed < log.size());
    log.checkpoint().unwrap();
    assert_eq!(log.signed(), log.size());
    assert_ne!(
        fs::metadata(&path).unwrap().ino(),
        before,
        "the old file may be without what the disk refused"
    );
    write(&mut log, 2);
    log.checkpoint().unwrap();
    drop(log);
    assert_eq!(sound(state.path()).size, 7);
}

#[test]
fn what_the_disk_lost_is_never_signed() {
    let state = memory();
    let mut log = unsynchronized(state.path());
    let path = state.path().join("trail/0000000000000000.jsonl");
    let signed = log.signed();
    let mut bytes = fs::read(&path).unwrap();
    bytes.iter_mut().rev().take(100).for_each(|byte| *byte = 0);
    fs::write(&path, bytes).unwrap();
    for _ in 0..2 {
        assert!(log.checkpoint().unwrap_err().to_string().contains("the disk lost records"));
        assert_eq!(log.signed(), signed);
    }
}
