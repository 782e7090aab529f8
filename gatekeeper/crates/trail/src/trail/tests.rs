//! Secrets that policies name are masked in the records of their sessions.

use std::fs;
use std::path::Path;

use super::losses::read_reported;
use super::read_back::{Sought, read_back};
use super::*;
use crate::log::open::FOLDER;
use crate::log::writer::{Log, Options};
use crate::loss::Reported;
use crate::ocsf::samples::{denial, event};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use gatekeeper_policy::rulebook::{PolicyVersion, Rules};
use gatekeeper_record::record::{Change, SessionChange};
use gatekeeper_record::time::Moment;

fn id(number: u64) -> SessionId {
    SessionId::from_kernel(number).unwrap()
}

fn opened(session: SessionId) -> Record {
    Record::Session(SessionChange {
        time: Moment::from_micros(0),
        session,
        session_name: None,
        owner: 1000,
        change: Change::Opened,
        policies: Vec::new(),
        purpose: Some("badge 4711".into()),
        parent: None,
        workspace: None,
        user: None,
        expires: None,
        container: None,
        command: ["enter", "badge 4711", "--token", "4711"].map(str::to_owned).to_vec(),
        note: None,
    })
}

/// Purpose and command as they are recorded.
fn recorded(trail: &mut Trail, session: SessionId) -> Vec<String> {
    trail.note(opened(session));
    let (mut past, _) = trail.feed().read(1, |record| record.session() == Some(session));
    let Record::Session(change) = &*past.pop().unwrap() else { panic!("no change of a session") };
    change.purpose.iter().chain(&change.command).cloned().collect()
}

fn rules(secrets: &[&str]) -> Rules {
    Rules { secrets: secrets.iter().map(|one| (*one).to_owned()).collect(), ..Rules::default() }
}

#[tokio::test]
async fn a_session_is_masked_by_all_its_layers_and_by_no_others() {
    let state = tempfile::tempdir().unwrap();
    let config = Settings::usual(state.path().to_owned());
    let mut trail = Trail::open(&config, "b").unwrap();
    let version = |serial, generation| PolicyVersion { serial, generation };
    trail.rules(version(1, 1), rules(&["badge (?<s>[0-9]+)"])).unwrap();
    trail.rules(version(2, 1), rules(&["(?<s>enter)"])).unwrap();
    trail.layers(id(1), vec![1]);
    trail.layers(id(2), vec![1, 2]);
    trail.layers(id(3), vec![3]);
    let (outer, inner, other) =
        (recorded(&mut trail, id(1)), recorded(&mut trail, id(2)), recorded(&mut trail, id(3)));
    assert_eq!(other[..3], ["badge 4711", "enter", "badge 4711"]);
    assert!(outer[0].starts_with("badge <masked:") && outer[1] == "enter", "{outer:?}");
    assert!(inner[1].starts_with("<masked:"), "{inner:?}");
    // Equal secrets look equal, whichever pattern found them, in whichever session.
    let digest = &other[4];
    assert!(digest.starts_with("<masked:"), "{other:?}");
    for text in [&outer[0], &outer[2], &inner[0]] {
        assert!(text.ends_with(digest.as_str()), "{text} and {digest}");
    }
    // A reload adds; what was masked before it stays so while old events may be on the way.
    trail.rules(version(3, 1), rules(&["(?<s>enter)"])).unwrap();
    trail.rules(version(3, 2), rules(&[])).unwrap();
    assert!(recorded(&mut trail, id(3))[1].starts_with("<masked:"));
}

#[tokio::test]
async fn the_version_that_was_here_before_is_known() {
    use gatekeeper_record::record::DaemonChange;
    let state = tempfile::tempdir().unwrap();
    let config = Settings::usual(state.path().to_owned());
    let mut trail = Trail::open(&config, "b").unwrap();
    assert_eq!(trail.version_before(), None);
    let (time, boot) = (Moment::from_micros(0), "b".to_owned());
    let version = "0.0.9".to_owned();
    trail.note(Record::Daemon(DaemonChange {
        time,
        started: true,
        version,
        replaces: None,
        boot,
        failure: None,
    }));
    drop(trail);
    assert_eq!(Trail::open(&config, "c").unwrap().version_before(), Some("0.0.9"));
}

/// Events of a boot, each a read that was denied, in the session 77.
fn log_of(state: &Path, boot: &str, records: impl Iterator<Item = Record>) {
    let mut log = Log::open(state, "box", boot, Options::default()).unwrap();
    let all: Vec<Record> = records.collect();
    for some in all.chunks(1000) {
        log.append(some).unwrap();
    }
    log.checkpoint().unwrap();
}

/// The start of a program by process 300, as number `sequence`.
fn start(sequence: u64) -> Record {
    let object = Object::File {
        path: "/usr/bin/agent".into(),
        path_hex: None,
        workspace_path: None,
        device: 1,
        inode: 2,
    };
    Record::Event(Box::new(event(sequence, Operation::Exec, Verdict::Allow, object)))
}

