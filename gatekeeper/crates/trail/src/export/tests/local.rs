//! A file.

use super::*;

fn numbers(path: &Path) -> Vec<u64> {
    let taken = Taken::default();
    std::fs::read(path)
        .unwrap()
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .for_each(|line| taken.add(line));
    taken.numbers()
}

#[test]
fn a_file_has_each_record_once_whatever_is_cut_short() {
    let mut trail = Trail::new();
    let path = trail.path().join("out.jsonl");
    let target = Target::File { path: path.clone() };
    let exports = trail.export(&target);
    trail.write(500);
    let size = trail.settle();
    until("all of it", || state(&exports, &trail).next == size);
    drop(exports);
    assert_eq!(numbers(&path), (0..size).collect::<Vec<_>>());
    // Killed between writing and moving the cursor: what was written and not acknowledged comes again.
    let torn = [std::fs::read(&path).unwrap(), b"{\"metadata\":{\"sequence\":9".to_vec()].concat();
    std::fs::write(&path, torn).unwrap();
    let exports = trail.export(&target);
    trail.write(100);
    let size = trail.settle();
    until("all of it", || state(&exports, &trail).next == size);
    assert_eq!(numbers(&path), (0..size).collect::<Vec<_>>());
    // Another file in its place goes on with what comes next.
    let old = trail.path().join("out.1");
    std::fs::rename(&path, &old).unwrap();
    trail.write(10);
    let after = trail.settle();
    until("all of it", || state(&exports, &trail).next == after);
    assert_eq!(numbers(&path), (size..after).collect::<Vec<_>>());
    assert_eq!(numbers(&old).len() as u64, size);
}

#[test]
fn another_trail_is_sent_from_its_beginning() {
    let mut trail = Trail::new();
    let path = trail.path().join("out.jsonl");
    let target = Target::File { path: path.clone() };
    trail.write(20);
    let size = trail.settle();
    let exports = trail.export(&target);
    until("all of it", || state(&exports, &trail).next == size);
    drop(exports);
    trail.writer = None;
    std::fs::rename(trail.path().join("trail"), trail.path().join("aside")).unwrap();
    std::fs::remove_file(&path).unwrap();
    trail.open();
    trail.written = 0;
    trail.write(40);
    let anew = trail.settle();
    let exports = trail.export(&target);
    until("all of it", || state(&exports, &trail).next == anew);
    assert_eq!(numbers(&path), (0..anew).collect::<Vec<_>>());
}

#[test]
fn removed_records_are_reported_as_missed() {
    let mut trail = Trail::new();
    let mut size = 0;
    // What is written at once stands in one segment.
    for _ in 0..4 {
        trail.write(100);
        size = trail.settle();
    }
    let first = trail.path().join("trail/0000000000000000");
    until("the first segment's end", || first.with_extension("jsonl.gz").exists());
    drop(trail.writer.take());
    let path = trail.path().join("out.jsonl");
    let cursor = trail.path().join("export");
    std::fs::create_dir(&cursor).unwrap();
    std::fs::write(cursor.join("x.json"), r#"{"next":0,"last":null}"#).unwrap();
    trail.open();
    std::fs::remove_file(first.with_extension("jsonl.gz")).unwrap();
    let exports = trail.export(&Target::File { path: path.clone() });
    until("the rest", || state(&exports, &trail).next >= size);
    let done = state(&exports, &trail);
    let found = numbers(&path);
    assert_eq!((found[0], done.missed), (done.missed, found[0]));
    assert!(done.missed > 0);
}
