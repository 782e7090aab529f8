//! Keys in, commands out; and what is seen, on screens large and small.

use std::time::Duration;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use unicode_width::UnicodeWidthChar;

use super::keys::Key;
use super::state::{Command, Mode, News, State};
use super::view;
use crate::protocol::messages::{HoldAnswer, RequestedScope};
use gatekeeper_policy::approval::Terms;
use gatekeeper_record::decision::{Breadth, DecidedBy, Decision, GrantScope, HoldId};
use gatekeeper_record::held::Held;
use gatekeeper_record::record::{Object, Record};
use gatekeeper_record::time::Moment;
use gatekeeper_trail::ocsf::samples::event;

const HOSTILE: &str = "\u{1b}[2J\u{202e}gpj.\u{200b}\u{a0}\u{e0041}\u{9b}0m\r\n\u{5d0}/\u{3164}";

fn id(number: u64) -> HoldId {
    HoldId::from_kernel(number).unwrap()
}

fn file(path: &str) -> Object {
    Object::File { path: path.into(), path_hex: None, workspace_path: None, device: 1, inode: 2 }
}

fn held(number: u64, path: &str, arguments: &[&str]) -> Held {
    Held {
        hold: id(number),
        event: event(number, Operation::Exec, Verdict::Ask, file(path)),
        arguments: Some(arguments.iter().map(|argument| (*argument).to_owned()).collect()),
        working_directory: Some("/home/dev/app".into()),
        seconds_left: 90,
        terms: Terms::default(),
        approved_by: Vec::new(),
        checks: Vec::new(),
        owner_name: Some("dev".into()),
        flood_denied: None,
    }
}

fn push(number: u64) -> Held {
    held(number, "/usr/bin/git", &["git", "push", "origin", "HEAD:main"])
}

fn state(size: (u16, u16), holds: Vec<Held>) -> State {
    let mut state = State::new(size);
    for held in holds {
        state.receive(News::Hold(Box::new(held)));
    }
    state
}

fn press(state: &mut State, keys: &str) -> Vec<Command> {
    let keys = keys.chars().map(|c| match c {
        '↓' => Key::Down,
        '↑' => Key::Up,
        '⇟' => Key::PageDown,
        '⏎' => Key::Enter,
        '⎋' => Key::Escape,
        '⇥' => Key::Tab,
        c => Key::Char(c),
    });
    keys.filter_map(|key| state.press(key)).collect()
}

fn answer(number: u64, approve: bool, width: Breadth) -> Command {
    Command::Decide(HoldAnswer {
        hold: id(number),
        approve,
        scope: RequestedScope { seconds: None, breadth: width },
        reason: None,
    })
}

