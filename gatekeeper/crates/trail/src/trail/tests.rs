//! What policies call a secret is masked in the records of their sessions.

use super::*;
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
fn told(trail: &mut Trail, session: SessionId) -> Vec<String> {
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
    let version_key = |serial, generation| PolicyVersion { serial, generation };
    trail.rules(version_key(1, 1), rules(&["badge (?<s>[0-9]+)"])).unwrap();
    trail.rules(version_key(2, 1), rules(&["(?<s>enter)"])).unwrap();
    trail.layers(id(1), vec![1]);
    trail.layers(id(2), vec![1, 2]);
    trail.layers(id(3), vec![3]);
    let (outer, inner, other) = (told(&mut trail, id(1)), told(&mut trail, id(2)), told(&mut trail, id(3)));
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
    trail.rules(version_key(3, 1), rules(&["(?<s>enter)"])).unwrap();
    trail.rules(version_key(3, 2), rules(&[])).unwrap();
    assert!(told(&mut trail, id(3))[1].starts_with("<masked:"));
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
    trail.note(Record::Daemon(DaemonChange { time, started: true, version, replaces: None, boot }));
    drop(trail);
    assert_eq!(Trail::open(&config, "c").unwrap().version_before(), Some("0.0.9"));
}
