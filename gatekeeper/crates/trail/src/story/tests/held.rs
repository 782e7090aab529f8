//! Holds, and the decisions on them.

use super::*;
use gatekeeper_record::decision::{Breadth, DecidedBy, Decision, GrantScope, HoldId, Outcome, Person};

/// The event of a hold: it waits, or has its answer.
fn event_of(hold: u64, sequence: u64, cause: Cause, passed: bool) -> Record {
    let Record::Event(mut event) = act(sequence, &[10, 11], Operation::Exec, Verdict::Ask, "/usr/bin/git")
    else {
        panic!("no event");
    };
    (event.hold, event.cause, event.passed) = (HoldId::from_kernel(hold), cause, passed);
    Record::Event(event)
}

fn asks(hold: u64) -> Record {
    event_of(hold, hold, Cause::Held, false)
}

fn says(hold: u64, by: DecidedBy, approves: bool, settled: bool) -> Record {
    Record::Decision(Box::new(Decision {
        event: None,
        approved: approves,
        summary: "exec /usr/bin/git (git push <b>)".into(),
        decided_by: by,
        checks: Vec::new(),
        hold: HoldId::from_kernel(hold).unwrap(),
        owner: Some(1000),
        reason: Some("no \u{202e}more".into()),
        scope: GrantScope { seconds: Some(600), breadth: Breadth::Exact },
        session: Some(id()),
        session_name: None,
        is_final: settled,
        time: Moment::from_micros(1_800_000_000_000_000 + hold.cast_signed() * 1000 + 4_250_000),
    }))
}

fn person(name: &str, uid: u32) -> DecidedBy {
    DecidedBy::Person(Person {
        name: name.into(),
        program: "gatekeeper".into(),
        terminal: Some("/dev/pts/3".into()),
        uid,
    })
}

/// A story with everything in it.
pub fn story() -> Story {
    let records = [
        change(Change::Opened, id(), None),
        act(1, &[10], Operation::Exec, Verdict::Allow, "/usr/bin/claude"),
        asks(2),
        says(2, person("ann", 1001), true, false),
        says(2, person("bob", 1002), true, true),
        event_of(2, 12, Cause::Decided, true),
        asks(3),
        says(3, person("bob", 1002), false, true),
        event_of(3, 13, Cause::Decided, false),
        asks(4),
        says(4, DecidedBy::Timeout, false, true),
        event_of(4, 14, Cause::Decided, false),
        asks(5),
        says(5, DecidedBy::Withdrawn, false, true),
        asks(6),
        says(7, DecidedBy::RateLimit, false, true),
        change(Change::Ended, id(), None),
    ];
    let numbered: Vec<(u64, Record)> = (100..).zip(records).collect();
    Story::of(id(), &numbered)
}

#[test]
fn what_was_held_and_who_decided() {
    let story = story();
    let outcomes: Vec<_> = story.holds.iter().map(|held| (held.hold.number(), held.outcome)).collect();
    let known = [
        (2, Outcome::Approved),
        (3, Outcome::Denied),
        (4, Outcome::Expired),
        (5, Outcome::Withdrawn),
        // Nobody decided, and the session is over.
        (6, Outcome::Withdrawn),
        // What announced it was lost.
        (7, Outcome::Denied),
    ];
    assert_eq!(outcomes, known.map(|(hold, outcome)| (hold, Some(outcome))));
    let first = &story.holds[0];
    assert_eq!(
        (first.record, first.waited_ms, &first.resulting_records[..]),
        (Some(102), Some(4250), &[105][..])
    );
    assert_eq!(first.to_string(), "approved by bob (uid 1002), exactly this, for 600 s");
    assert_eq!(first.decisions.iter().map(|one| one.record).collect::<Vec<_>>(), [103, 104]);
    assert_eq!(story.holds[5].record, None);
    let counts = &story.counts;
    assert_eq!(
        (counts.held, counts.approved, counts.denied, counts.expired, counts.undecided),
        (6, 1, 2, 1, 2)
    );
    // What waited was not refused by that; what was denied then was.
    assert_eq!((counts.refused, counts.programs, counts.records), (2, 2, 17));
    let one = &story.processes[1].events[0];
    assert_eq!(story.hold_of(one).map(|held| held.hold.number()), Some(2));
}

#[test]
fn what_nobody_decided_waits_while_the_session_runs() {
    let story = Story::of(id(), &[(7, asks(2))]);
    assert_eq!((story.holds[0].outcome, story.counts.undecided), (None, 1));
    assert_eq!(story.holds[0].to_string(), "not decided yet");
}

#[test]
fn the_page_shows_them_harmless() {
    let page = page(&story());
    assert_eq!(page.matches("<rect class=\"held\"").count(), 5);
    assert!(page.contains("approved: bob (uid 1002) on /dev/pts/3 with gatekeeper"), "{page}");
    assert!(page.contains("(git push &lt;b&gt;)") && page.contains("no \\u{202e}more"), "{page}");
    assert!(page.contains("<a href=\"#hold-5\">hold 5</a>: ended undecided"), "{page}");
}
