//! Keys in, steps out; and what is seen, whatever the session has made of the terminal.

use std::num::NonZeroU16;

use super::question::{Question, Step};
use super::screen::Screen;
use crate::hold::notify::tests::held;
use crate::protocol::messages::{HoldAnswer, RequestedScope};
use gatekeeper_record::decision::Breadth;
use gatekeeper_record::held::Held;

const SIZE: (u16, u16) = (80, 24);
const HOSTILE: &str = "\u{1b}[2J\u{202e}gpj.\u{200b}\u{a0}\u{9b}0m\r\n\u{5d0}\u{3164}";

fn question(held: Held, size: (u16, u16)) -> Question {
    Question::new(held, size, "417".to_owned()).long_ago()
}

fn press(question: &mut Question, keys: &str) -> Step {
    question.press(keys.as_bytes())
}

fn decided(approve: bool, width: Breadth) -> Step {
    let hold = held().hold;
    Step::Decide(HoldAnswer {
        hold,
        approve,
        scope: RequestedScope { seconds: None, breadth: width },
        reason: None,
    })
}

fn seen(bytes: &[u8], size: (u16, u16)) -> String {
    let mut terminal = terminal(size);
    terminal.process(bytes);
    terminal.screen().contents()
}

fn terminal(size: (u16, u16)) -> vt100::Parser {
    vt100::Parser::new(NonZeroU16::new(size.1).unwrap(), NonZeroU16::new(size.0).unwrap(), 0)
}

#[test]
fn a_letter_and_the_code_decide() {
    for (keys, step) in [
        ("a417\r", decided(true, Breadth::Once)),
        ("s 417\n", decided(true, Breadth::Exact)),
        ("d417\r", decided(false, Breadth::Once)),
        ("x\u{7f}a417\r", decided(true, Breadth::Once)),
        ("later\r", Step::Later),
    ] {
        assert_eq!(press(&mut question(held(), SIZE), keys), step, "{keys:?}");
    }
}

#[test]
fn nothing_else_does() {
    for keys in
        ["a\r", "y\r", "\r", "417\r", "a418\r", "aa417\r", "A417\r", "a417", "a417\u{1b}[A\r", "yes\r"]
    {
        assert_eq!(press(&mut question(held(), SIZE), keys), Step::Stay, "{keys:?}");
    }
}

#[test]
fn a_key_that_is_held_down_says_nothing() {
    let mut question = question(held(), SIZE);
    for key in ["a", "\r", "d"] {
        for _ in 0..1000 {
            assert_eq!(press(&mut question, key), Step::Stay);
        }
        assert_eq!(press(&mut question, "\r"), Step::Stay);
    }
}

#[test]
fn a_terminals_own_bytes_are_no_answer() {
    // A title made of an answer, reported; the cursor's place in the middle of typing; pasted text in brackets.
    for keys in ["\u{1b}]la417\r\u{1b}\\", "\u{1b}[24;80R", "\u{1b}[200~a417\r\u{1b}[201~"] {
        let mut question = question(held(), SIZE);
        assert_eq!(press(&mut question, "a41"), Step::Stay);
        assert_eq!(press(&mut question, keys), Step::Stay, "{keys:?}");
        assert_eq!(press(&mut question, "7\r"), Step::Stay, "{keys:?}");
    }
}

#[test]
fn keys_typed_before_the_question_could_be_read_are_no_answer() {
    let mut question = Question::new(held(), SIZE, "417".to_owned());
    assert_eq!(press(&mut question, "a417\r"), Step::Stay);
    let mut question = question.long_ago();
    assert_eq!(press(&mut question, "\r"), Step::Stay);
    assert_eq!(press(&mut question, "a417\r"), decided(true, Breadth::Once));
}

#[test]
fn lines_not_yet_on_the_screen_keep_a_hold_undecided() {
    let words: Vec<String> = (0..60).map(|number| format!("argument-{number}")).collect();
    let mut question = question(Held { arguments: Some(words), ..held() }, SIZE);
    let first = seen(&question.draw(9), SIZE);
    assert!(first.contains("more lines") && !first.contains("417"), "{first}");
    assert_eq!(press(&mut question, "a417\r"), Step::Stay);
    for _ in 0..10 {
        press(&mut question, " ");
    }
    let last = seen(&question.draw(9), SIZE);
    assert!(last.contains("a417 once"), "{last}");
    assert_eq!(press(&mut question, "a417\r"), decided(true, Breadth::Once));
}

#[test]
fn while_the_daemon_is_away_nothing_is_decided() {
    let mut question = question(held(), SIZE);
    question.mark_stale();
    assert_eq!(press(&mut question, "a417\r"), Step::Stay);
    assert!(seen(&question.draw(9), SIZE).contains("the daemon is away"));
    question.trust();
    assert_eq!(press(&mut question, "a417\r"), decided(true, Breadth::Once));
}

#[test]
fn hostile_words_are_spelled_out_on_screens_of_every_size() {
    for columns in [20, 80] {
        for rows in [8, 24] {
            let hostile = Held { arguments: Some(vec![HOSTILE.into(), "x".repeat(300)]), ..held() };
            let size = (columns, rows);
            let mut question = question(hostile, size);
            let mut all = String::new();
            loop {
                let drawn = question.draw(9);
                let screen = seen(&drawn, size);
                assert!(screen.lines().count() <= usize::from(rows), "{size:?}: {screen}");
                assert!(!drawn.windows(4).any(|part| part == b"\x1b[0m"), "{size:?}");
                all += &screen;
                if !screen.contains("more lines") {
                    break;
                }
                press(&mut question, " ");
            }
            for bad in ['\u{202e}', '\u{200b}', '\u{a0}', '\u{5d0}', '\u{3164}'] {
                assert!(!all.contains(bad), "{bad:?} at {size:?}");
            }
            assert!(seen(&question.draw(9), size).contains("a417"), "{size:?}");
        }
    }
}

#[test]
fn the_terminal_is_plain_for_a_question_and_afterwards_as_it_was() {
    for session in [
        "plain $ ",
        "\u{1b}[31mred\u{1b}[?25l",
        "\u{1b}[?1049h\u{1b}[2J\u{1b}[5;5Hfull screen\u{1b}[?2004h\u{1b}[?1002h\u{1b}[?1006h\u{1b}=",
        "\u{1b}[?1004h\u{1b}[>1uwith more",
        "a string that never ends \u{1b}]0;title",
    ] {
        let (mut real, mut untouched) = (terminal(SIZE), terminal(SIZE));
        let mut screen = Screen::new(SIZE);
        real.process(session.as_bytes());
        untouched.process(session.as_bytes());
        screen.show(session.as_bytes());
        real.process(&screen.reset());
        let during = real.screen();
        assert_eq!(during.contents().trim(), "", "{session:?}");
        assert!(during.alternate_screen() && !during.hide_cursor() && !during.bracketed_paste());
        assert_eq!(during.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "{session:?}");
        real.process(&question(held(), SIZE).draw(9));
        let back = screen.restore();
        real.process(&back);
        let (now, before) = (real.screen(), untouched.screen());
        assert_eq!(now.state_formatted(), before.state_formatted(), "{session:?}");
        assert_eq!(now.alternate_screen(), before.alternate_screen(), "{session:?}");
        assert_eq!(now.cursor_position(), before.cursor_position(), "{session:?}");
        if session.contains("[?1004h") {
            let text = String::from_utf8(back).unwrap();
            assert!(text.contains("\u{1b}[?1004h") && text.contains("\u{1b}[=1;1u"), "{text:?}");
        }
    }
}
