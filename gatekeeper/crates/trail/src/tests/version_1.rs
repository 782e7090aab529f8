//! The files that version 1 left in the state folder (`tests/fixtures/state-1`) are read as their new forms are
//! (`tests/fixtures/state-2`).

use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use gatekeeper_policy::rulebook::Rules;
use gatekeeper_record::record::{FamilyName, Record};
use gatekeeper_record::session_id::SessionId;
use serde_json::Value;

use crate::cast::{self, CastEvent};
use crate::index::{Index, Query};
use crate::log::verify::verify;
use crate::loss::Reported;
use crate::ocsf::{LOG_VERSION, Line, Machine, Place};

fn fixture(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures")).join(path)
}

fn text(path: &str) -> String {
    let path = fixture(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn record(line: &str) -> Result<Record, String> {
    let line: Line<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    line.record().map_err(|error| error.to_string())
}

/// Reads each pair of lines, and fails with all that are not read as the same.
fn same<T: PartialEq + Debug>(old: &str, new: &str, read: impl Fn(&str) -> Result<T, String>) {
    assert_eq!(old.lines().count(), new.lines().count());
    let read = |line: &str| read(line).map_err(|error| format!("{error}: {line}"));
    let other: Vec<_> = old
        .lines()
        .zip(new.lines())
        .filter_map(|(old, new)| {
            let (old, new) = (read(old), read(new));
            (old.is_err() || old != new).then(|| format!("{old:?}\n  is not\n{new:?}"))
        })
        .collect();
    assert!(other.is_empty(), "{} of {}:\n{}", other.len(), old.lines().count(), other.join("\n"));
}

const SEGMENT: &str = "state-1/trail/0000000000000000.jsonl";

#[test]
fn records_of_version_1_are_read() {
    let (old, new) = (text(SEGMENT), text("state-2/trail/0000000000000000.jsonl"));
    same(&old, &new, record);
    // The fixture of the new form is what is written now.
    for ((old, new), index) in old.lines().zip(new.lines()).zip(0..) {
        let value: Value = serde_json::from_str(old).unwrap();
        let word = |pointer: &str| value.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        assert!(value["metadata"].get("log_version").is_none());
        let machine = Machine {
            host: word("/device/hostname"),
            boot: word("/device/boot_uid"),
            origin: word("/metadata/log_name"),
        };
        let record = record(new).unwrap();
        let place = Place { index, before: None };
        let written = Line::of(&record, &machine, &place);
        assert_eq!(form(&serde_json::to_string(&written).unwrap()), form(new));
        assert!(new.contains(&format!(r#""log_version":"{LOG_VERSION}""#)));
    }
}

/// A line without the text for people, the program's version and its place in the chain, which are no part of the form.
fn form(line: &str) -> Value {
    let mut value: Value = serde_json::from_str(line).unwrap();
    for pointer in ["/message", "/metadata/product/version", "/attestation_list"] {
        value.pointer_mut(pointer).unwrap().take();
    }
    value
}

#[test]
fn the_trail_of_version_1_is_whole() {
    let report = verify(&fixture("state-1/trail"), None, None).unwrap();
    let count = text(SEGMENT).lines().count();
    assert_eq!((report.findings, report.size, report.signed), (Vec::new(), count as u64, count as u64));
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(fixture("state-1/trail")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let index = Index::open(copy.path()).unwrap();
    assert_eq!(index.search(&Query::default()).unwrap().len(), count);
}

#[test]
fn rules_of_version_1_are_read() {
    let (old, new) = (text("state-1/rules/3-2.json"), text("state-2/rules/3-2.json"));
    let read = |text: &str| serde_json::from_str::<Rules>(text).map_err(|error| error.to_string());
    same(&old, &new, read);
    let rules = read(&old).unwrap();
    assert!(rules.approval.people_required && rules.terms.values().all(|terms| terms.people_required));
    assert_eq!(serde_json::to_string(&rules).unwrap(), new.trim_end());
}

#[test]
fn losses_of_version_1_are_read() {
    let read: Reported = serde_json::from_str(&text("state-1/losses.json")).unwrap();
    let families = [(FamilyName::File, 5)].into_iter().collect();
    let boot = "b00t".to_owned();
    assert_eq!(read, Reported { boot, families, unexplained: 2, missing: 7, settled: Some(60) });
}

#[test]
fn recordings_of_version_1_are_read() {
    let session = SessionId::from_kernel(77).unwrap();
    let (head, events) = cast::read(&cast::path(&fixture("state-1"), session)).unwrap();
    assert_eq!((head.term.cols, head.term.rows, head.term.kind.as_deref()), (80, 24, Some("xterm-256color")));
    assert_eq!((head.command.as_deref(), head.timestamp), (Some("claude"), 1_790_000_002));
    let read: Vec<_> = events
        .into_iter()
        .map(|timed| (timed.at, timed.time.micros() - 1_790_000_000_000_000, timed.event))
        .collect();
    let seconds = Duration::from_secs;
    assert_eq!(
        read,
        [
            (seconds(2), 4_250_000, CastEvent::Output("$ make\r\n".into())),
            (seconds(3), 5_250_000, CastEvent::Resize((100, 30))),
            // The clock was set back here.
            (seconds(3), 3_000_000, CastEvent::Marker("set back".into())),
            (seconds(8), 8_000_000, CastEvent::Exit(0)),
        ]
    );
}
