//! The effect of keys.

use super::{Choice, Command, DEAF, Mode, Pane, State};
use crate::console::{keys::Key, layout};
use crate::protocol::messages::{HoldAnswer, RequestedScope};
use gatekeeper_record::decision::{Breadth, HoldId};

impl State {
    /// Handles a key; returns the command for the caller, if any.
    pub fn press(&mut self, key: Key) -> Option<Command> {
        if key == Key::Quit {
            return Some(Command::Quit);
        }
        if self.now < self.deaf {
            return None;
        }
        match self.mode {
            Mode::Looking => return self.look(key),
            Mode::Searching => self.type_in(key),
            Mode::Confirming(hold, choice) => return self.confirm(key, hold, choice),
        }
        None
    }

    fn look(&mut self, key: Key) -> Option<Command> {
        match key {
            Key::Char('q') => return Some(Command::Quit),
            Key::Char('a') => self.ask(Choice::Once),
            Key::Char('s') => self.ask(Choice::Session),
            Key::Char('d') => self.ask(Choice::Deny),
            Key::Char('/') => {
                self.mode = Mode::Searching;
                self.search.clear();
                self.unselect();
            }
            Key::Escape => {
                self.search.clear();
                self.note.clear();
                self.unselect();
            }
            Key::Tab => {
                self.pane = match self.pane {
                    Pane::Holds => Pane::Sessions,
                    Pane::Sessions => Pane::Events,
                    Pane::Events => Pane::Holds,
                };
                self.unselect();
            }
            Key::Up | Key::Char('k') => self.step(false),
            Key::Down | Key::Char('j') => self.step(true),
            Key::PageUp => self.turn(false),
            Key::PageDown | Key::Char(' ') => self.turn(true),
            Key::Char(_) | Key::Enter | Key::Back | Key::Quit => {}
        }
        None
    }

    fn type_in(&mut self, key: Key) {
        match key {
            Key::Char(c) => self.search.push(c),
            Key::Back => drop(self.search.pop()),
            Key::Enter => self.mode = Mode::Looking,
            Key::Escape => {
                self.search.clear();
                self.mode = Mode::Looking;
            }
            _ => {}
        }
    }

    fn ask(&mut self, choice: Choice) {
        let (Pane::Holds, Some(hold)) = (self.pane, self.selected) else {
            "select a hold first, with the arrow keys".clone_into(&mut self.note);
            return;
        };
        let unread = self.unread();
        if choice != Choice::Deny && unread > 0 {
            self.note = format!("{unread} more lines of it have not been shown: PgDn");
            return;
        }
        self.note.clear();
        self.mode = Mode::Confirming(hold, choice);
    }

    fn confirm(&mut self, key: Key, hold: HoldId, choice: Choice) -> Option<Command> {
        self.mode = Mode::Looking;
        if key != Key::Char('y') {
            self.note = format!("no decision was sent for hold {hold}");
            return None;
        }
        self.unselect();
        self.deaf = self.now + DEAF;
        self.note = format!("hold {hold}: sending the decision");
        let width = if choice == Choice::Session { Breadth::Exact } else { Breadth::Once };
        let scope = RequestedScope { seconds: None, breadth: width };
        Some(Command::Decide(HoldAnswer { hold, approve: choice != Choice::Deny, scope, reason: None }))
    }

    fn step(&mut self, down: bool) {
        if self.pane != Pane::Holds {
            self.scroll = if down { self.scroll + 1 } else { self.scroll.saturating_sub(1) };
            return;
        }
        let found: Vec<HoldId> = self.found().map(|waiting| waiting.held.hold).collect();
        let at = self.selected.and_then(|hold| found.iter().position(|other| *other == hold));
        let next = match (at, down) {
            (None, _) => 0,
            (Some(at), true) => (at + 1).min(found.len() - 1),
            (Some(at), false) => at.saturating_sub(1),
        };
        let next = found.get(next).copied();
        if next != self.selected {
            self.selected = next;
            self.scroll = 0;
            self.read = layout::of(self.size).detail_rows();
        }
    }

    fn turn(&mut self, down: bool) {
        let rows = layout::of(self.size).detail_rows();
        let page = rows.saturating_sub(1).max(1);
        self.scroll = if down { self.scroll + page } else { self.scroll.saturating_sub(page) };
        if let Some(waiting) = self.shown() {
            let all = layout::detail(self, waiting).len();
            self.scroll = self.scroll.min(all.saturating_sub(rows));
            self.read = self.read.max(self.scroll + rows);
        }
    }
}