fn sought(records: usize, settled: Option<u64>, sessions: &[u64]) -> Sought<'static> {
    let sessions = sessions.iter().map(|number| id(*number)).collect();
    Sought { boot: "b", records, settled, sessions, bytes: u64::MAX }
}

#[test]
fn a_start_reads_back_no_further_than_it_must() {
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join(FOLDER);
    log_of(state.path(), "a", (1..=500).map(denial));
    let of_b = [opened(id(77)), start(1)].into_iter().chain((2..=5000).map(denial));
    log_of(state.path(), "b", of_b);
    let back = |sought| {
        let (past, read) = read_back(&folder, sought);
        read.unwrap();
        past
    };
    let all = back(sought(usize::MAX, Some(1), &[77]));
    assert_eq!((all.written.len(), all.written.first(), all.written.last()), (5000, Some(&1), Some(&5000)));

    // Where all is accounted for and no session is open, what followers are shown is enough.
    let few = back(sought(200, Some(5001), &[]));
    assert_eq!(few.records.len(), 200);
    assert!(few.bytes * 20 < all.bytes, "{} of {} bytes", few.bytes, all.bytes);
    // What is not accounted for is read, with neighbours.
    let unsettled = back(sought(200, Some(4000), &[]));
    assert_eq!(unsettled.written.first(), Some(&(4000 - 2 * crate::loss::NEIGHBOURS as u64)));
    // An open session is read from its opening on; of what followers need no more, only what is referred to.
    let open = back(sought(200, Some(5001), &[77]));
    assert_eq!(open.records.len(), 201);
    let Record::Event(oldest) = &open.records[0].record else { panic!("no event: {:?}", open.records[0]) };
    assert!(oldest.is_start() && open.records[0].of_boot);
    // Nothing of this boot lies before records of another.
    let gone = back(sought(200, Some(5001), &[77, 78]));
    assert!(gone.bytes < all.bytes, "{} of {} bytes", gone.bytes, all.bytes);
    // And never more than so many bytes.
    let bound = back(Sought { bytes: 10_000, ..sought(usize::MAX, Some(1), &[78]) });
    assert!(bound.bytes < 20_000 && !bound.records.is_empty(), "{}", bound.bytes);
}

#[tokio::test]
async fn a_long_running_program_is_known_to_the_next_daemon() {
    let state = tempfile::tempdir().unwrap();
    let settings = Settings { events_in_memory: 100, ..Settings::usual(state.path().to_owned()) };
    let records = [opened(id(77)), start(1)].into_iter().chain((2..=5000).map(denial));
    log_of(state.path(), "b", records);
    fs::create_dir_all(state.path().join("rules")).unwrap();
    let reported = Reported { settled: Some(5001), ..Reported::none("b") };
    fs::write(state.path().join("losses.json"), serde_json::to_vec(&reported).unwrap()).unwrap();
    let trail = Trail::resume(&settings, "b", [id(77)]).unwrap();
    assert_eq!(trail.context.programs.get(1).map(|program| &*program.path), Some("/usr/bin/agent"));
    assert_eq!(trail.context.assistants.get(&id(77)).map(|path| &**path), Some("/usr/bin/agent"));
    drop(trail);
    // Of a session that is over, nothing is looked for.
    let trail = Trail::open(&settings, "b").unwrap();
    assert_eq!(trail.context.programs.get(1), None);
}

#[tokio::test]
async fn the_book_of_losses_is_kept_at_the_end() {
    let state = tempfile::tempdir().unwrap();
    let settings = Settings::usual(state.path().to_owned());
    log_of(state.path(), "b", (1..=300).map(denial));
    let mut trail = Trail::open(&settings, "b").unwrap();
    trail.settle(&[0; 64]);
    drop(trail);
    let reported = read_reported(&state.path().join("losses.json"), "b", &mut Vec::new()).unwrap();
    assert_eq!(reported.settled, Some(301));
}

/// The time that a start takes with a long trail behind it. A figure, not a check.
#[tokio::test]
#[ignore = "a figure, not a check: cargo test --release -p gatekeeper-trail a_start_with -- --ignored --nocapture"]
async fn a_start_with_a_long_trail() {
    let state = tempfile::tempdir().unwrap();
    log_of(state.path(), "b", (1..=200_000).map(denial));
    let bytes: u64 = fs::read_dir(state.path().join(FOLDER))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    let reported = Reported { settled: Some(200_001), ..Reported::none("b") };
    fs::write(state.path().join("losses.json"), serde_json::to_vec(&reported).unwrap()).unwrap();
    let settings = Settings::usual(state.path().to_owned());
    let (_, took) = timed(|| read_back(&state.path().join(FOLDER), sought(20_000, Some(200_001), &[])));
    println!("{bytes} bytes; read back in {took:?}");
    let (trail, took) = timed(|| Trail::open(&settings, "b").unwrap());
    println!("opened in {took:?}");
    drop(trail);
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, std::time::Duration) {
    let begun = Instant::now();
    let done = act();
    (done, begun.elapsed())
}
