//! The console's state and the effect of keys. Nothing here reads, writes or waits: news and keys go in, commands come out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::layout;
use crate::hold::text;
use crate::protocol::messages::HoldAnswer;
use crate::protocol::summary::Summary;
use gatekeeper_record::decision::HoldId;
use gatekeeper_record::held::Held;
use gatekeeper_record::record::{Event, Record};

mod news;
mod press;

pub use news::News;

/// After a decision keys mean nothing for so long: whoever still types means the one before.
const DEAF: Duration = Duration::from_millis(500);
/// Nanoseconds before a hold for which the events of its task are shown.
const LATELY: u64 = 60_000_000_000;
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
}
