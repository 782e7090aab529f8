//! The index says what the records say, and is made anew where it does not.

use std::fs;
use std::path::Path;
use std::time::Duration;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;

use rusqlite::Connection;

use super::*;
use crate::log::folder::INDEX;
use crate::log::writer::{Log, Options};
use crate::ocsf::samples::{denial, event};
use gatekeeper_record::record::{Object, Record};
use gatekeeper_record::time::Moment;

fn log(state: &Path) -> Log {
    log_that_keeps(state, u64::MAX)
}

fn log_that_keeps(state: &Path, keep_bytes: u64) -> Log {
    let options = Options {
        segment_bytes: 10_000,
        segment_age: Duration::MAX,
        checkpoint_records: 5,
        checkpoint_age: Duration::MAX,
        keep_bytes,
        keep_age: Duration::MAX,
    };
    Log::open(state, "box", "b", options).unwrap()
}

fn fill(log: &mut Log) {
    for number in 1..8 {
        log.append(&[denial(number)]).unwrap();
        log.upkeep().unwrap();
    }
    let address = Object::Address { address: "10.0.0.1:443".parse().unwrap(), protocol: Protocol::Tcp };
    let connect = event(8, Operation::Connect, Verdict::Allow, address);
    log.append(&[Record::Event(Box::new(connect))]).unwrap();
    for first in log.unpacked() {
        let hash = crate::log::pack::pack(&log.folder, first).unwrap();
        log.packed(first, hash).unwrap();
    }
}

#[test]
fn questions_and_answers() {
    let state = tempfile::tempdir().unwrap();
    let mut log = log(state.path());
    fill(&mut log);
    let index = Index::open(&log.folder).unwrap();
    let ask = |query: Query| index.search(&query).unwrap();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(ask(Query::default()).len(), 9);
    assert_eq!(ask(Query { passed: Some(false), ..Query::default() }), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(ask(Query { passed: Some(false), last: Some(2), ..Query::default() }), [6, 7]);
    assert_eq!(ask(Query { path: text("/home/*/secret-[35]"), ..Query::default() }), [3, 5]);
    assert_eq!(ask(Query { address: text("10.0.0."), ..Query::default() }), [8]);
    assert_eq!(
        ask(Query { assistant: text("claude"), rule: text("no-secrets"), ..Query::default() }).len(),
        8
    );
    assert_eq!(ask(Query { text: text("SECRET-4"), ..Query::default() }), [4]);
    assert!(ask(Query { owner: Some(1001), ..Query::default() }).is_empty());
    let since = Some(Moment::from_micros(1_800_000_000_005_000));
    let until = Some(Moment::from_micros(1_800_000_000_006_000));
    assert_eq!(ask(Query { since, until, ..Query::default() }), [5, 6]);
    // Of several segments, in one go.
    let lines = index.lines(&[1, 3, 8]).unwrap();
    let ids: Vec<u64> = lines.iter().map(|(_, line)| line.metadata.sequence).collect();
    assert_eq!(ids, [1, 3, 8]);
    let counts = index.stats(&Query::default()).unwrap();
    assert_eq!((counts.records, counts.rules[0].count), (9, 7));
    assert_eq!(counts.operations[0], Count { value: "read refused".into(), count: 7 });
}

#[test]
fn it_catches_up_and_is_made_anew_where_it_is_false() {
    let state = tempfile::tempdir().unwrap();
    let mut log = log(state.path());
    fill(&mut log);
    assert_eq!(Index::open(&log.folder).unwrap().search(&Query::default()).unwrap().len(), 9);
    log.append(&[denial(9)]).unwrap();
    assert_eq!(Index::open(&log.folder).unwrap().search(&Query::default()).unwrap().len(), 10);
    assert_eq!(first_false_row(&log.folder).unwrap(), None);

    let path = log.folder.join(INDEX);
    let table = Connection::open(&path).unwrap();
    table.execute("UPDATE record SET path = '/etc/motd' WHERE id = 4", []).unwrap();
    let found_false = first_false_row(&log.folder).unwrap().unwrap();
    assert!(found_false.contains("record 4"), "{found_false}");
    table.execute("DELETE FROM record WHERE id = 4", []).unwrap();
    let found_false = first_false_row(&log.folder).unwrap().unwrap();
    assert!(found_false.contains("leaves record 4 out"), "{found_false}");
    drop(table);
    fs::write(&path, "no database at all, and long enough to be looked at as one: ".repeat(100)).unwrap();
    assert!(first_false_row(&log.folder).unwrap().unwrap().contains("can't be read"));
    assert_eq!(Index::open(&log.folder).unwrap().search(&Query::default()).unwrap().len(), 10);
}

#[test]
fn rows_taken_out_are_missed_and_put_back() {
    let state = tempfile::tempdir().unwrap();
    let mut log = log(state.path());
    fill(&mut log);
    for (taken, first_missing) in [("id < 3", 0), ("id < 8", 0), ("id = 5", 5), ("id BETWEEN 1 AND 6", 1)] {
        drop(Index::open(&log.folder).unwrap());
        let table = Connection::open(log.folder.join(INDEX)).unwrap();
        table.execute(&format!("DELETE FROM record WHERE {taken}"), []).unwrap();
        drop(table);
        let found_false = first_false_row(&log.folder).unwrap().unwrap();
        assert!(
            found_false.contains(&format!("leaves record {first_missing} out")),
            "{taken}: {found_false}"
        );
        let found = Index::open(&log.folder).unwrap().search(&Query::default()).unwrap();
        assert_eq!(found, (0..9).collect::<Vec<_>>(), "{taken}");
        assert_eq!(first_false_row(&log.folder).unwrap(), None, "{taken}");
    }
    // What is taken from the end is what a search takes in anyhow.
    let table = Connection::open(log.folder.join(INDEX)).unwrap();
    table.execute("DELETE FROM record WHERE id > 4", []).unwrap();
    assert_eq!(first_false_row(&log.folder).unwrap(), None);
    assert_eq!(Index::open(&log.folder).unwrap().search(&Query::default()).unwrap().len(), 9);
}

#[test]
fn what_retention_removed_makes_no_row_false() {
    let state = tempfile::tempdir().unwrap();
    let mut log = log_that_keeps(state.path(), 1);
    fill(&mut log);
    assert_eq!(Index::open(&log.folder).unwrap().search(&Query::default()).unwrap().len(), 9);
    let removed = log.retain().unwrap().unwrap();
    assert!(removed.to > 0, "{removed:?}");
    assert_eq!(first_false_row(&log.folder).unwrap(), None);
    // What is missing behind that is still missed.
    let table = Connection::open(log.folder.join(INDEX)).unwrap();
    table.execute("DELETE FROM record WHERE id = ?1", [removed.to.cast_signed()]).unwrap();
    drop(table);
    let found_false = first_false_row(&log.folder).unwrap().unwrap();
    assert!(found_false.contains(&format!("leaves record {} out", removed.to)), "{found_false}");
    let found = Index::open(&log.folder).unwrap().search(&Query::default()).unwrap();
    assert_eq!(found, (removed.to..=9).collect::<Vec<_>>());
    assert_eq!(first_false_row(&log.folder).unwrap(), None);
}