fn screen(state: &State) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1)).unwrap();
    terminal.draw(|frame| view::draw(state, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row =
        |y| (0..state.size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..state.size.1).map(row).collect()
}

#[test]
fn two_different_keys_decide_the_hold_that_was_shown() {
    for (keys, expected) in [
        ("↓ay", answer(7, true, Breadth::Once)),
        ("↓sy", answer(7, true, Breadth::Exact)),
        ("↓dy", answer(7, false, Breadth::Once)),
        ("↓↓ay", answer(9, true, Breadth::Once)),
    ] {
        let mut state = state((100, 40), vec![push(7), push(9)]);
        assert_eq!(press(&mut state, keys), [expected], "{keys}");
    }
}

#[test]
fn no_other_key_decides() {
    for second in ['a', 's', 'd', '⏎', ' ', 'Y', 'n', '⎋', '↓', '⇥'] {
        let mut state = state((100, 40), vec![push(7)]);
        assert_eq!(press(&mut state, &format!("↓a{second}")), [], "{second}");
        assert_eq!(state.mode, Mode::Looking, "{second}");
    }
    // Nothing is selected of itself.
    let mut state = state((100, 40), vec![push(7)]);
    assert_eq!(press(&mut state, "ay⏎y yy"), []);
}

#[test]
fn a_held_down_key_decides_nothing_and_typing_on_no_second_hold() {
    for key in ["a", "y", "d", "s", "↓", "⏎", " "] {
        let mut state = state((100, 40), vec![push(7), push(9)]);
        press(&mut state, "↓");
        assert_eq!(press(&mut state, &key.repeat(500)), [], "{key}");
    }
    let mut state = state((100, 40), vec![push(7), push(9), push(11)]);
    assert_eq!(press(&mut state, &"↓ay".repeat(50)).len(), 1);
    assert_eq!(state.selected, None);
    state.tick(Duration::from_millis(499));
    assert_eq!(press(&mut state, "↓ay"), []);
    state.tick(Duration::from_millis(501));
    assert_eq!(press(&mut state, "ay"), [], "nothing is selected after a decision");
    assert_eq!(press(&mut state, "↓ay").len(), 1);
}

#[test]
fn a_hold_that_comes_or_goes_does_not_slip_under_the_key() {
    let mut state = state((100, 40), vec![push(7)]);
    press(&mut state, "↓a");
    state.receive(News::Hold(Box::new(push(3))));
    assert_eq!(press(&mut state, "y"), [answer(7, true, Breadth::Once)]);

    let mut state = self::state((100, 40), vec![push(7), push(9)]);
    press(&mut state, "↓a");
    state.receive(News::Gone(id(7)));
    assert_eq!(press(&mut state, "yay"), []);
    assert!(state.note.contains("waits no more"), "{}", state.note);

    let mut state = self::state((100, 40), vec![push(7)]);
    press(&mut state, "↓a");
    state.receive(News::HoldsAnew);
    assert_eq!(press(&mut state, "y"), []);
}

#[test]
fn a_hold_that_is_amended_is_the_same_and_not_new() {
    let mut state = state((100, 40), vec![Held { flood_denied: Some(0), ..push(7) }]);
    state.take_bell();
    press(&mut state, "↓a");
    state.receive(News::Amended { hold: id(7), approved: Vec::new(), flood: Some(41) });
    state.receive(News::Amended { hold: id(8), approved: Vec::new(), flood: Some(2) });
    assert!(screen(&state).iter().any(|line| line.contains("41 so far")));
    assert!(!state.take_bell() && state.holds.len() == 1);
    assert_eq!(press(&mut state, "y"), [answer(7, true, Breadth::Once)]);
}

#[test]
fn approving_more_than_others_did_is_noted() {
    let once = GrantScope { seconds: None, breadth: Breadth::Once };
    let decision = || Decision {
        event: None,
        approved: true,
        summary: "delete /srv/x".into(),
        decided_by: DecidedBy::Timeout,
        checks: Vec::new(),
        hold: id(7),
        owner: None,
        reason: None,
        scope: once,
        session: None,
        session_name: None,
        is_final: true,
        time: Moment::now(),
    };
    let mut state = state((100, 40), vec![push(7)]);
    let asked = GrantScope { seconds: None, breadth: Breadth::Exact };
    state.receive(News::Decided { decision: Box::new(decision()), asked });
    assert!(state.note.contains("others approved no more than once"), "{}", state.note);
    state.receive(News::Decided { decision: Box::new(decision()), asked: once });
    assert!(!state.note.contains("others approved"), "{}", state.note);
}

#[test]
fn lines_not_on_the_screen_keep_a_hold_unapproved() {
    let many: Vec<String> = (0..100).map(|number| format!("file-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut state = state((100, 20), vec![held(7, "/usr/bin/rm", &many)]);
    assert_eq!(press(&mut state, "↓ay"), []);
    assert!(state.note.contains("PgDn"), "{}", state.note);
    assert_eq!(press(&mut state, "⇟⇟⇟⇟⇟⇟⇟⇟⇟⇟⇟⇟ay"), [answer(7, true, Breadth::Once)]);
    // Denying needs no more than the first line.
    let mut state = self::state((100, 20), vec![held(7, "/usr/bin/rm", &many)]);
    assert_eq!(press(&mut state, "↓dy"), [answer(7, false, Breadth::Once)]);
    // A smaller screen shows less of it.
    let mut state = self::state((100, 60), vec![push(7)]);
    press(&mut state, "↓");
    state.resize((40, 12));
    assert_eq!(press(&mut state, "ay"), []);
}

#[test]
fn a_search_finds_and_its_letters_decide_nothing() {
    let mut state = state((100, 40), vec![push(7), held(9, "/usr/bin/rm", &["rm", "-rf", "day"])]);
    assert_eq!(press(&mut state, "↓/days"), []);
    assert_eq!(state.found().count(), 0);
    state.press(Key::Back);
    assert_eq!(press(&mut state, "⏎ay"), [], "what was selected before is not any more");
    assert_eq!(press(&mut state, "↓ay"), [answer(9, true, Breadth::Once)]);
    state.tick(Duration::from_secs(1));
    press(&mut state, "⎋");
    assert_eq!(state.found().count(), 2);
}

#[test]
fn all_there_is_to_know_is_seen() {
    let mut state = state((100, 30), vec![push(7)]);
    let mut before = event(5, Operation::Read, Verdict::Audit, file("/home/dev/.netrc"));
    before.boot_time = push(7).event.boot_time - 1_000_000;
    state.receive(News::Record(Box::new(Record::Event(Box::new(before)))));
    press(&mut state, "↓");
    state.tick(Duration::from_secs(15));
    let seen = screen(&state).join("\n");
    for part in [
        "7, 75 s left",
        "demo",
        "help the build",
        "exec",
        "/usr/bin/git",
        "0: git",
        "1: push",
        "2: origin",
        "3: HEAD:main",
        "cat[300]",
        "/home/dev/app",
        "/usr/bin/bash[200]",
        "no-secrets of coding-assistant",
        "secrets stay here",
        "audit read /home/dev/.netrc",
        "last 60 s",
    ] {
        assert!(seen.contains(part), "{part} in\n{seen}");
    }
    press(&mut state, "a");
    let seen = screen(&state).join("\n");
    assert!(seen.contains("approve hold 7 once?") && seen.contains("y: yes   any other key: no"), "{seen}");
    assert!(seen.contains("exec /usr/bin/git (git push origin HEAD:main)"), "{seen}");
}

#[test]
fn a_small_screen_looks_like_this() {
    let mut state = state((40, 12), vec![push(7), push(9)]);
    press(&mut state, "↓");
    let expected = [
        "[holds 2] sessions 0  events",
        ">7 90s cat[300] exec git push origin HEA",
        " 9 90s cat[300] exec git push origin HEA",
        "hold: 7, 90 s left",
        "session: 000000002d (demo)",
        "owner: dev (1000)",
        "purpose: help the build",
        "operation: exec",
        "object: /usr/bin/git",
        "",
        "10 more lines: PgDn",
        "a once d deny s session / Tab q",
    ];
    assert_eq!(screen(&state), expected);
    assert_eq!(press(&mut state, "ay"), []);
    press(&mut state, "⇟⇟⇟⇟a");
    let seen = screen(&state);
    assert_eq!(&seen[9..], ["approve hold 7 once?", "exec /usr/bin/git", "y: yes   any other key: no"]);
    assert_eq!(press(&mut state, "y"), [answer(7, true, Breadth::Once)]);
}

#[test]
fn an_absent_daemon_is_noted_until_it_is_back() {
    let mut state = state((100, 20), vec![push(7)]);
    press(&mut state, "↓a");
    state.receive(News::HoldsAnew);
    state.receive(News::Away("no daemon answers\n  start it".into()));
    assert_eq!(press(&mut state, "y"), []);
    let seen = screen(&state);
    assert!(seen[1].contains("nothing waits") && seen[17] == "no daemon answers   start it", "{seen:#?}");
    state.receive(News::HoldsAnew);
    assert_eq!(screen(&state)[17], "");
}

#[test]
fn hostile_text_stays_in_its_place() {
    let mut hostile = held(7, &format!("/tmp/{HOSTILE}"), &["sh", HOSTILE, &" ".repeat(3000), ""]);
    hostile.event.purpose = Some(HOSTILE.into());
    hostile.event.session_name = Some(HOSTILE.repeat(9));
    hostile.event.program = Some(format!("/tmp/{HOSTILE}"));
    hostile.event.task.comm = HOSTILE.into();
    hostile.event.reason = HOSTILE.into();
    hostile.working_directory = Some(format!("/tmp/{HOSTILE}").into());
    hostile.event.ancestry[0].path = HOSTILE.into();
    for size in [(40, 12), (100, 40), (200, 60), (10, 3), (1, 1)] {
        let mut state = state(size, vec![hostile.clone()]);
        state.receive(News::Record(Box::new(Record::Event(Box::new(hostile.event.clone())))));
        state.receive(News::Trouble(HOSTILE.into()));
        let mut seen = screen(&state);
        for keys in ["↓", "⇟", "⇟", "d", "x", "⇥", "⇥", "⇥", "/"] {
            press(&mut state, keys);
            seen.extend(screen(&state));
        }
        for line in &seen {
            assert!(
                line.chars()
                    .all(|c| c == ' ' || (c.width().is_some_and(|width| width > 0) && !c.is_whitespace())),
                "{size:?}: {line:?}"
            );
        }
        if size.0 >= 100 {
            assert!(seen.iter().any(|line| line.contains("\\u{202e}gpj")), "{seen:#?}");
            assert!(seen.iter().any(|line| line.contains("2: \\{3000 blanks}")), "{seen:#?}");
            assert!(seen.iter().any(|line| line.contains("3: \\{empty}")), "{seen:#?}");
        }
    }
}
