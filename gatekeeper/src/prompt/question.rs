//! One question: its picture, and the effect of keys. Nothing here reads, writes or waits.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::hold::text;
use crate::protocol::messages::{HoldAnswer, RequestedScope};
use gatekeeper_record::decision::{Breadth, HoldId};
use gatekeeper_record::held::Held;
use gatekeeper_record::safe_text;

/// Time for which keys mean nothing: who still types answers nothing that they have read, and neither does a terminal that
/// answers what the session asked it before.
const DEAF: Duration = Duration::from_millis(600);
/// Keys that are kept, at most.
const TYPED: usize = 16;
/// Lines that are not the hold's.
const FRAME: usize = 6;

/// Effect of a key.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// The question stands.
    Stay,
    /// The question is left for another place.
    Later,
    /// The question is answered.
    Decide(HoldAnswer),
}

/// A question.
#[derive(Debug)]
pub struct Question {
    held: Held,
    size: (u16, u16),
    /// Digits to type after the letter: nobody could know them before.
    code: String,
    typed: String,
    /// The first line on the screen.
    top: usize,
    /// Lines that have been on it.
    read: usize,
    note: String,
    /// Whether the daemon is away, so that nobody knows whether it still waits.
    stale: bool,
    begun: Instant,
    left: u64,
}

impl Question {
    /// Asks about a hold.
    #[must_use]
    pub fn new(held: Held, size: (u16, u16), code: String) -> Self {
        let left = held.seconds_left;
        let mut question = Self {
            held,
            size,
            code,
            typed: String::new(),
            top: 0,
            read: 0,
            note: String::new(),
            stale: false,
            begun: Instant::now(),
            left,
        };
        question.see();
        question
    }

    /// The hold.
    #[must_use]
    pub fn hold(&self) -> HoldId {
        self.held.hold
    }

    /// Marks the question stale: the daemon is away.
    pub fn mark_stale(&mut self) {
        self.stale = true;
    }

    /// Marks the question current: the hold is still open.
    pub fn trust(&mut self) {
        self.stale = false;
    }

    /// The terminal has another size: what was read may be off it.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        (self.top, self.read) = (0, 0);
        self.typed.clear();
        self.see();
    }

    /// Whether nobody knows if it still waits.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// Shows a note on the last answer.
    pub fn note(&mut self, note: &str) {
        self.note = safe_text::exact(&note.replace('\n', " "));
        self.typed.clear();
    }

    /// Counts down the time that is left; returns the bytes to draw.
    pub fn tick(&mut self, left: u64) -> Vec<u8> {
        if left == self.left { Vec::new() } else { self.draw_again(left) }
    }

    fn draw_again(&mut self, left: u64) -> Vec<u8> {
        self.left = left;
        self.draw(left)
    }

    fn rows(&self) -> usize {
        usize::from(self.size.1).saturating_sub(FRAME).max(1)
    }

    fn lines(&self, left: u64) -> Vec<String> {
        let width = usize::from(self.size.0).max(2);
        let lines = text::lines(&self.held, left);
        let text = lines.iter().map(|line| format!("{:>10}  {}", line.name, line.text));
        text.flat_map(|text| safe_text::parts(&text, width)).collect()
    }

    fn see(&mut self) {
        self.read = self.read.max(self.top + self.rows());
    }

    /// Lines that have not been on the screen.
    fn unread(&self) -> usize {
        self.lines(0).len().saturating_sub(self.read)
    }

    /// Handles keys that were pressed at once.
    pub fn press(&mut self, keys: &[u8]) -> Step {
        if self.begun.elapsed() < DEAF {
            return Step::Stay;
        }
        self.type_in(keys)
    }

    fn type_in(&mut self, keys: &[u8]) -> Step {
        match keys {
            b"\x1b[6~" | b"\x1b[B" => return self.turn(true),
            b"\x1b[5~" | b"\x1b[A" => return self.turn(false),
            _ => {}
        }
        let plain = |key: &u8| matches!(key, b' '..=b'~' | b'\r' | b'\n' | 8 | 127);
        if !keys.iter().all(plain) {
            // What terminals say of themselves comes with an escape character, and is no answer.
            self.typed.clear();
            return Step::Stay;
        }
        for key in keys {
            match key {
                b'\r' | b'\n' => match self.enter() {
                    Step::Stay => {}
                    // What follows was typed before the next question was seen.
                    step => return step,
                },
                8 | 127 => drop(self.typed.pop()),
                b' ' if self.typed.is_empty() => drop(self.turn(true)),
                b' ' => {}
                key if self.typed.len() < TYPED => self.typed.push(char::from(*key)),
                // Whoever leans on a key says nothing.
                _ => self.typed.clear(),
            }
        }
        Step::Stay
    }

    fn turn(&mut self, down: bool) -> Step {
        let (rows, all) = (self.rows(), self.lines(0).len());
        if down && self.top + rows < all {
            self.top += rows;
        } else if !down {
            self.top = self.top.saturating_sub(rows);
        }
        self.see();
        Step::Stay
    }

    fn enter(&mut self) -> Step {
        let typed = std::mem::take(&mut self.typed);
        if typed.is_empty() {
            return Step::Stay;
        }
        if typed == "later" {
            return Step::Later;
        }
        let letter = typed.strip_suffix(self.code.as_str()).filter(|_| self.unread() == 0);
        let (approve, width) = match letter {
            Some("a") => (true, Breadth::Once),
            Some("s") => (true, Breadth::Exact),
            Some("d") => (false, Breadth::Once),
            _ => {
                self.note("that is no answer: nothing is decided");
                return Step::Stay;
            }
        };
        if self.stale {
            self.note("the daemon is away: nothing can be decided");
            return Step::Stay;
        }
        let scope = RequestedScope { seconds: None, breadth: width };
        Step::Decide(HoldAnswer { hold: self.held.hold, approve, scope, reason: None })
    }

    /// The whole question.
    #[must_use]
    pub fn draw(&self, left: u64) -> Vec<u8> {
        let lines = self.lines(left);
        let rows = self.rows();
        let mut seen = vec!["gatekeeper asks (the session waits, and sees nothing of this)".to_owned()];
        seen.push(String::new());
        seen.extend(lines.iter().skip(self.top).take(rows).cloned());
        seen.push(String::new());
        let unread = self.unread();
        let away = if self.stale { "the daemon is away" } else { "" };
        seen.push(if away.is_empty() { self.note.clone() } else { away.to_owned() });
        let code = &self.code;
        seen.push(match unread {
            0 if self.size.0 < 56 => format!("a{code} s{code} d{code} later"),
            0 => format!("a{code} once, s{code} session, d{code} deny, later; then Enter"),
            more => format!("{more} more lines: press the space bar (or `later` and Enter)"),
        });
        seen.push(format!("> {}", self.typed));
        let width = usize::from(self.size.0);
        let mut text = String::from("\x1b[H");
        let count = seen.len();
        for (number, line) in seen.iter().enumerate() {
            let end = if number + 1 < count { "\r\n" } else { "" };
            // Nothing of ours may wrap and push something off the screen. Writing to a String can't fail.
            let cut = safe_text::parts(line, width.max(2)).into_iter().next().unwrap_or_default();
            let _ = write!(text, "\x1b[2K{cut}{end}");
        }
        // What is left of a longer one.
        text += "\x1b[J";
        text.into_bytes()
    }
}

#[cfg(test)]
impl Question {
    /// The same, asked long ago.
    pub fn long_ago(mut self) -> Self {
        self.begun = Instant::now().checked_sub(DEAF).unwrap();
        self
    }
}
