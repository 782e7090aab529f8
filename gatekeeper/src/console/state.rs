//! The console's state and the effect of keys. Nothing here reads, writes or waits: news and keys go in, commands come out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::keys::Key;
use super::layout;
use crate::hold::text;
use crate::protocol::messages::HoldAnswer;
use crate::protocol::summary::Summary;
use gatekeeper_record::decision::{Breadth, Decision, GrantScope, HoldId, Person};
use gatekeeper_record::held::Held;
use gatekeeper_record::record::{Event, Record};
use gatekeeper_record::safe_text;

/// After a decision keys mean nothing for so long: whoever still types means the one before.
const DEAF: Duration = Duration::from_millis(500);
/// Nanoseconds before a hold for which the events of its task are shown.
const LATELY: u64 = 60_000_000_000;
/// Records kept.
const RECORDS: usize = 5_000;

/// News from the daemon.
#[derive(Debug)]
pub enum News {
    /// The daemon answers, and the list of holds begins anew.
    HoldsAnew,
    /// The daemon does not answer, or says no.
    Away(String),
    /// Something waits.
    Hold(Box<Held>),
    /// An open hold has changed.
    Amended {
        /// Which hold.
        hold: HoldId,
        /// People who have approved so far.
        approved: Vec<Person>,
        /// Holds denied unshown, where the session asks too often.
        flood: Option<u64>,
    },
    /// A hold is no longer open.
    Gone(HoldId),
    /// The list of records begins anew.
    RecordsAnew,
    /// Something happened.
    Record(Box<Record>),
    /// The sessions that are open.
    Sessions(Vec<Summary>),
    /// Result of an answer.
    Decided {
        /// The daemon's decision.
        decision: Box<Decision>,
        /// The scope that was asked for.
        asked: GrantScope,
    },
    /// Error, in words.
    Trouble(String),
}

/// Command to the caller.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Leave.
    Quit,
    /// Tell the daemon.
    Decide(HoldAnswer),
}

/// Content of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    /// Open holds.
    Holds,
    /// Sessions.
    Sessions,
    /// Latest records.
    Events,
}

/// Answer to a hold that a person is about to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The operation may pass, once.
    Once,
    /// Exactly this may pass for the rest of the session.
    Session,
    /// The operation may not pass.
    Deny,
}

/// Meaning of the keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Looking around.
    Looking,
    /// Typing what to search for.
    Searching,
    /// One more key decides this very hold.
    Confirming(HoldId, Choice),
}

/// A hold, and when its time is over on the console's clock.
#[derive(Debug)]
pub struct Waiting {
    /// The hold.
    pub held: Held,
    until: Duration,
}

/// All that is known.
#[derive(Debug)]
pub struct State {
    pub(super) holds: BTreeMap<HoldId, Waiting>,
    pub(super) sessions: Vec<Summary>,
    pub(super) records: VecDeque<Record>,
    pub(super) pane: Pane,
    pub(super) mode: Mode,
    pub(super) selected: Option<HoldId>,
    /// Lines of the selected hold, or of the list, that are above the screen.
    pub(super) scroll: usize,
    /// Lines of the selected hold that have been on the screen.
    read: usize,
    pub(super) search: String,
    pub(super) note: String,
    /// Cause where the daemon is away.
    pub(super) away: Option<String>,
    /// Columns and rows.
    pub(super) size: (u16, u16),
    now: Duration,
    deaf: Duration,
    bell: bool,
}

impl State {
    /// Makes a state in which nothing is known yet.
    #[must_use]
    pub fn new(size: (u16, u16)) -> Self {
        Self {
            holds: BTreeMap::new(),
            sessions: Vec::new(),
            records: VecDeque::new(),
            pane: Pane::Holds,
            mode: Mode::Looking,
            selected: None,
            scroll: 0,
            read: 0,
            search: String::new(),
            note: String::new(),
            away: None,
            size,
            now: Duration::ZERO,
            deaf: Duration::ZERO,
            bell: false,
        }
    }

    /// Sets the clock, as time since the console's start.
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
    }

    /// The screen has another size: what was read may be off it.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.scroll = 0;
        self.read = layout::of(size).detail_rows();
    }

    /// Whether to ring.
    pub fn take_bell(&mut self) -> bool {
        std::mem::take(&mut self.bell)
    }

    /// Takes in news.
    pub fn receive(&mut self, news: News) {
        match news {
            News::HoldsAnew => {
                self.holds.clear();
                self.unselect();
                self.away = None;
            }
            News::Away(why) => self.away = Some(safe_text::exact(&why.replace('\n', " "))),
            News::Hold(held) => {
                self.bell = true;
                let until = self.now + Duration::from_secs(held.seconds_left);
                self.holds.insert(held.hold, Waiting { held: *held, until });
            }
            News::Amended { hold, approved, flood } => {
                if let Some(Waiting { held, .. }) = self.holds.get_mut(&hold) {
                    (held.approved_by, held.flood_denied) = (approved, flood);
                }
            }
            News::Gone(hold) => self.gone(hold),
            News::RecordsAnew => self.records.clear(),
            News::Record(record) => {
                self.records.push_back(*record);
                if self.records.len() > RECORDS {
                    self.records.pop_front();
                }
            }
            News::Sessions(sessions) => self.sessions = sessions,
            News::Decided { decision, asked } => {
                let narrowed = decision.narrowed(asked).map(|less| format!("; {less}")).unwrap_or_default();
                self.note = safe_text::exact(&format!("{decision}{narrowed}"));
            }
            News::Trouble(trouble) => self.note = safe_text::exact(&trouble.replace('\n', " ")),
        }
    }

    fn gone(&mut self, hold: HoldId) {
        self.holds.remove(&hold);
        if self.selected == Some(hold) {
            if matches!(self.mode, Mode::Confirming(..)) {
                self.note = format!("hold {hold} waits no more: no decision was sent");
                self.deaf = self.now + DEAF;
            }
            self.unselect();
        }
    }

    fn unselect(&mut self) {
        self.selected = None;
        self.scroll = 0;
        self.read = 0;
        if matches!(self.mode, Mode::Confirming(..)) {
            self.mode = Mode::Looking;
        }
    }

    /// Seconds until a hold is denied.
    #[must_use]
    pub fn left(&self, waiting: &Waiting) -> u64 {
        waiting.until.saturating_sub(self.now).as_secs()
    }

    /// The holds that the search finds.
    pub fn found(&self) -> impl Iterator<Item = &Waiting> {
        self.holds.values().filter(|waiting| {
            let lines = text::lines(&waiting.held, 0);
            self.search.is_empty() || lines.iter().any(|line| self.finds(&line.text))
        })
    }

    /// Whether the search finds a text.
    #[must_use]
    pub fn finds(&self, text: &str) -> bool {
        self.search.is_empty() || text.to_lowercase().contains(&self.search.to_lowercase())
    }

    /// The hold that is selected.
    #[must_use]
    pub fn shown(&self) -> Option<&Waiting> {
        self.selected.and_then(|hold| self.holds.get(&hold))
    }

    /// Returns the events of a hold's task and its ancestors in the minute before the hold, the latest last.
    pub fn lately<'a>(&'a self, held: &'a Held) -> impl DoubleEndedIterator<Item = &'a Event> {
        let asked = &held.event;
        let near = |event: &&Event| {
            let same = |pid, start| event.task.pid == pid && event.task.start == start;
            let begun = asked.boot_time.saturating_sub(LATELY);
            event.sequence != asked.sequence
                && (begun..=asked.boot_time).contains(&event.boot_time)
                && (same(asked.task.pid, asked.task.start)
                    || asked.ancestry.iter().any(|process| same(process.pid, process.start)))
        };
        let events = self.records.iter().filter_map(|record| match record {
            Record::Event(event) => Some(&**event),
            _ => None,
        });
        events.filter(near)
    }

    /// Lines of what is asked that have not been on the screen.
    #[must_use]
    pub fn unread(&self) -> usize {
        let Some(waiting) = self.shown() else { return 0 };
        let lines = layout::asked(&waiting.held, self.left(waiting), layout::of(self.size).detail.width);
        lines.len().saturating_sub(self.read)
    }

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
            self.note = "select a hold first, with the arrow keys".to_owned();
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
        let scope = GrantScope { seconds: None, breadth: width };
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
